"""An entry that a listing omits is not known to be missing, and every listing ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import repeat
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec import structs
from structlog.testing import capture_logs

from reconciler.core.planning.diff import Action, Change
from reconciler.core.planning.plan import DatasetPlan
from reconciler.core.spec.choices import DatasetType
from reconciler.core.status.result import Verdict
from reconciler.engine.dataset import observe
from reconciler.engine.dataset.listing import FileListing, bounded
from reconciler.engine.dataset.make_plan import NOTHING
from reconciler.engine.usecases.drift import drift_each
from reconciler.engine.usecases.explain import explain_image
from reconciler.engine.usecases.export import export
from reconciler.engine.usecases.propose import propose_each
from reconciler.errors import ListingIncomplete, ListingMoved, NotFound, UnknownAnswer, UsageError
from reconciler.ports import Description, Gateway, Phase
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

    with capture_logs() as events:
        plan = full.plan()

    assert [2.0] == full.clock.slept[-1:]
    assert [2.0] == [event["delay_seconds"] for event in events if event["event"] == "observe.restarted"]
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


@pytest.mark.parametrize(("lacking", "expected"), [(500, NotFound), (501, ListingIncomplete)])
def test_at_most_500_entries_are_asked_for(full: Lab, lacking: int, expected: type[Exception]):
    """As the documentation says; with more, nothing is known of them."""
    changes = tuple(Change(Action.ADD, ref(f"{number:03}"), None, None) for number in range(lacking))

    class Queried:
        def pages(self, arn: str, contains: str) -> Iterator[Sequence[str]]:
            raise NotFound(contains)

    context = dataclasses.replace(full.context, gateway=Queried())  # type: ignore[arg-type]
    diff, rests = structs.replace(NOTHING, changes=changes), Description(Phase.UPDATE_COMPLETE)
    with closing(observe.SpooledListing()) as spool:
        listed, desired = observe.WholeListing(diff, spool, rests), full.desired()
        with pytest.raises(expected):
            observe._query_unlisted(desired, "arn", listed, context, 1e12)


def test_too_many_to_ask_for_leaves_the_verdict_unknown(full: Lab, monkeypatch: pytest.MonkeyPatch):
    """With too many entries to query none is queried, nothing is sent, and the verdict is unknown."""
    monkeypatch.setattr(observe, "MAX_QUERIES", 1)
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
            return structs.replace(found, stats=found.stats._replace(total_entries=3))

    full.context = dataclasses.replace(full.context, gateway=Uncounted(full.context.gateway))

    plan = full.plan()

    assert ([], "AWS counts 3 entries, and 5 could be seen") == (actions(plan), plan.gap)


def test_a_count_that_is_missing_confirms_nothing(full: Lab):
    """Without a count no listing is known to be whole: what it lacks is asked for, and more may be hidden."""

    class Silent(Short):
        def describe(self, arn: str) -> Any:
            found = self._gateway.describe(arn)
            return structs.replace(found, stats=found.stats._replace(total_entries=None))

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
            list(bounded(pages, entries, lab.clock))

    def test_empty_pages_now_and_then_are_no_fault(self, lab: Lab):
        pages = [*repeat([], 19), ["a"], *repeat([], 19), ["b"]]

        assert pages == list(bounded(pages, 2, lab.clock))

    def test_a_listing_that_drips_is_given_up(self, lab: Lab):
        """A listing is given up after ten seconds per page, for the greatest possible number of pages."""

        def dripping() -> Iterator[Sequence[str]]:
            while True:
                lab.clock.sleep(52.0)  # a tenth of the time that 52 pages may take
                yield ["x"]

        with pytest.raises(ListingIncomplete, match="11 pages so far"):
            list(bounded(dripping(), 1, lab.clock))


class Moving(Short):
    """A gateway to a dataset that another client changes after each of the first *times* listings."""

    def __init__(self, lab: Lab, *hidden: str, moves: int = 1, after_query: bool = False) -> None:
        super().__init__(lab.context.gateway, *hidden)
        self._lab, self._moves, self._after_query = lab, moves, after_query
        self.listings = 0

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        found = list(super().pages(arn, contains))
        self.listings += contains is None
        if self._moves > 0 and self._after_query is (contains is not None):
            self._moves -= 1
            self._lab.clock.sleep(1.0)
            self._lab.emulator.console.put(arn, orjson.loads(named("a", label=f"v{self._moves}")[0]))
        yield from found


def moving(lab: Lab, *hidden: str, **options: Any) -> Moving:
    gateway = Moving(lab, *hidden, **options)
    lab.context = dataclasses.replace(lab.context, gateway=gateway, full=True)
    return gateway


def test_a_dataset_that_changes_while_it_is_listed_is_listed_again(full: Lab):
    """A listing is of one state of the dataset, or is none."""
    gateway = moving(full, moves=2)

    with capture_logs() as events:
        plan = full.plan()

    assert ([(Action.UPDATE, ref("a"))], 3) == (actions(plan), gateway.listings)
    assert ["the dataset changed while it was listed"] * 2 == [
        event["reason"] for event in events if event["event"] == "observe.restarted"
    ]


def test_a_dataset_that_changes_while_entries_are_asked_for_is_listed_again(full: Lab):
    """A query shows no other state of the dataset than the listing did."""
    gateway = moving(full, ref("b"), after_query=True)

    plan = full.plan()

    assert [(Action.UPDATE, ref("a"))] == actions(plan)
    assert [ref("b"), ref("b")] == gateway.queries


def listing(lab: Lab, *lines: str) -> None:
    """Let AWS list these lines."""

    class Fixed(Short):
        def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
            yield lines

    lab.context = dataclasses.replace(lab.context, gateway=Fixed(lab.context.gateway), full=True)


def test_an_entry_that_is_listed_twice_is_not_exported(full: Lab):
    """The listing is not one state of the dataset; it is made again until it is, or until time is up."""
    a, b = (line.decode() for line in named("ab"))
    listing(full, a, b, a)

    with pytest.raises(ListingMoved, match=r"s3://b/a\.jpg is listed twice"):
        export(PROJECT, DatasetType.TRAIN, full.context, 60.0)


def test_an_entry_without_a_name_is_not_exported(full: Lab):
    """It would be lost."""
    listing(full, '{"cl-errors":[{"code":"ERROR_INVALID_JSON_LINE","message":"no"}]}')

    with pytest.raises(UnknownAnswer, match="names no image; exporting it would lose it"):
        export(PROJECT, DatasetType.TRAIN, full.context, 60.0)


@pytest.mark.parametrize(("has_project", "text"), [(True, "TRAIN dataset of project"), (False, "project")])
def test_what_is_not_there_cannot_be_exported(lab: Lab, has_project: bool, text: str):
    if has_project:
        lab.context.gateway.create_project(PROJECT)

    with pytest.raises(NotFound, match=f"there is no {text} 'flowers'"):
        export(PROJECT, DatasetType.TRAIN, lab.context, 60.0)


def test_a_file_that_cannot_be_read_is_no_listing(tmp_path: Path):
    with pytest.raises(UsageError, match=r"gone\.jsonl: No such file or directory"):
        FileListing(tmp_path / "gone.jsonl")


@pytest.mark.parametrize(
    ("line", "is_entry"),
    [
        (b'{"source-ref":"s3://b/z.jpg"}', True),
        (b'{"rose":1,"source-ref":"s3://b/z.jpg"}', True),
        (b'{"errors":[],"x":1}', True),
        (b'{"rose":1}', False),
        (b'{"source-ref":"s3://b/z.jpg"', False),
        (b'["source-ref"]', False),
        (b'[{"source-ref":"s3://b/z.jpg"}]', False),
        (b"  ", None),
        (b"", None),
    ],
)
def test_each_line_of_a_file_is_an_entry_or_blank(tmp_path: Path, line: bytes, is_entry: bool | None):
    """Anything else is named with its line: such as the answer of a call, with all entries in it."""
    path = tmp_path / "listing.jsonl"
    a, b = named("ab")
    path.write_bytes(b"\n".join((a, line, b)) + b"\n")

    with closing(FileListing(path)) as found:
        if is_entry is False:
            with pytest.raises(UsageError, match=r"listing\.jsonl:2: not a listed entry: .*`jq -c`"):
                list(found.lines())
            return
        read = list(found.lines())
        assert [a, *([line] if is_entry else []), b] == [raw for raw, _, _ in read]
        assert [1, *([2] if is_entry else []), 3] == [number for _, _, number in read]
