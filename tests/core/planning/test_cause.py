"""Attributing a difference to git or to AWS."""

from __future__ import annotations

import pytest

from reconciler.core.planning.cause import NOTHING_APPLIED, Applied, Cause, cause
from reconciler.core.planning.diff import Action

APPLIED = Applied(desired=b"d", observed=b"o")


@pytest.mark.parametrize(
    ("action", "desired", "observed", "expected"),
    [
        pytest.param(Action.UPDATE, b"D", b"o", Cause.SPEC_CHANGED, id="git"),
        pytest.param(Action.UPDATE, b"d", b"O", Cause.DRIFT_MODIFIED, id="aws"),
        pytest.param(Action.UPDATE, b"D", b"O", Cause.CONFLICT, id="both"),
        pytest.param(Action.UPDATE, b"d", b"o", Cause.SPEC_CHANGED, id="neither-so-the-policy"),
        pytest.param(Action.ADD, b"d", None, Cause.DRIFT_REMOVED, id="removed-in-aws"),
        pytest.param(Action.ADD, b"D", None, Cause.CONFLICT, id="removed-in-aws-and-edited-in-git"),
        pytest.param(Action.ORPHAN, None, b"o", Cause.ORPHAN, id="orphan"),
    ],
)
@pytest.mark.parametrize("certain", [True, False])
def test_with_a_base(
    action: Action, desired: bytes | None, observed: bytes | None, expected: Cause, certain: bool
) -> None:
    """The entry that was last applied determines the cause."""
    assert expected is cause(action, APPLIED, desired, observed, new_is_certain=certain)


@pytest.mark.parametrize(
    ("action", "certain", "expected"),
    [
        (Action.ADD, True, Cause.SPEC_ADDED),
        (Action.ADD, False, Cause.UNATTRIBUTED),
        (Action.UPDATE, True, Cause.UNATTRIBUTED),
        (Action.UPDATE, False, Cause.UNATTRIBUTED),
        (Action.ORPHAN, False, Cause.ORPHAN),
    ],
)
def test_without_a_base_the_cause_is_unknown(action: Action, certain: bool, expected: Cause) -> None:
    """Without a last applied entry the cause is unknown, except for what was certainly never there."""
    assert expected is cause(action, None, b"d", b"o", new_is_certain=certain)


def test_drift_is_what_aws_did() -> None:
    assert {Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED, Cause.CONFLICT} == {c for c in Cause if c.is_drift}


def test_nothing_applied_is_not_known() -> None:
    assert not NOTHING_APPLIED.known
    assert {} == NOTHING_APPLIED.entries
