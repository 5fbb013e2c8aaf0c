"""What becomes of observed entries that are not desired, where the policy is to blank them."""

from __future__ import annotations

import dataclasses

import orjson
import pytest

from reconciler.core.entries.entry import blank
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.spec.choices import DriftClass
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.settings import BareLine, Switches
from reconciler.reports.plan.words import summary
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab
from tests.engine.usecases.test_drift import drift

GARBAGE = b'{"source-ref": "s3://b/e.jp'


def observed(lab: Lab) -> dict[str, set[str]]:
    lines = [orjson.loads(line) for page in lab.context.gateway.pages(lab.arn) for line in page]
    return {line["source-ref"]: set(line) - {"source-ref", "cl-metadata", "cl-errors"} for line in lines}


def test_an_orphan_loses_its_labels_and_nothing_else_changes(full: Lab):
    """It is sent back bare, so that training ignores it; it is planned, counted and proven like an update."""
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
    """A second apply sends nothing, and nothing is pending; nor for an image that was never labelled."""
    full.write(*named("abcd"), orphans="blank")
    full.apply()
    full.emulator.console.add_image(full.arn, ref("z"))

    result, plan = full.apply(), full.plan()

    assert (Verdict.CONVERGED, 0, False) == (result.verdict, result.updates, plan.pending)
    assert "2 orphans (blank already)" in summary(plan)


def test_the_plan_says_what_becomes_of_orphans(full: Lab):
    """Blanked where the policy says so, reported where it does not."""
    full.write(*named("abcd"), orphans="blank")
    assert "1 orphan (blanked)" in summary(full.plan())

    full.write(*named("abcd"), orphans="report")
    assert "1 orphan (reported)" in summary(full.plan())


@pytest.mark.parametrize("policy", [{"orphans": "report"}, {"orphans": "rebuild"}])
def test_an_orphan_is_otherwise_only_reported(full: Lab, policy):
    """No other policy makes an apply touch it."""
    full.write(*named("abcd"), **policy)

    full.apply()

    assert 1 == len(full.updates())


def test_mode_create_only_blanks_nothing(full: Lab):
    """To blank is to overwrite."""
    full.write(*named("abcd"), orphans="blank", mode="create-only")

    full.apply()

    assert 1 == len(full.updates())


def test_while_a_line_cannot_be_read_no_orphan_is_blanked(full: Lab):
    """Nobody can say which image a cut line was about: it may be this one."""
    full.write(*named("abcd"), named("f")[0], GARBAGE, orphans="blank")

    result = full.apply()

    assert (Verdict.PARTIAL, 5) == (result.verdict, result.exit_code)
    assert [(ref("f"),)] == full.updates()[1:]


def test_blanking_counts_as_overwriting(lab: Lab):
    """The guards see it: four of ten entries blanked are too large a share."""
    lab.write(*named("abcdefghij"), orphans="blank")
    lab.apply()
    lab.write(*named("abcdef"), orphans="blank")

    result = lab.apply()

    assert (Verdict.BLOCKED, ["MAX_CHANGE_RATIO"]) == (
        result.verdict,
        [error.code for error in result.errors],
    )


def test_a_service_that_takes_bare_lines_for_errors_is_found_out(full: Lab):
    """What it marks is named as rejected; it is sent once, and said again as long as it is so."""
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
    """It is blanked a few times, and then somebody is to be asked."""
    full.write(*named("abcd"), orphans="blank")
    full.apply()
    for _ in range(5):
        full.emulator.console.put(full.arn, orjson.loads(named("e")[0]))
        result = full.apply()

    assert 4 == len(full.updates()[1:])
    assert [("CONTESTED",)] == [entry_problem.codes for entry_problem in result.quarantined]


def test_a_blanked_image_that_returns_to_git_is_a_change_of_git(full: Lab):
    """What was blanked is remembered, so that nobody has to guess who moved."""
    full.write(*named("abcd"), orphans="blank")
    full.apply()
    full.apply()
    full.write(*named("abcde"), orphans="blank")

    assert [Cause.SPEC_CHANGED] == [change.cause for change in full.plan().changes]


def test_a_labelled_orphan_that_aws_marks_with_errors_is_blanked_like_any_other(full: Lab):
    """Its codes are named in the drift report; they are no reason to leave the labels, nor counted as left."""
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
