"""Updates are sent even if commits arrive faster than a dataset can be listed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.engine.controller.assignment import MAX_CUT_SHORT, MAX_REPLANS, Assignment
from tests.engine.months import Months, make_months

IMAGES = [f"{number:04d}" for number in range(1_200)]
"""Twelve pages: at 5 calls a second, a listing takes longer than two seconds."""


@pytest.fixture
def months(tmp_path: Path) -> Iterator[Months]:
    with make_months(tmp_path, calls_per_second=5) as found:
        yield found


class Commits:
    """Changes the label of one image at a fixed interval of seconds."""

    def __init__(self, months: Months, every: float, label: str = "rose") -> None:
        self._months = months
        self._every = every
        self._label = label
        self._next = months.time.seconds() + every
        self._numbers = count()
        self.made = 0
        months.time.on_sleep = self

    def __call__(self) -> None:
        if self._months.time.seconds() < self._next:
            return
        self._next = self._months.time.seconds() + self._every
        self.made += 1
        label = f"{self._label}-{next(self._numbers)}"
        self._months.write("roses", *IMAGES[1:], label="rose")
        lines = (self._months.specs / "roses.jsonl").read_bytes()
        self._months.write("roses", IMAGES[0], label=label)
        with (self._months.specs / "roses.jsonl").open("ab") as stream:
            stream.write(lines)
        self._months.controller._poller.poll()

    def stop(self) -> None:
        self._months.time.on_sleep = lambda: None


def run_for(months: Months, seconds: float) -> None:
    """Advance time in steps much shorter than the time between two commits."""
    end = months.time.seconds() + seconds
    while months.time.seconds() < end:
        months.controller.tick()
        months.time.sleep(0.1)


@pytest.mark.parametrize("every", [0.3, 4.0])
def test_updates_arrive_at_any_rate_of_commits(months: Months, every: float):
    """A newer commit replaces what is to be sent and never discards what was observed."""
    months.write("roses", *IMAGES)
    months.settle()
    updates, lists = months.counted.updates, months.emulator.calls.of("ListDatasetEntries")
    updates.clear()
    lists_before = len(lists)
    commits = Commits(months, every)

    run_for(months, 25)
    commits.stop()

    sent = updates.count(("roses", "finished"))
    listed = len(months.emulator.calls.of("ListDatasetEntries")) - lists_before
    assert commits.made >= 5
    assert 4 <= sent
    assert listed <= 13 * (sent + 1)  # one listing and one verification each, never one for each commit
    months.run_for(60)
    assert "True" == months.conditions("roses")["InSync"]
    assert 0 == months.dataset_state("roses").failures


def test_what_is_sent_is_the_newest(months: Months):
    """A commit that arrives during the listing is what is sent."""
    months.write("roses", *IMAGES)
    months.settle()
    months.forget()  # so that it is listed
    months.emulator.calls.clear()
    months.write("roses", *IMAGES[:-1], "first")
    pages = months.emulator.calls

    def commit() -> None:
        if len(pages.of("ListDatasetEntries")) >= 3:
            months.time.on_sleep = lambda: None
            months.write("roses", *IMAGES[:-1], "second")
            months.controller._poller.poll()

    months.time.on_sleep = commit
    months.run_for(20)

    sent = [ref for call in pages.of("UpdateDatasetEntries") for ref in call.source_refs]
    assert ["s3://b/second.jpg"] == sent
    assert "True" == months.conditions("roses")["Ready"]


def test_an_apply_is_cut_short_only_so_often(months: Months, monkeypatch: pytest.MonkeyPatch):
    """With a commit between any two updates, an apply is sent to its end after a few cut short."""
    monkeypatch.setattr("reconciler.engine.dataset.make_plan.MAX_UPDATE_BYTES", 400)
    monkeypatch.setattr("reconciler.engine.dataset.send.MAX_UPDATE_BYTES", 400)
    names, labels = "abcdefghij", (f"rose-{number}" for number in count())
    months.write("roses", *names, label=next(labels))

    def commit() -> None:
        months.write("roses", *names, label=next(labels))
        months.controller._poller.poll()

    months.counted.on_submitted = commit
    cut = []
    for _ in range(MAX_CUT_SHORT + 1):
        cut.append(months.dataset_state("roses").cut_short if "roses" in months.registry.states else 0)
        before = len(months.counted.updates)
        months.controller.trigger()
        months.controller.tick()
        assert 0 == months.dataset_state("roses").failures  # a newer commit is no failure
    sent = len(months.counted.updates) - before

    assert list(range(MAX_CUT_SHORT + 1)) == cut
    assert sent > 2 * len(names) // 2  # submitted and finished, for each part
    assert 0 == months.dataset_state("roses").cut_short


def test_a_plan_is_taken_over_only_so_often_before_it_is_sent(
    months: Months, monkeypatch: pytest.MonkeyPatch
):
    """With a commit before every send, a plan is still sent after a few replacements."""
    check, labels = Assignment.check, (f"rose-{number}" for number in count())
    asked: list[int] = []

    def commit_first(self: Assignment, sent: int) -> None:
        asked.append(sent)
        months.write("roses", *"abc", label=next(labels))
        months.controller._poller.poll()
        check(self, sent)

    monkeypatch.setattr(Assignment, "check", commit_first)
    months.write("roses", *"abc", label=next(labels))

    months.controller.tick()

    assert 1 == months.counted.updates.count(("roses", "finished"))
    assert asked.count(0) <= MAX_REPLANS + 2


def test_commits_do_not_reset_the_back_off(months: Months):
    """A refused dataset keeps its back-off and its failure count, however many commits arrive."""
    months.write("roses", *IMAGES)
    months.settle()
    updates = frozenset({"UpdateDatasetEntries"})
    months.emulator.faults.add(Fault(kind=Kind.ACCESS_DENIED, times=0, operations=updates))
    commits = Commits(months, 5.0)
    months.counted.cycles.clear()

    months.run_for(15 * 60)
    commits.stop()

    assert commits.made > 100
    assert 5 <= months.dataset_state("roses").failures <= 12
    assert len(months.counted.cycles) <= 30


def test_a_failure_while_somebody_commits_is_a_failure(months: Months):
    """A failure counts as a failure even if a newer commit arrived meanwhile."""
    months.write("roses", *IMAGES)
    months.settle()
    number = months.emulator.faults.add(Fault(kind=Kind.UNAVAILABLE, times=0))
    commits = Commits(months, 0.5)

    run_for(months, 120)
    assert 1 <= months.dataset_state("roses").failures
    commits.stop()
    months.emulator.faults.clear(number)
    months.run_for(20 * 60)

    assert 0 == months.dataset_state("roses").failures
