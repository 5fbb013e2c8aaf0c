"""A saved plan, shown again."""

import pytest

from reconciler.core.entries.equality import FieldChange
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import PlanError, unplanned
from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.planning.withholding import ChangeSelection, Withheld
from reconciler.core.spec.choices import Mode
from reconciler.core.validation.problem import Origin
from reconciler.errors import UsageError
from reconciler.reports.plan.saved import saved_plan
from tests.reports.builders import add, dataset, orphan, plan, quarantined, rendered, update

PLANS = {
    "changes": plan(
        dataset(
            add("a", 3), update("b", FieldChange("/x", 1, None), cause=Cause.DRIFT_MODIFIED), orphan("c")
        ),
        dataset(name="flowers-test", mode=Mode.OBSERVE, arn=None),
        revision="0123456789abcdef",
    ),
    "not sent": plan(
        dataset(
            add("a", quarantined=quarantined(QuarantineReason.ISOLATED, "line refused")),
            update("b", quarantined=Withheld.ON_DRIFT, cause=Cause.DRIFT_MODIFIED),
            guards=(Guard("MAX_CHANGES", "too many"),),
        )
    ),
    "selected": plan(
        dataset(
            add("a"),
            add("b", quarantined=Withheld.NOT_SELECTED),
            update("c", quarantined=Withheld.NOT_SELECTED),
            orphan("d", quarantined=Withheld.NOT_SELECTED),
        ),
        selection=ChangeSelection(("add",), ("a rose", "x"), ("**",)),
    ),
    "errors": plan(
        dataset(errors=(PlanError("RKD1402", "no such file", Origin("specs/a.yaml", 4)),)),
        unplanned("lost", [PlanError("RKD5010", "no answer")], 3),
    ),
    "nothing": plan(),
}


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
@pytest.mark.parametrize("name", PLANS)
def test_a_saved_plan_reads_as_the_plan_did(name, form):
    """Every rendering for people is the same before and after the plan was saved."""
    saved = saved_plan(rendered("plan", "json", PLANS[name]))

    assert rendered("plan", form, PLANS[name]) == rendered("plan", form, saved)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not whole JSON"),
        (b'{"format":"apply/v1"}', "apply/v1"),
        (
            b'{"format":"plan/v1","digest":"%s","datasets":[{"name":"a"}]}' % (b"0" * 32),
            "revision: Field required",
        ),
    ],
)
def test_a_file_that_is_no_whole_plan_is_refused(data, reason):
    with pytest.raises(UsageError, match=reason):
        saved_plan(data)
