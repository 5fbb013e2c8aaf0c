"""What happens to orphans where the policy is to blank them."""

from __future__ import annotations

import dataclasses

import orjson
import pytest

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action, blank
from reconciler.core.spec.choices import DriftClass
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.switches import BareLine, Switches
from reconciler.reports.plan.words import summary
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab
from tests.engine.usecases.test_drift import drift

GARBAGE = b'{"source-ref": "s3://b/e.jp'


def observed(lab: Lab) -> dict[str, set[str]]:
    lines = [orjson.loads(line) for page in lab.context.gateway.pages(lab.arn) for line in page]
    return {line["source-ref"]: set(line) - {"source-ref", "cl-metadata", "cl-errors"} for line in lines}


def test_an_orphan_loses_its_labels_and_nothing_else_changes(full: Lab):
    """A blanked orphan keeps only its source-ref; it is planned, counted and verified like an update."""
    full.write(*named("abcd"), orphans="blank")
    plan = full.plan()

    result = full.apply()

    (change,) = plan.changes
    assert (Action.ORPHAN, Cause.ORPHAN, len(blank(ref("e")))) == (change.action, change.cause, change.size)
    assert [(ref("e"),)] == full.updates()[1:]
    assert (Verdict.CONVERGED, 0, 1, True) == (result.verdict, result.added, result.updated, result.verified)
    assert set() == observed(full)[ref("e")]
    assert all(observed(full)[ref(name)] for name in "abcd")


def test_a_blank_orphan_is_left_alone(full: Lab):
    """An orphan without labels, blanked or never labelled, is neither sent nor pending."""
    full.write(*named("abcd"), orphans="blank")
    full.apply()
    full.emulator.console.add_image(full.arn, ref("z"))

    result, plan = full.apply(), full.plan()

    assert (Verdict.CONVERGED, 0, False) == (result.verdict, result.updates, plan.pending)
    assert "2 orphans (blank already)" in summary(plan)


def test_the_plan_says_what_becomes_of_orphans(full: Lab):
    """The plan says of each orphan whether it will be blanked or only reported."""
    full.write(*named("abcd"), orphans="blank")
    assert "1 orphan (blanked)" in summary(full.plan())

    full.write(*named("abcd"), orphans="report")
    assert "1 orphan (reported)" in summary(full.plan())


@pytest.mark.parametrize("policy", [{"orphans": "report"}, {"orphans": "rebuild"}])
def test_an_orphan_is_otherwise_only_reported(full: Lab, policy):
    """Under any other policy an apply leaves orphans alone."""
    full.write(*named("abcd"), **policy)

    full.apply()

    assert 1 == len(full.updates())


def test_mode_create_only_blanks_nothing(full: Lab):
    """Mode create-only blanks nothing, since blanking overwrites."""
    full.write(*named("abcd"), orphans="blank", mode="create-only")

    full.apply()

    assert 1 == len(full.updates())


def test_while_a_line_cannot_be_read_no_orphan_is_blanked(full: Lab):
    """No orphan is blanked while a line cannot be parsed: the line may be about that image."""
    full.write(*named("abcd"), named("f")[0], GARBAGE, orphans="blank")

    result = full.apply()

    assert (Verdict.PARTIAL, 5) == (result.verdict, result.exit_code)
    assert [(ref("f"),)] == full.updates()[1:]


def test_blanking_counts_as_overwriting(lab: Lab):
    """Guards count a blanked entry as overwritten: four of ten are too large a share."""
    lab.write(*named("abcdefghij"), orphans="blank")
    lab.apply()
    lab.write(*named("abcdef"), orphans="blank")

    result = lab.apply()

    assert (Verdict.BLOCKED, ["MAX_CHANGE_RATIO"]) == (
        result.verdict,
        [error.code for error in result.errors],
    )


def test_a_service_that_takes_bare_lines_for_errors_is_found_out(full: Lab):
    """A bare line that the service marks with errors is sent once, and reported as rejected ever after."""
    full.emulator.settings = dataclasses.replace(
        full.emulator.settings, switches=Switches(bare_line=BareLine.ERROR)
    )
    full.write(*named("abcd"), orphans="blank")

    results = [full.apply(), full.apply()]

    assert [(Verdict.PARTIAL, 7)] * 2 == [(result.verdict, result.exit_code) for result in results]
    assert [[(ref("e"), ("ERROR_NO_LABEL_ATTRIBUTES",))]] * 2 == [
        [(entry_problem.source_ref, entry_problem.codes) for entry_problem in result.rejected]
        for result in results
    ]
    assert [(ref("e"),)] == full.updates()[1:]


def test_an_orphan_that_is_labelled_again_and_again_is_left_to_them(full: Lab):
    """An orphan that keeps being labelled again is blanked a few times, then left alone and reported."""
    full.write(*named("abcd"), orphans="blank")
    full.apply()
    for _ in range(5):
        full.emulator.console.put(full.arn, orjson.loads(named("e")[0]))
        result = full.apply()

    assert 4 == len(full.updates()[1:])
    assert [("CONTESTED",)] == [entry_problem.codes for entry_problem in result.quarantined]


def test_a_blanked_image_that_returns_to_git_is_a_change_of_git(full: Lab):
    """A blanked image that is desired again is attributed to git, as the blanking was remembered."""
    full.write(*named("abcd"), orphans="blank")
    full.apply()
    full.apply()
    full.write(*named("abcde"), orphans="blank")

    assert [Cause.SPEC_CHANGED] == [change.cause for change in full.plan().changes]


def test_a_labelled_orphan_that_aws_marks_with_errors_is_blanked_like_any_other(full: Lab):
    """An orphan with service errors is blanked all the same; the drift report names its error codes."""
    full.write(*named("abcd"), orphans="blank")
    spoilt = classified("e", "x").replace(b"image-classification", b"wrong").decode()
    full.emulator.console.put(full.arn, spoilt)

    plan = full.plan()
    (seen,) = drift(full).items

    assert () == plan.errored
    assert (DriftClass.UNMANAGED,) == seen.classes
    assert () != seen.codes
    result = full.apply()
    assert (1, set()) == (result.updated, observed(full)[ref("e")])
