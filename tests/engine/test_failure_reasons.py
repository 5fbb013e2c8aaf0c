"""Every error has the condition reason of its kind."""

from __future__ import annotations

import pytest

from reconciler import errors
from reconciler.core.status.conditions import Reason
from reconciler.engine.failure_reasons import failure_reason_of


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.Denied("why"), Reason.DENIED),
        (errors.NoCredentials("why"), Reason.DENIED),
        (errors.Throttled("why"), Reason.THROTTLED),
        (errors.StateLost("why"), Reason.FAILED),
        (errors.ReconcilerError("why"), Reason.FAILED),
    ],
)
def test_a_special_error_has_the_reason_of_its_kind(error: errors.ReconcilerError, expected: Reason):
    """A dataset without credentials is stalled, as one without permissions is."""
    found = failure_reason_of(error)

    assert (expected, "why") == (found.reason, found.message)
