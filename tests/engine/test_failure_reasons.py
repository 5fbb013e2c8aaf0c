"""Every error has the condition reason of its kind."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler import errors
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError
from reconciler.core.status.conditions import Reason
from reconciler.core.status.result import DatasetResult, EntryProblem, Verdict, WithheldEntry
from reconciler.core.validation.problem import Origin
from reconciler.engine.failure_reasons import (
    facts_of,
    failure_reason_of,
    failure_reason_of_result,
    reason_of_specs,
)


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


LEFT_OUT = EntryProblem("s3://b/a.jpg", None, "why")


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ({}, False),
        ({"quarantined": (LEFT_OUT,)}, True),
        ({"dropped": (LEFT_OUT,)}, True),
        ({"rejected": (LEFT_OUT,)}, True),
        ({"errors": (MANY,)}, True),
        ({"withheld": (WithheldEntry("s3://b/a.jpg", None, Cause.CONFLICT, "why", None),)}, False),
    ],
    ids=lambda case: next(iter(case), "nothing") if isinstance(case, dict) else None,
)
def test_whatever_keeps_an_entry_out_of_place_against_the_policy_leaves_it_out(
    left: dict[str, Any], expected: bool
):
    """One is enough; what the policy withholds has a condition of its own."""
    assert expected is facts_of(DatasetResult("roses", None, Verdict.PARTIAL, **left)).left_out


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
