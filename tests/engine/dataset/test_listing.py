"""An entry that a listing omits is not known to be missing, and every listing ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

import pytest
from structlog.testing import capture_logs

from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import DatasetPlan
from reconciler.core.spec.choices import DatasetType
from reconciler.core.status.result import Verdict
from reconciler.engine.dataset import observe
from reconciler.engine.dataset.listing import ending
from reconciler.engine.usecases.drift import drift_each
from reconciler.engine.usecases.explain import explain_image
from reconciler.engine.usecases.export import export
from reconciler.engine.usecases.propose import propose_each
from reconciler.errors import ListingIncomplete
from reconciler.ports import Gateway
from tests.builders import named, ref
from tests.engine.conftest import PROJECT, Lab


class Short:
    """
    A gateway whose listings omit entries.

    Args:
        hidden: Source-refs that no listing without a filter shows.
        times: The number of short listings; later ones are complete.
        lost: Source-refs that no listing shows, filtered or not.
    """

    def __init__(self, gateway: Gateway, *hidden: str, times: int = 99, lost: Sequence[str] = ()) -> None:
        self._gateway = gateway
        self._hidden = hidden
        self._times = times
        self._lost = lost
        self.queries: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        hidden: Sequence[str] = self._lost
        if contains is not None:
            self.queries.append(contains)
        elif (times := self._times) > 0:
            self._times, hidden = times - 1, (*self._hidden, *self._lost)
        for page in self._gateway.pages(arn, contains):
            yield [line for line in page if not any(f'"{ref}"' in line for ref in hidden)]


def shorten(lab: Lab, *hidden: str, **options: Any) -> Short:
    gateway = Short(lab.context.gateway, *hidden, **options)
    lab.context = dataclasses.replace(lab.context, gateway=gateway, full=True)
    return gateway


def actions(plan: DatasetPlan) -> list[tuple[Action, str]]:
    return [(change.action, change.source_ref) for change in plan.changes]


def test_a_short_listing_is_made_once_more(full: Lab):
    """A listing that is shorter than the entry count is repeated, as it may lag behind an update."""
    gateway = shorten(full, ref("b"), times=1)

    plan = full.plan()

    assert ([], None, []) == (actions(plan), plan.gap, gateway.queries)


def test_an_entry_that_a_listing_leaves_out_is_asked_for(full: Lab):
    """Only the desired entries that the listing omits are queried one by one."""
    gateway = shorten(full, ref("b"))

    plan = full.plan()

    assert ([], None, [ref("b")]) == (actions(plan), plan.gap, gateway.queries)
    assert 5 == plan.counts.observed


def test_what_was_asked_for_is_logged(full: Lab):
    """The log says how many entries AWS counts, how many it listed, and how many queries found."""
    shorten(full, ref("b"), lost=[ref("c")])

    with capture_logs() as events:
        full.plan()

    (event,) = [event for event in events if event["event"] == "observe.incomplete"]
    assert (5, 3, 2, 1) == tuple(event[key] for key in ("counted", "listed", "asked", "found"))


def test_an_entry_that_a_query_finds_is_compared(full: Lab):
    """An entry found by query counts as listed: its edit is an update, never an add over another's work."""
    shorten(full, ref("b"))
    full.write(*named("acde"), named("b", label="other")[0])

    assert [(Action.UPDATE, ref("b"))] == actions(full.plan())


def test_an_entry_that_no_query_finds_is_missing(full: Lab):
    """An entry that no query finds is sent, with a note that other entries may be hidden."""
    shorten(full, lost=[ref("b")])

    plan = full.plan()

    assert [(Action.ADD, ref("b"))] == actions(plan)
    assert "AWS counts 5 entries, and 4 could be seen" == plan.gap


def test_too_many_to_ask_for_leaves_the_verdict_unknown(full: Lab, monkeypatch: pytest.MonkeyPatch):
    """With too many entries to query none is queried, nothing is sent, and the verdict is unknown."""
    monkeypatch.setattr(observe, "MOST_QUERIES", 1)
    gateway = shorten(full, ref("a"), ref("b"))

    result = full.apply()

    assert (Verdict.UNKNOWN, 3, False, []) == (
        result.verdict, result.exit_code, result.complete, gateway.queries,
    )  # fmt: skip
    assert "whether 2 desired entries are missing is not known" in result.errors[0].message
    assert 1 == len(full.updates())


def test_an_orphan_that_is_not_listed_leaves_the_rest_as_it_is(full: Lab):
    """With every desired entry in place the result still says that unlisted orphans may exist."""
    full.write(*named("abcd"))
    shorten(full, ref("e"))

    result = full.apply()

    assert (Verdict.CONVERGED, 0, False) == (result.verdict, result.exit_code, result.complete)
    (drift,) = drift_each([full.desired()], lambda _: full.context)
    assert ("in_sync", "AWS counts 5 entries, and 4 could be seen") == (drift.verdict, drift.gap)


def test_more_than_is_counted_is_believed_and_reported(full: Lab):
    """A listing longer than the entry count is accepted, and the difference is reported."""

    class Uncounted(Short):
        def describe(self, arn: str) -> Any:
            found = self._gateway.describe(arn)
            return dataclasses.replace(found, stats=found.stats._replace(total_entries=3))

    full.context = dataclasses.replace(full.context, gateway=Uncounted(full.context.gateway))

    plan = full.plan()

    assert ([], "AWS counts 3 entries, and 5 could be seen") == (actions(plan), plan.gap)


def test_a_count_that_is_missing_confirms_nothing(full: Lab):
    """Without a count no listing is known to be whole: what it lacks is asked for, and more may be hidden."""

    class Silent(Short):
        def describe(self, arn: str) -> Any:
            found = self._gateway.describe(arn)
            return dataclasses.replace(found, stats=found.stats._replace(total_entries=None))

    gateway = Silent(full.context.gateway, ref("b"))
    full.context = dataclasses.replace(full.context, gateway=gateway, full=True)

    plan = full.plan()

    assert [] == actions(plan)
    assert "AWS does not say how many entries there are, and 5 could be seen" == plan.gap
    assert [ref("b")] == gateway.queries
    with pytest.raises(ListingIncomplete, match="does not say how many"):
        export(PROJECT, DatasetType.TRAIN, full.context, 60.0)


def test_a_listing_may_be_trusted(full: Lab):
    """With the setting for unreliable counts, an entry that is not listed counts as missing."""
    gateway = shorten(full, ref("b"))
    full.context = dataclasses.replace(full.context, trust_listing=True)

    plan = full.plan()

    assert ([(Action.ADD, ref("b"))], None, []) == (actions(plan), plan.gap, gateway.queries)


def test_propose_removes_no_line_because_of_a_short_listing(full: Lab):
    """A proposal removes no line from git because of a short listing."""
    shorten(full, lost=[ref("b")])

    (proposed,) = propose_each([full.desired()], lambda _: full.context)

    assert [] == proposed.requests
    (refusal,) = proposed.refusals
    assert (ref("b"), True) == (refusal.source_ref, "--trust-listing" in refusal.reason)


def test_a_search_that_never_ends_is_given_up(full: Lab):
    """A search takes no more pages than a listing of all entries that the service counts could."""
    pages = 0

    class Circling(Short):
        def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
            nonlocal pages
            while True:
                pages += 1
                yield [named("a")[0].decode()]

    context = dataclasses.replace(full.context, gateway=Circling(full.context.gateway))

    (explained,) = explain_image(ref("nowhere"), [full.desired()], lambda _: context)

    assert (3, 53) == (explained.error_code, pages)
    assert "does not end" in explained.errors[0].message


def test_a_part_is_never_exported(full: Lab):
    """An export from a short listing is refused: the spec would turn the hidden entries into orphans."""
    shorten(full, ref("b"))

    with pytest.raises(ListingIncomplete, match="counts 5 entries, and 4 could be seen"):
        export(PROJECT, DatasetType.TRAIN, full.context, 60.0)


class TestEnding:
    """A listing that never ends must not block a worker."""

    @pytest.mark.parametrize(
        ("pages", "entries", "message"),
        [
            (repeat([]), 150, "20 empty pages in a row"),
            (repeat(["x"]), 150, "of 150 entries does not end: 55 pages so far"),
            (repeat(["x"]), None, "10,051 pages so far"),
        ],
    )
    def test_an_endless_listing_is_given_up(
        self, lab: Lab, pages: Iterator[Sequence[str]], entries: int | None, message: str
    ):
        with pytest.raises(ListingIncomplete, match=message):
            list(ending(pages, entries, lab.clock))

    def test_empty_pages_now_and_then_are_no_fault(self, lab: Lab):
        pages = [*repeat([], 19), ["a"], *repeat([], 19), ["b"]]

        assert pages == list(ending(pages, 2, lab.clock))

    def test_a_listing_that_drips_is_given_up(self, lab: Lab):
        """A listing is given up after ten seconds per page, for the greatest possible number of pages."""

        def dripping() -> Iterator[Sequence[str]]:
            while True:
                lab.clock.sleep(60.0)
                yield ["x"]

        with pytest.raises(ListingIncomplete, match="9 pages so far"):
            list(ending(dripping(), 1, lab.clock))
