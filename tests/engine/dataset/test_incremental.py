"""When an observation outlives our own updates, so that the next one need not list the dataset."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from msgspec import structs

from reconciler.core.planning.plan import unplanned
from reconciler.core.status.result import EntryProblem, Verdict
from reconciler.engine.dataset.context import always
from reconciler.engine.dataset.incremental import (
    _may_count,
    carried,
    changed_since_applied,
    may_wait_until,
    scope_of,
)
from reconciler.engine.dataset.listing import SpooledListing
from reconciler.engine.dataset.make_plan import NOTHING, Planned
from reconciler.engine.dataset.observe import Incremental, Observation
from reconciler.engine.dataset.send import SentUpdates
from reconciler.engine.dataset.verify import Proof, SecondObservation
from reconciler.engine.usecases import reading
from reconciler.errors import Exit
from reconciler.ports import Description, ObservedHead, Phase, Stats
from tests.builders import classified, named
from tests.engine.conftest import Lab

STATS = Stats(total_entries=5, labeled_entries=4, error_entries=1)
SEEN = Description(Phase.UPDATE_COMPLETE, "SUCCESS", "", 10.0, STATS)
FIRST, LAST = structs.replace(SEEN, updated_at=20.0), structs.replace(SEEN, updated_at=30.0)
DIFF = structs.replace(NOTHING, observed=5)
PROBLEM = EntryProblem("s3://b/a.jpg", None, "why")


def kept(
    *,
    seen: Description | None = SEEN,
    steps: tuple[tuple[Description, Description], ...] = ((SEEN, FIRST), (FIRST, LAST)),
    gap: str | None = None,
    **facts: Any,
) -> Observation | None:
    """Carry an observation over two updates, of which *facts* say what is not as it should be."""
    plan = unplanned("train", (), Exit.DONE)
    with_spool = facts.pop("readback", True)
    found = Observation("arn", seen, DIFF, SpooledListing(), 1.0, 1.0, gap) if seen else None
    after = SecondObservation(
        facts.pop("diff", DIFF),
        None,
        SpooledListing() if with_spool else None,
        descriptions=frozenset(facts.pop("descriptions", {LAST})),
    )
    sent = SentUpdates(updates=len(steps), steps=list(steps), is_certain=facts.pop("is_certain", True))
    proof = Proof(**{name: facts.pop(name, ()) for name in ("dropped", "overtaken", "changed_meanwhile")})
    assert not facts
    composer: Any = None
    try:
        return carried(Planned(plan, composer, NOTHING, found), after, sent, proof, 99.0)
    finally:
        if found is not None:
            found.listing.close()
        if after.readback is not None:
            after.readback.close()


def test_an_observation_outlives_updates_that_are_seen_from_end_to_end():
    """It is as old as the last of them, and describes the dataset after it."""
    found = kept()

    assert found is not None
    assert (LAST, 99.0, 1.0, None) == (found.description, found.at, found.scanned_at, found.gap)


@pytest.mark.parametrize(
    "facts",
    [
        {"seen": None},
        {"steps": ()},
        {"is_certain": False},
        {"descriptions": {FIRST}},
        {"descriptions": {LAST, FIRST}},
        {"steps": ((FIRST, LAST),)},
        {"steps": ((SEEN, FIRST), (SEEN, LAST))},
        {"steps": ((SEEN, FIRST), (FIRST, structs.replace(FIRST, message="again")))},
        {"dropped": (PROBLEM,)},
        {"overtaken": (PROBLEM,)},
        {"changed_meanwhile": (PROBLEM,)},
        {"diff": structs.replace(DIFF, observed=6)},
        {"readback": False},
    ],
    ids=[
        *("nothing was seen", "nothing was sent", "an answer was lost", "not described after it"),
        *("moved while it was read back", "moved before it", "moved between two", "not known to have ended"),
        *("dropped", "overtaken", "another entry moved", "more are counted", "nothing was read back"),
    ],
)
def test_whatever_else_may_have_changed_the_dataset_ends_it(facts: dict[str, Any]):
    """Any one of these makes the next observation a listing."""
    assert kept(**facts) is None


@pytest.mark.parametrize(
    ("before", "now", "outlives"),
    [
        (STATS, STATS, True),
        (STATS, STATS._replace(labeled_entries=5), False),
        (STATS, STATS._replace(error_entries=0), False),
        (STATS, STATS._replace(labeled_entries=None, error_entries=None), True),
        (STATS._replace(labeled_entries=None), STATS, True),
        (STATS, STATS._replace(total_entries=None), False),
    ],
)
def test_every_statistic_of_the_service_must_add_up(before: Stats, now: Stats, outlives: bool):
    """A number that it leaves out says nothing, but for the number of entries."""
    seen, last = structs.replace(SEEN, stats=before), structs.replace(LAST, stats=now)

    found = kept(seen=seen, steps=((seen, last),), descriptions={last})

    assert outlives is (found is not None)


def test_a_gap_is_reckoned_again_after_the_updates():
    """Entries that were hidden before are still hidden, or have come to light."""
    hidden = structs.replace(LAST, stats=STATS)
    found = kept(
        gap="AWS counts 6 entries, and 5 could be seen", steps=((SEEN, hidden),), descriptions={hidden}
    )

    assert found is not None
    assert found.gap is None


def test_an_apply_reads_no_line_of_what_is_the_same_on_both_sides(full: Lab, monkeypatch: pytest.MonkeyPatch):
    """Where neither the specs nor AWS changed since all of it was recorded as applied."""
    monkeypatch.setattr(reading, "REMEMBERED_BYTES", 0)
    full.settles = True
    full.apply()
    full.emulator.calls.clear()

    result = full.apply()

    assert (Verdict.CONVERGED, 5) == (result.verdict, result.counts and result.counts.unchanged)
    assert ["DescribeDataset"] == full.emulator.calls.names()
    assert "whole" not in vars(full.open[-1].lines)


def test_an_apply_confirms_what_it_read_once(lab: Lab):
    """By the description before the first update: an observation that needs pages is not confirmed apart."""
    names = [f"n{number:03}" for number in range(201)]  # three pages, so that a filter is cheaper
    lab.write(*named(names))
    lab.apply()
    lab.write(classified("n000", "tulip"), *named(names[1:]))
    lab.emulator.calls.clear()

    assert 1 == lab.apply().updated

    made = {"DescribeDataset": 4, "ListDatasetEntries": 2, "UpdateDatasetEntries": 1}
    assert made == Counter(lab.emulator.calls.names())


@pytest.mark.parametrize(
    ("incremental", "are_applied", "expected"),
    [(True, True, {"s3://b/a.jpg"}), (True, False, None), (False, False, None), (None, False, None)],
    ids=["all recorded but what moved", "not recorded", "listed", "created"],
)
def test_what_is_recorded_as_applied_is_open_unless_memory_says_otherwise(
    incremental: bool | None, are_applied: bool, expected: set[str] | None
):
    """Of all entries, unless the last observation found them recorded; then of those that it compared."""
    head: Any = SimpleNamespace(head=SimpleNamespace(are_applied=are_applied))
    relied = Incremental(head, frozenset({"s3://b/a.jpg"})) if incremental else None
    with closing(SpooledListing()) as listing:
        seen = Observation("arn", SEEN, DIFF, listing, 1.0, 1.0, incremental=relied)

        assert expected == changed_since_applied(None if incremental is None else seen)


@pytest.mark.parametrize(
    ("is_same", "are_applied"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_all_entries_are_recorded_only_if_they_were_and_nothing_moved(is_same: bool, are_applied: bool):
    head: Any = SimpleNamespace(head=SimpleNamespace(are_applied=are_applied))

    assert (is_same and are_applied) is Incremental(head, frozenset(), is_same=is_same).is_recorded


@pytest.mark.parametrize(
    ("age", "edit_first", "expected"),
    [
        (-1.0, False, False),
        (0.0, False, True),
        (500.0, False, False),
        (-1.0, True, False),
        (0.0, True, True),
        (999.0, True, True),
        (1_000.0, True, False),
    ],
)
def test_memory_is_relied_on_until_a_listing_is_due(full: Lab, age: float, edit_first: bool, expected: bool):
    """An edit may wait for no listing until it is overdue. A clock that was set back makes it due."""
    full.write(*named("abcde"))
    spec = full.specs / "train.yaml"
    spec.write_text(f"{spec.read_text()}  schedule: {{interval: 600s, fullScanMaxAge: 1000s}}\n")
    desired, context = full.desired(), replace(full.context, edit_first=edit_first)
    head = ObservedHead("arn", scope_of(desired), "", context.clock.now() - age, are_applied=True)

    assert expected is _may_count(head, desired, context)
    assert not _may_count(head._replace(scope=b"another"), desired, context)
    context.memory.journal.begin("train", "arn", [], 0.0, "")
    assert not _may_count(head, desired, context)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, True),
        ({"full": True}, False),
        ({"overtaken": always}, False),
    ],
    ids=["remembered", "asked for", "never abandoned"],
)
def test_a_listing_is_abandoned_only_where_memory_could_be_relied_on(
    full: Lab, facts: dict[str, Any], expected: bool
):
    """Nor where nothing is remembered, or the dataset has changed since."""
    desired, context = full.desired(), replace(full.context, overtaken=lambda: None)

    assert expected is (may_wait_until(desired, replace(context, **facts)) > 0)
    assert not may_wait_until(replace(desired, partial=True), replace(context, **facts))
    full.clock.sleep(1.0)
    full.emulator.console.put(full.arn, orjson.loads(classified("a", "tulip")))
    assert not may_wait_until(desired, replace(context, **facts))
    context.memory.observed.forget("train")
    assert not may_wait_until(desired, replace(context, **facts))
