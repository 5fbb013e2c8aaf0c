"""What is stored of an observation and the apply after it."""

from __future__ import annotations

import json

import pytest

from reconciler.core.planning.calls import pack
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action, Change, Diff
from reconciler.core.planning.plan import DatasetPlan, EntryCounts, PlannedChange
from reconciler.core.planning.withholding import Withheld
from reconciler.core.spec.choices import DriftClass, Mode
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.result import DatasetResult, Named, Verdict, WithheldEntry, WithheldGroup
from reconciler.core.status.result import EntryProblem as Entry
from reconciler.core.status.summary import (
    Summary,
    from_document,
    summary_of_cycle,
    summary_of_failure,
    summary_of_plan,
)
from reconciler.core.validation.problem import Origin
from tests.builders import ref

PLACE = Origin("specs/train.jsonl", 3)
WHOLE = Summary(
    Verdict.WITHHELD,
    counts={"desired": 3, "withheld": 1},
    drift={"relabelled": 1},
    pending=True,
    unattributed=True,
    left_out=True,
    seen=True,
    failure=FailureReason(Reason.THROTTLED, "slow down"),
    gap="AWS counts 3, 2 were seen",
    named=Named(
        (WithheldEntry("s3://b/a.jpg", PLACE, Cause.CONFLICT, "why"),),
        (WithheldGroup(Cause.CONFLICT, "why", 1, Withheld.ON_DRIFT), WithheldGroup(Cause.ORPHAN, "", 2)),
        (Entry("s3://b/q.jpg", None, "no", ("CONVICTED",)),),
        (Entry("s3://b/d.jpg", PLACE, "gone"),),
        (Entry("s3://b/r.jpg", PLACE, "marked", ("A", "B")),),
    ),
    exit_code=7,
)


@pytest.mark.parametrize("summary", [WHOLE, Summary(Verdict.CONVERGED)])
def test_it_survives_its_document(summary: Summary):
    """A failure reason and the entries it names survive a restart."""
    assert summary == from_document(json.loads(json.dumps(summary.document())))


def test_a_group_that_an_earlier_version_stored_is_withheld_by_nothing_known():
    document = WHOLE.document()
    document["named"]["groups"] = [["conflict", "changed on both sides, onChange: plan", 1]]
    known = from_document(document)

    assert known is not None
    assert [(1, None, False)] == [(g.number, g.withheld_by, g.waits) for g in known.named.groups]


@pytest.mark.parametrize("key", list(WHOLE.document()))
def test_what_another_version_wrote_is_no_finding(key: str):
    document = WHOLE.document()
    del document[key]
    known = from_document(document)

    assert known is None or key not in {"verdict", "trouble", "named"}


def sent(name: str, cause: Cause) -> PlannedChange:
    return PlannedChange(Change(Action.UPDATE, ref(name), None, None, b"b" * 16), cause, None, b"s" * 16)


def left(*changes: PlannedChange) -> Diff:
    return Diff(tuple(item.change for item in changes), 3, 3, 3 - len(changes), (), ())


MOVED, RELABELLED, EDITED = (
    sent("a", Cause.DRIFT_MODIFIED),
    sent("b", Cause.DRIFT_MODIFIED),
    sent("c", Cause.SPEC_CHANGED),
)
CHANGES = (MOVED, RELABELLED, EDITED)
PLAN = DatasetPlan(
    "flowers",
    "arn:1",
    Mode.UPSERT,
    EntryCounts(3, 3, update=3),
    CHANGES,
    pack([(item, 10) for item in CHANGES], 100),
)
CLASSES = {
    ref("a"): DriftClass.BOX_MOVED,
    ref("b"): DriftClass.RELABELLED,
    ref("z"): DriftClass.UNMANAGED,
}


def test_an_apply_is_counted_by_what_was_observed_after_it():
    """What was set back was drift, was sent, and is in place; only what is left is drift still."""
    seen = EntryCounts(3, 3, update=1, unchanged=2)
    result = DatasetResult("flowers", "arn:1", Verdict.PARTIAL, counts=seen, left={Cause.DRIFT_MODIFIED: 1})

    summary = summary_of_cycle(PLAN, result, left(RELABELLED), None, CLASSES)

    assert {**seen._asdict(), "found": 2, "set_back": 1} == {
        key: number for key, number in summary.counts.items() if number or key in seen._fields
    }
    assert {"relabelled": 1} == summary.drift
    assert (True, False, True) == (summary.pending, summary.unattributed, summary.seen)


def test_an_apply_that_observed_nothing_after_it_counts_as_planned():
    """The counts are those of the plan, all drift is left, and nothing was set back."""
    result = DatasetResult("flowers", "arn:1", Verdict.UNKNOWN, left={Cause.UNATTRIBUTED: 1})

    summary = summary_of_cycle(PLAN, result, None, None, CLASSES)

    assert {**PLAN.counts._asdict(), "found": 2, "set_back": 0} == {
        key: number
        for key, number in summary.counts.items()
        if number or key in {*EntryCounts._fields, "set_back"}
    }
    assert {"box_moved": 1, "relabelled": 1} == summary.drift
    assert (True, True, False) == (summary.pending, summary.unattributed, summary.seen)


def test_during_an_apply_the_state_is_that_of_its_plan():
    """While updates are sent, drift that was found is counted, and nothing is called converged."""
    summary = summary_of_plan(PLAN, CLASSES)

    assert (Verdict.UNKNOWN, True, False, False) == (
        summary.verdict,
        summary.pending,
        summary.unattributed,
        summary.left_out,
    )
    assert {**PLAN.counts._asdict(), "withheld": 0, "found": 2} == summary.counts
    assert {"box_moved": 1, "relabelled": 1, "unmanaged": 1} == summary.drift


@pytest.mark.parametrize(
    ("reason", "verdict"), [(Reason.INVALID, Verdict.FAILED), (Reason.THROTTLED, Verdict.UNKNOWN)]
)
def test_of_a_dataset_that_was_not_observed_nothing_is_claimed(reason: Reason, verdict: Verdict):
    """Neither drift nor a pending change, nor counts, nor an entry that is left out."""
    failure = FailureReason(reason, "why")

    summary = summary_of_failure(failure)

    assert (verdict, failure, {}, {}) == (summary.verdict, summary.failure, summary.counts, summary.drift)
    assert not any((summary.pending, summary.unattributed, summary.left_out, summary.seen, summary.drifted))


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (Summary(Verdict.OBSERVED, counts={"add": 0, "update": 0, "orphan": 3}), True),
        (Summary(Verdict.OBSERVED, counts={"add": 1, "update": 0}), False),
        (Summary(Verdict.OBSERVED, counts={"add": 0, "update": 1}), False),
        (Summary(Verdict.OBSERVED, counts={"add": 0, "update": 0}, left_out=True), False),
        (Summary(Verdict.OBSERVED), False),
        (Summary(Verdict.CONVERGED, counts={"add": 0, "update": 0}), False),
    ],
)
def test_mode_observe_finds_the_desired_in_place(summary: Summary, expected: bool):
    """Only if nothing is to be added or updated, and no entry is left out; orphans do not matter."""
    assert expected is summary.desired_is_in_place


@pytest.mark.parametrize(
    ("drift", "left"),
    [({}, 0), ({"unmanaged": 2}, 0), ({"missing": 1, "unmanaged": 2}, 1), ({"box_moved": 3}, 3)],
)
def test_unmanaged_images_are_no_drift(drift: dict[str, int], left: int):
    """Git itself may have removed them."""
    summary = Summary(Verdict.CONVERGED, drift=drift)

    assert (left, left > 0) == (summary.left, summary.drifted)


@pytest.mark.parametrize(
    ("verdict", "reason", "lost"),
    [
        (Verdict.UNKNOWN, Reason.UNAVAILABLE, True),
        (Verdict.UNKNOWN, Reason.STANDBY, False),
        (Verdict.UNKNOWN, None, True),
        (Verdict.FAILED, Reason.INVALID, False),
        (Verdict.FAILED, Reason.UNAVAILABLE, True),
        (Verdict.FAILED, None, True),
        (Verdict.CONVERGED, None, False),
        (Verdict.PARTIAL, None, False),
    ],
)
def test_only_what_may_pass_by_itself_is_tried_again_with_back_off(verdict, reason, lost):
    """Invalid specs wait for a commit, and a replica that does not lead for its turn."""
    failure = FailureReason(reason, "why") if reason else None

    assert lost is Summary(verdict, failure=failure).is_lost
