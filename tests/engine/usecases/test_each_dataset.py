"""A dataset that cannot be planned for or applied to has a result that says why, and stops no other."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from reconciler.core.status.result import Verdict
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.apply_each import apply_each
from reconciler.engine.usecases.explain import explain_image
from reconciler.errors import Exit, Interrupted, MachineFailure, ReconcilerError, Unavailable
from reconciler.errors import named as as_ours
from tests.builders import named, ref
from tests.engine.conftest import Lab


def failing(exc: Exception):
    def context_of(_: object) -> object:
        raise exc

    return context_of


@pytest.mark.parametrize(
    ("exc", "kind", "text"),
    [
        (Unavailable("no answer"), Unavailable, "no answer"),
        (
            OSError(28, "No space left on device"),
            MachineFailure,
            "system error: [Errno 28] No space left on device",
        ),
        (
            OSError(28, "No space left on device", "/full"),
            MachineFailure,
            "/full: No space left on device",
        ),
        (MemoryError(), MachineFailure, "system error: MemoryError"),
        (KeyError("x"), ReconcilerError, "unexpected failure: KeyError: 'x'"),
    ],
)
def test_every_error_has_a_code_and_a_reason(exc: Exception, kind: type[ReconcilerError], text: str):
    """Faults of the machine are distinguished from those of the program; only the latter ask for a report."""
    found = as_ours(exc)

    assert (kind, text) == (type(found), str(found))


def test_an_error_of_one_dataset_is_its_plan_and_its_result(lab: Lab):
    lab.write(*named("ab"))
    desired = lab.desired()
    failed = failing(Unavailable("no answer"))

    with capture_logs() as events:
        (plan,) = each_dataset.plan_each([desired], failed)
        (result,) = apply_each([(desired, None)], failed)
        (explained,) = explain_image(ref("a"), [desired], failed)

    assert (Exit.UNKNOWN, False) == (plan.exit_code, plan.was_computed)
    assert (Verdict.UNKNOWN, Exit.UNKNOWN) == (result.verdict, result.exit_code)
    assert Exit.UNKNOWN == explained.error_code
    for errors in (plan.errors, result.errors, explained.errors):
        assert [("RKD5012", "no answer")] == [(error.code, error.message) for error in errors]
    failures = [event for event in events if event["event"] == "dataset.failed"]
    assert [("Unavailable", "no answer", "train")] * 2 == [
        (event["error"], event["reason"], event.get("dataset", "train")) for event in failures
    ]


def test_a_request_to_stop_is_no_result(lab: Lab):
    """It ends the command, whichever it is."""
    lab.write(*named("ab"))
    stopped, desired = failing(Interrupted("asked to stop")), lab.desired()

    for act in (
        lambda: list(each_dataset.plan_each([desired], stopped)),
        lambda: list(apply_each([(desired, None)], stopped)),
        lambda: explain_image(ref("a"), [desired], stopped),
    ):
        with pytest.raises(Interrupted):
            act()


def test_specs_that_cannot_be_used_are_neither_planned_for_nor_sent(lab: Lab):
    """Exit 5, and no call: what is desired is not known."""
    lab.write()
    desired, unreachable = lab.desired(), failing(Unavailable("AWS must not be asked"))

    (plan,) = each_dataset.plan_each([desired], unreachable)
    (result,) = apply_each([(desired, None)], unreachable)

    assert (Exit.INVALID, False) == (plan.exit_code, plan.was_computed)
    assert (Verdict.FAILED, Exit.INVALID) == (result.verdict, result.exit_code)
    assert "the file holds no entries" in plan.errors[0].message
    assert result.errors == plan.errors
