"""Every error has the condition reason of its kind."""

from __future__ import annotations

import pytest

from reconciler import errors
from reconciler.core.planning.plan import PlanError
from reconciler.core.status.conditions import Reason
from reconciler.core.status.result import DatasetResult, Verdict
from reconciler.core.validation.problem import Origin
from reconciler.engine.failure_reasons import failure_reason_of, failure_reason_of_result, reason_of_specs


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


MANY, ALL = PlanError("X", "too many"), PlanError("Y", "all of it")
GONE, BROKEN = PlanError("RKD5012", "no answer"), PlanError("RKD1402", "no such file", Origin("a.yaml", 3))


@pytest.mark.parametrize(
    ("verdict", "errors", "expected"),
    [
        (Verdict.CONVERGED, (), None),
        (Verdict.BLOCKED, (MANY, ALL), "BlockedByGuard: too many; all of it"),
        (Verdict.UNKNOWN, (BROKEN, GONE), "Unavailable: no answer"),
        (Verdict.FAILED, (BROKEN,), "Failed: no such file"),
        (Verdict.FAILED, (), "Failed: it could not be brought to an end"),
        (Verdict.PARTIAL, (BROKEN, GONE), "SpecInvalid: a.yaml:3: no such file"),
        (Verdict.PARTIAL, (GONE,), "Unavailable: no answer"),
    ],
)  # fmt: skip
def test_an_apply_fails_for_the_reason_of_its_errors(
    verdict: Verdict, errors: tuple[PlanError, ...], expected: str | None
):
    """The last error ended it; one that it survived is named first, with its place; no error is no failure."""
    found = failure_reason_of_result(DatasetResult("roses", None, verdict, errors=errors))

    assert expected == (found and f"{found.reason.value}: {found.message}")


UNCLEAR = PlanError(errors.ManifestUnavailable.code, "no answer")
DENIED = PlanError(errors.ManifestDenied.code, "may not be read")


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ((), "SpecInvalid: unusable"),
        ((BROKEN,), "SpecInvalid: a.yaml:3: no such file"),
        ((UNCLEAR, BROKEN), "SpecInvalid: a.yaml:3: no such file"),
        ((BROKEN, UNCLEAR, DENIED), "Denied: may not be read"),
    ],
)
def test_a_dataset_without_a_plan_has_the_reason_of_its_gravest_error(
    errors: tuple[PlanError, ...], expected: str
):
    """In the order of the exit codes; the error names its place."""
    found = reason_of_specs(errors)

    assert expected == f"{found.reason.value}: {found.message}"
