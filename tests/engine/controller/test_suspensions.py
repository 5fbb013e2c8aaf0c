"""A suspension by request stops applying, never observing, and outlives the process."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from reconciler.core.status.suspension import Suspension
from reconciler.engine.controller.assignment import MAX_CUT_SHORT
from reconciler.errors import StateError
from tests.engine.months import Months, make_months

MINUTE = 60.0
WHY = "the labels are being reviewed"


def sent(months: Months) -> int:
    return months.calls().count("UpdateDatasetEntries")


@pytest.fixture
def suspended(months: Months) -> Months:
    """Return a converged dataset, suspended, whose spec then changed."""
    months.write("roses", *"abc")
    months.settle()
    months.controller.suspend(["roses"], WHY, 2 * 3_600)
    months.write("roses", *"abcd")
    months.calls()
    return months


def test_a_suspended_dataset_is_observed_and_not_written(suspended: Months):
    """Changes in git and in AWS are reported, and none is applied."""
    suspended.run_for(20 * MINUTE)

    assert {"DescribeDataset"} <= set(calls := suspended.calls())
    assert "UpdateDatasetEntries" not in calls
    assert "observed" == suspended.dataset_state("roses").verdict(suspended.time.wall())
    assert ("True", "False", "False") == tuple(
        suspended.conditions("roses")[kind] for kind in ("Suspended", "InSync", "Ready")
    )


def test_it_ends_by_itself(suspended: Months):
    """What waited is applied at the end, and not a minute before."""
    suspended.run_for(119 * MINUTE)
    assert 0 == sent(suspended)

    suspended.run_for(2 * MINUTE)

    assert 1 == sent(suspended)
    assert ("False", "True") == tuple(suspended.conditions("roses")[kind] for kind in ("Suspended", "InSync"))
    assert {} == suspended.state.suspensions.all()


def test_it_ends_by_request_and_then_applies_at_once(suspended: Months):
    """Although nothing has moved since the suspended dataset was observed."""
    suspended.run_for(10 * MINUTE)
    suspended.calls()

    suspended.controller.resume(["roses"])
    suspended.controller.tick()

    assert 1 == sent(suspended)
    assert {} == suspended.state.suspensions.all()


@pytest.mark.slow
def test_without_an_end_it_lasts(months: Months):
    """For a day and longer, until somebody resumes it."""
    months.write("roses", *"abc")
    months.settle()
    months.controller.suspend(["roses"], WHY, None)
    months.write("roses", *"abcd")
    months.calls()

    months.run_for(86_400)

    assert 0 == sent(months)
    assert f"applying is suspended: {WHY}" in [
        c.message for c in months.dataset_state("roses").conditions if c.kind == "Suspended"
    ]


def test_a_new_process_keeps_to_it(suspended: Months):
    """Until the same end; what ended while no process ran is over."""
    after = suspended.restarted()
    after.run_for(100 * MINUTE)
    assert 0 == sent(after)
    assert WHY == after.dataset_state("roses").suspension.reason

    after.time.jump_wall(30 * MINUTE)
    last = after.restarted()
    last.settle()

    assert (1, None) == (sent(last), last.dataset_state("roses").suspension)


def test_a_dataset_that_returns_to_git_is_still_suspended(suspended: Months):
    """Removing its spec resumes nothing."""
    spec = suspended.specs / "roses.yaml"
    text = spec.read_text()
    suspended.write("tulips", "x")
    spec.unlink()
    suspended.settle()
    assert "roses" not in suspended.registry.states

    spec.write_text(text)
    suspended.settle()

    assert WHY == suspended.dataset_state("roses").suspension.reason


def test_a_running_apply_sends_no_further_update(months: Months, monkeypatch: pytest.MonkeyPatch):
    """The update in flight is awaited; no next one is sent, even by an apply that commits may not stop."""
    monkeypatch.setattr("reconciler.engine.dataset.make_plan.MAX_UPDATE_BYTES", 400)
    monkeypatch.setattr("reconciler.engine.dataset.send.MAX_UPDATE_BYTES", 400)
    months.write("roses", *"abcdefgh")
    months.controller.tick()
    months.write("roses", *"abcdefgh", label="tulip")
    months.dataset_state("roses").cut_short = MAX_CUT_SHORT
    months.calls()
    months.counted.on_submitted = lambda: months.controller.suspend(["roses"], WHY, None)

    months.settle()
    months.run_for(10 * MINUTE)

    assert 1 == sent(months)
    assert [] == list(months.state.journal.unfinished("roses"))
    assert "observed" == months.dataset_state("roses").verdict(months.time.wall())


def test_what_a_cycle_has_observed_is_not_observed_again(tmp_path: Path):
    """A suspension that arrives during a listing is planned for with that listing."""
    images = [f"{number:04d}" for number in range(1_000)]
    with make_months(tmp_path, calls_per_second=5) as months:
        months.write("roses", *images)
        months.settle()
        months.forget()
        months.write("roses", *images, "9999")
        months.calls()

        def suspend() -> None:
            months.time.on_sleep = lambda: None
            months.controller.suspend(["roses"], WHY, None)

        months.time.on_sleep = suspend
        months.settle()
        calls = months.calls()

    assert 10 <= calls.count("ListDatasetEntries") <= 11  # once
    assert "UpdateDatasetEntries" not in calls


def test_it_is_shown_before_the_next_cycle(months: Months):
    """In the conditions, since a cycle may wait for AWS for long."""
    months.write("roses", *"abc")
    months.settle()

    months.controller.suspend(["roses"], WHY, None)
    assert "True" == months.conditions("roses")["Suspended"]

    months.controller.resume(["roses"])
    assert "False" == months.conditions("roses")["Suspended"]


def test_each_change_supersedes_running_cycles_once_and_is_logged(months: Months):
    """To resume what is not suspended changes nothing."""
    months.write("roses", *"abc")
    months.settle()
    state = months.dataset_state("roses")
    generation = state.generation

    with structlog.testing.capture_logs() as events:
        months.controller.suspend(["roses"], WHY, 60)
        months.controller.resume(["roses"])
        months.controller.resume(["roses"])

    assert generation + 2 == state.generation
    suspended, resumed = (e for e in events if e["event"].startswith("dataset."))
    assert ("dataset.suspended", "roses", WHY) == (
        suspended["event"],
        suspended["dataset"],
        suspended["reason"],
    )
    assert ("dataset.resumed", "roses", False) == (resumed["event"], resumed["dataset"], resumed["expired"])


def test_of_several_datasets_all_are_suspended_or_none(months: Months):
    """And all are resumed, or none."""
    months.write("roses", *"abc")
    months.settle()
    state = months.dataset_state("roses")
    with pytest.raises(KeyError):
        months.controller.suspend(["roses", "gone"], WHY, None)
    assert (None, {}) == (state.suspension, months.state.suspensions.all())

    months.controller.suspend(["roses"], WHY, None)
    with pytest.raises(KeyError):
        months.controller.resume(["roses", "gone"])
    assert {"roses": state.suspension} == months.state.suspensions.all()
    assert state.suspension is not None


def test_what_cannot_be_stored_is_not_suspended(suspended: Months, monkeypatch: pytest.MonkeyPatch):
    """A suspension that a restart would forget is none."""
    suspended.controller.resume(["roses"])

    def full(_: object) -> None:
        raise StateError("the disk is full")

    monkeypatch.setattr(suspended.state.suspensions, "put", full)

    with pytest.raises(StateError):
        suspended.controller.suspend(["roses"], WHY, None)
    assert suspended.dataset_state("roses").suspension is None


def test_the_status_names_reason_and_end(suspended: Months):
    """As times, so that it does not change while it lasts."""
    suspended.settle()
    (document,) = suspended.registry.document()["datasets"]
    (stored,) = suspended.state.statuses().values()
    since = suspended.dataset_state("roses").suspension.since

    assert Suspension(WHY, since, since + 7_200).document() == document["suspension"] == stored["suspension"]
    assert document["next_visit_at"] is not None


def test_a_suspension_ends_although_its_end_cannot_be_stored(months: Months, monkeypatch: pytest.MonkeyPatch):
    """What waited is applied, and the log says what is not stored."""
    months.write("roses", *"abc")
    months.settle()
    months.controller.suspend(["roses"], WHY, 60)
    months.write("roses", *"abcd")
    months.calls()
    months.run_for(30)
    assert 0 == sent(months)

    def full(*_: object) -> None:
        raise StateError("no space left on device")

    monkeypatch.setattr(months.controller._suspensions, "put", full)
    with structlog.testing.capture_logs() as events:
        months.run_for(60)

    assert 1 == sent(months)
    assert [("roses", True)] == [
        (e["dataset"], e["expired"]) for e in events if e["event"] == "dataset.resumed"
    ]
    assert ["no space left on device"] == [e["reason"] for e in events if e["event"] == "status.unsaved"]
