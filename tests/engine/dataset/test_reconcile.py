"""One cycle of one dataset against the emulator."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.behaviour.switches import Rewriting, Switches
from reconciler.engine.dataset.reconcile import Session, claimed, reconcile
from reconciler.errors import Claimed, ListingMoved
from reconciler.state import State
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab, make_lab


def test_what_is_missing_is_made(lab: Lab):
    """With ``create: true`` an apply creates project, dataset and entries, and verifies them."""
    lab.write(*named("abc"))

    result = lab.apply()

    assert (Verdict.CONVERGED, 3, 0, 1, True) == (
        result.verdict,
        result.added,
        result.updated,
        result.updates,
        result.verified,
    )
    assert [ref("a"), ref("b"), ref("c")] == list(lab.updates()[0])


def test_a_second_apply_sends_nothing(lab: Lab):
    """Reconciling is idempotent: a second apply finds everything in place."""
    lab.write(*named("abc"))
    lab.apply()

    result = lab.apply()

    assert (Verdict.CONVERGED, 0) == (result.verdict, result.updates)
    assert 1 == len(lab.updates())


@pytest.mark.parametrize("rewriting", list(Rewriting))
def test_the_service_may_rewrite_a_line_in_form(lab: Lab, rewriting: Rewriting):
    """Sorted keys and 1.0 for 1 are the same entry: the plan after an apply stays empty."""
    lab.emulator.settings = dataclasses.replace(lab.emulator.settings, switches=Switches(rewriting=rewriting))
    lab.write(*named("abc"))
    lab.apply()

    assert () == lab.plan().changes


def test_one_edit_is_one_change(lab: Lab):
    """A plan after one edit holds that entry alone, with its place, its cause and its fields."""
    lab.write(*named("abc"))
    lab.apply()
    lab.write(*named("a"), classified("b", "tulip"), *named("c"))

    (change,) = lab.plan().changes

    assert (Action.UPDATE, ref("b"), Cause.SPEC_CHANGED) == (change.action, change.source_ref, change.cause)
    assert 2 == change.origin.line
    assert {"/rose", "/rose-metadata", "/tulip", "/tulip-metadata"} == {field.path for field in change.fields}


def test_the_side_that_changed_is_distinguished(lab: Lab):
    """Compared with what was last applied, a difference is attributed to git, to AWS or to both."""
    lab.write(*named("abcd"))
    lab.apply()
    lab.emulator.console.put(lab.arn, *(orjson.loads(line) for line in named("bc", "daisy")))
    lab.emulator.console.add_image(lab.arn, ref("z"))
    lab.write(classified("a", "tulip"), *named("b"), classified("c", "tulip"), *named("de"))

    causes = {change.source_ref: change.cause for change in lab.plan().changes}

    assert {
        ref("a"): Cause.SPEC_CHANGED,
        ref("b"): Cause.DRIFT_MODIFIED,
        ref("c"): Cause.CONFLICT,
        ref("e"): Cause.SPEC_ADDED,
        ref("z"): Cause.ORPHAN,
    } == causes


def test_reported_drift_is_not_overwritten(lab: Lab):
    """With ``onDrift: report`` changes made in the console stay, and are still reported."""
    lab.write(*named("ab"), onDrift="report")
    lab.apply()
    lab.emulator.console.put(lab.arn, orjson.loads(classified("a", "daisy")))
    lab.write(*named("a"), classified("b", "tulip"), onDrift="report")

    result = lab.apply()

    assert (1, Verdict.WITHHELD) == (result.updated, result.verdict)
    assert [(ref("a"), Cause.DRIFT_MODIFIED)] == [(c.source_ref, c.cause) for c in lab.plan().changes]


def test_what_came_into_place_meanwhile_is_not_withheld(lab: Lab):
    """An entry whose drift was undone in AWS during the apply is no longer reported as withheld."""
    lab.write(*named("ab"), onDrift="report")
    lab.apply()
    lab.emulator.console.put(lab.arn, orjson.loads(classified("a", "daisy")))
    action = {"do": "put", "dataset": lab.arn, "lines": [orjson.loads(*named("a"))]}
    update = frozenset({"UpdateDatasetEntries"})
    lab.emulator.faults.add(Fault(kind=Kind.CONSOLE_AFTER, operations=update, action=action))
    lab.write(*named("abc"), onDrift="report")

    result = lab.apply()

    assert (Verdict.CONVERGED, 1, ()) == (result.verdict, result.added, result.withheld)


def test_a_blocked_orphan_is_no_desired_entry(lab: Lab):
    """The number of blocked entries counts desired ones, not orphans to be blanked."""
    lab.write(*named("abc"))
    lab.apply()
    lab.write(*named("a"), *named("b", "tulip"), orphans="blank", limits="{maxChanges: 1}")

    result = lab.apply()

    assert (Verdict.BLOCKED, 1, 2) == (result.verdict, result.blocked, result.counts.desired)


def test_reported_drift_is_not_overwritten_once_it_cannot_be_distinguished_from_a_change_of_git(lab: Lab):
    """Without state a difference may be drift and is not overwritten; missing entries are still added."""
    lab.write(*named("ab"), onDrift="report")
    lab.apply()
    lab.emulator.console.put(lab.arn, orjson.loads(classified("a", "daisy")))
    lab.forget_everything()
    lab.write(*named("abc"), onDrift="report")

    result = lab.apply()

    assert (1, 0) == (result.added, result.updated)
    assert [(ref("a"), Cause.UNATTRIBUTED)] == [(c.source_ref, c.cause) for c in lab.plan().changes]


def test_mode_observe_never_writes(lab: Lab):
    """The default mode observes and plans, and makes no call that writes."""
    lab.write(*named("ab"))
    lab.apply()
    lab.emulator.calls.clear()
    lab.write(classified("a", "tulip"), mode="observe")

    result = lab.apply()

    assert (Verdict.OBSERVED, 0) == (result.verdict, result.exit_code)
    assert result.verified
    assert result.complete
    assert [] == lab.emulator.calls.writes()


def test_mode_create_only_never_overwrites(lab: Lab):
    """Mode create-only adds new images and leaves existing entries as they are."""
    lab.write(*named("ab"))
    lab.apply()
    lab.write(classified("a", "tulip"), *named("bc"), mode="create-only")

    result = lab.apply()

    assert (1, 0) == (result.added, result.updated)
    assert [ref("c")] == list(lab.updates()[-1])


def test_planning_makes_no_call_that_writes(lab: Lab):
    """Planning makes no call that writes, even for a dataset that does not exist."""
    lab.write(*named("ab"))

    plan = lab.plan()

    assert (2, None, True) == (plan.counts.add, plan.arn, plan.applyable)
    assert [] == lab.emulator.calls.writes()


def test_a_guard_stops_the_apply_and_not_the_plan(lab: Lab):
    """Overwriting four of ten entries is blocked: exit code 6, nothing sent, the plan still reported."""
    lab.write(*named("abcdefghij"))
    lab.apply()
    lab.write(*named("abcd", "tulip"), *named("efghij"))

    result = lab.apply()

    assert (Verdict.BLOCKED, 6) == (result.verdict, result.exit_code)
    assert ["MAX_CHANGE_RATIO"] == [error.code for error in result.errors]
    assert 4 == lab.plan().counts.update
    assert 1 == len(lab.updates())


def test_one_bad_line_stops_no_other(lab: Lab):
    """An invalid line is named and not sent, the valid ones are, and the exit code says invalid specs."""
    lab.write(*named("abcdef"), b'{"source-ref": "s3://b/bad.jpg", "x": 1}')

    result = lab.apply()

    assert (Verdict.PARTIAL, 5, 6) == (result.verdict, result.exit_code, result.added)
    assert ["ERROR_NO_LABEL_ATTRIBUTES"] == [error.code for error in result.errors]
    assert 7 == result.errors[0].origin.line


def test_a_bad_line_is_no_orphan(lab: Lab):
    """An observed entry whose desired line is invalid is neither changed nor called an orphan."""
    lab.write(*named("abcdef"))
    lab.apply()
    lab.write(*named("bcdef"), b'{"source-ref": "s3://b/a.jpg", "x": 1}')

    assert () == lab.plan().changes


def test_a_dropped_line_is_found_out(lab: Lab):
    """An entry that is absent after UPDATE_COMPLETE is named: exit code 7."""
    lab.write(*named("ab"))
    lab.apply()
    lab.write(*named("abcdefgh"))
    lab.emulator.faults.add(Fault(kind=Kind.DROP, source_refs=frozenset({ref("c")})))

    result = lab.apply()

    assert (Verdict.PARTIAL, 7) == (result.verdict, result.exit_code)
    assert [ref("c")] == [entry_problem.source_ref for entry_problem in result.dropped]


def test_a_dataset_that_moved_is_planned_for_again(lab: Lab):
    """A change between the observation and the first update is observed, and not overwritten."""
    lab.write(*named("ab"))
    lab.apply()
    lab.write(*named("ab"), *named("c"))
    lab.context = dataclasses.replace(lab.context, full=True)
    lab.emulator.faults.add(  # the third DescribeDataset comes before the update
        Fault(
            kind=Kind.CONSOLE_BEFORE,
            operations=frozenset({"DescribeDataset"}),
            after=2,
            action={"do": "add_image", "dataset": lab.arn, "source_ref": ref("z")},
        )
    )
    lab.emulator.calls.clear()

    result = lab.apply()

    names = lab.emulator.calls.names()
    assert (Verdict.CONVERGED, 1) == (result.verdict, result.updates)
    assert 2 == names[: names.index("UpdateDatasetEntries")].count("ListDatasetEntries")


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_start_converges_to_orphans_only(tmp_path_factory, data):
    """From any observed state one apply leaves only orphans."""
    some = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["rose", "tulip"]), min_size=1)
    before, after = data.draw(some, label="before"), data.draw(some, label="after")
    with make_lab(tmp_path_factory.mktemp("lab")) as lab:
        lab.write(*(classified(*item) for item in before.items()))
        lab.apply()
        lab.write(*(classified(*item) for item in after.items()))

        assert Verdict.CONVERGED is lab.apply().verdict
        assert set(before) - set(after) == {
            change.source_ref[len("s3://b/") : -len(".jpg")] for change in lab.plan().changes
        }


def test_both_datasets_of_a_project_may_be_made_at_once(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """When two datasets of a new project are applied at once, the second uses the project of the first."""
    lab.write(*named("abc"))
    gateway = lab.context.gateway
    locate = type(gateway).locate
    blind = iter([True])

    def late(self, project, kind):
        found = locate(self, project, kind)
        if next(blind, False):
            return found
        if not lab.emulator.calls.of("CreateProject"):
            gateway._client.create_project(ProjectName=project)
        return found

    monkeypatch.setattr(type(gateway), "locate", late)

    assert Verdict.CONVERGED is lab.apply().verdict


def test_a_dataset_that_others_keep_changing_is_left_after_three_observations(full: Lab):
    """Nothing is sent for a state of it that is over."""
    full.write(*named("abcde", "tulip"), limits="{maxChangeRatio: 1}")
    desired, sent, planned = full.desired(), len(full.updates()), 0

    def change(_: object) -> None:
        nonlocal planned
        planned += 1
        full.clock.sleep(1.0)
        full.emulator.console.put(full.arn, orjson.loads(classified("a", f"v{planned}")))

    session = Session("train", full.context, 60.0)
    with closing(session), pytest.raises(ListingMoved, match="others changed the dataset 3 times"):
        reconcile(desired, session, change)

    assert (3, sent) == (planned, len(full.updates()))


class Claims:
    """A memory whose claims are refused after some seconds each; it is its own clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.time, self.asked = seconds, 0.0, 0

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def now(self) -> float:
        return self.time

    def draw(self) -> float:
        return 1.0

    def claim(self, name: str) -> None:
        self.asked += 1
        self.time += self.seconds
        raise Claimed(name)


@pytest.mark.parametrize(("seconds", "asked"), [(14.25, 3), (14.5, 2)])
def test_another_process_is_waited_for_half_a_minute(seconds: float, asked: int):
    """Waits of half a second and one second lie between; none ends after thirty."""
    claims = Claims(seconds)
    context: Any = SimpleNamespace(memory=claims, clock=claims)

    with pytest.raises(Claimed), claimed("roses", context):
        pytest.fail("nothing is done without a claim")

    assert asked == claims.asked


def test_a_claim_is_held_until_the_outermost_holder_is_done(full: Lab):
    """A session claims its dataset once, and again after it was let go."""
    session = Session("train", full.context, 60.0)
    for _ in range(2):
        with session.claimed():
            with session.claimed():
                pass
            with State(full.state_dir) as other, pytest.raises(Claimed), other.claim("train"):
                pass
        with State(full.state_dir) as other, other.claim("train"):
            pass
