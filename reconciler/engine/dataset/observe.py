"""Observe a dataset: find it, wait until it is settled, and compare its listing with the desired entries."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import Final, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.entries.index import Place
from reconciler.core.entries.lines import Line
from reconciler.core.planning.calls import Cover, ObservationKind, cover
from reconciler.core.planning.compare import compare, compare_some
from reconciler.core.planning.diff import Action, Diff
from reconciler.core.runtime.quotas import PAGE_SIZE
from reconciler.core.spec.documents import Target
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import SpooledListing, pages_of, query_entry
from reconciler.engine.dataset.retry import await_settled, retry
from reconciler.engine.log import log
from reconciler.errors import ListingIncomplete, ListingMoved, NotFound
from reconciler.ports import Clock, Description, Gateway, Located, Recollection

T = TypeVar("T")

MAX_QUERIES: Final = 500
"""Entries that are asked for one by one where a listing may have left them out; it takes 100 s at least."""

LIST_AGAIN_SECONDS: Final = 2.0
"""How long a listing that does not agree with the service's own count may take to catch up."""

NEARLY_DONE: Final = 10 * PAGE_SIZE
"""A listing of which no more entries are left is not abandoned: an edit takes about as many calls itself."""


class Incremental(Struct, frozen=True):
    """
    How an observation relies on an earlier listing.

    Attributes:
        recollection: What is remembered of that listing.
        compared: The source-refs that were compared again; the others changed neither in git nor in AWS.
        is_confirmed: Whether the dataset is known not to have changed while entries were read.
        is_same: Whether nothing at all changed since that listing, in git or in AWS, and nothing differs.
    """

    recollection: Recollection
    compared: frozenset[str]
    is_confirmed: bool = True
    is_same: bool = False

    @property
    def is_recorded(self) -> bool:
        """Return whether all entries are recorded as applied, exactly as they are desired."""
        return self.is_same and self.recollection.head.are_applied


class Observation(Struct, frozen=True):
    """
    One complete observation of a dataset, by a listing or from the memory of an earlier one.

    Attributes:
        description: The answer of DescribeDataset before the listing and, unchanged, after it.
        listing: The observed lines, by place, until it is closed; if *incremental*, those that were compared.
        at: Seconds since the epoch when it was complete.
        scanned_at: When the dataset was last listed whole, in seconds since the epoch.
        gap: How many entries the service counts and how many were seen, if that is not the same: then others
            may be there. None if all were seen.
    """

    arn: str
    description: Description
    diff: Diff
    listing: SpooledListing
    at: float
    scanned_at: float
    gap: str | None = None
    incremental: Incremental | None = None

    @property
    def kind(self) -> ObservationKind:
        return ObservationKind.INCREMENTAL if self.incremental else ObservationKind.FULL

    @property
    def is_confirmed(self) -> bool:
        """Return whether the dataset is known not to have changed while it was observed."""
        return self.incremental is None or self.incremental.is_confirmed

    def line(self, source_ref: str, place: Place) -> bytes:
        """Return an observed line."""
        del source_ref
        return self.listing.read(place)

    def amended(self, diff: Diff) -> Observation:
        """Return this observation, amended by a later one of some entries in the same state of the dataset."""
        gap = self.gap and gap_between(self.description, diff.observed)
        return replace(self, diff=diff, gap=gap)


def gap_between(description: Description, seen: int) -> str | None:
    """Describe why a listing may lack entries: AWS counts others, or gives no count; None if it agrees."""
    counted = description.stats.total_entries
    if counted == seen:
        return None
    if counted is None:
        return f"AWS does not say how many entries there are, and {seen:,} could be seen"
    return f"AWS counts {counted:,} entries, and {seen:,} could be seen"


def as_text(description: Description) -> str:
    """Return the text that is compared to detect a change of the dataset."""
    return json.dumps(
        [description.phase, description.code, description.message, description.updated_at, description.stats]
    )


def find(desired: Desired, gateway: Gateway, clock: Clock, deadline: float) -> str | None:
    """
    Return the ARN of the dataset, or None if it is missing and the spec allows to create it.

    Raises:
        NotFound: The project or the dataset is missing, and the spec does not say ``create: true``.
    """
    target = desired.target
    if target.dataset_arn is not None:
        return target.dataset_arn
    project, kind = target.identity
    return arn_in(retry(lambda: gateway.locate(project, kind), clock, deadline), target)


def arn_in(found: Located, target: Target) -> str | None:
    """Return the ARN of the dataset; None if there is none and the spec lets it be created. Errors as `find`."""
    if found.dataset_arn is None and not target.create:
        raise NotFound(f"{missing_in(found, target)}; to make it, set spec.target.create: true")
    return found.dataset_arn


def missing_in(found: Located, target: Target) -> str:
    """Return what is missing where a dataset was not found."""
    project, kind = target.identity
    return f"there is no {f'{kind} dataset of ' if found.project_arn else 'project '}{project!r}"


class WholeListing(Struct, Generic[T], frozen=True):
    """
    A listing of a whole dataset.

    Attributes:
        result: What was made of its lines.
        spool: The lines, for the caller to close.
        description: The answer of DescribeDataset before it and, unchanged, after it.
        is_trusted: Whether it is whole, whatever the service counts.
    """

    result: T
    spool: SpooledListing
    description: Description
    is_trusted: bool = False

    @property
    def gap(self) -> str | None:
        """Describe how the service's count and the seen entries differ; None if they agree."""
        return None if self.is_trusted else gap_between(self.description, self.spool.named)

    def require_whole(self) -> None:
        """
        Raise, and close the lines, if the listing may lack entries.

        Raises:
            ListingIncomplete: It may.
        """
        if self.gap is not None:
            self.spool.close()
            raise ListingIncomplete(f"{self.gap}; {OVERRIDE}")


OVERRIDE: Final = "if the listing is known to be whole, use --trust-listing"


def observe(desired: Desired, arn: str, context: Context, deadline: float) -> Observation:
    """
    Read every entry and compare it with the desired one.

    If the listing is shorter than the service's count, each entry that seems missing is queried by itself.

    Raises:
        ListingIncomplete: Too many seem to be missing to ask for each.
        GatewayError: As `list_whole`.
    """

    def judge(lines: Iterator[Line]) -> Diff:
        return compare(desired.index, lines, desired.read, desired.equality)

    def attempt() -> tuple[Diff, WholeListing[Diff]]:
        listed = list_whole(desired.name, arn, context, deadline, judge)
        try:
            return _query_unlisted(desired, arn, listed, context, deadline), listed
        except BaseException:
            listed.spool.close()
            raise

    with context.tracer.span("observe", dataset_arn=arn) as span:
        diff, listed = retry(attempt, context.clock, deadline)
        span.note(entries=diff.observed)
    log.info("observe.finished", entries=diff.observed)
    now = context.clock.now()
    return Observation(arn, listed.description, diff, listed.spool, now, now, listed.gap)


def list_whole(
    name: str, arn: str, context: Context, deadline: float, consume: Callable[[Iterator[Line]], T]
) -> WholeListing[T]:
    """
    Read every entry in one state; an error part-way starts again, and never gives a shorter answer.

    A listing that does not agree with the service's own count is made once more: either may lag.

    Args:
        consume: Takes every line as it comes. Called again with each start.

    Raises:
        ListingIncomplete: The listing does not end.
        GatewayError: The dataset could not be listed whole, in one state, before *deadline*.
    """
    gateway, clock = context.gateway, context.clock

    def attempt() -> WholeListing[T]:
        before = await_settled(gateway, arn, clock, deadline)
        spool = SpooledListing()
        try:
            counted = before.stats.total_entries
            pages = pages_of(arn, context, counted)
            result = consume(spool.fill(_report_progress(pages, name, counted, context)))
            if gateway.describe(arn) != before:
                raise ListingMoved("the dataset changed while it was listed")
        except BaseException:
            spool.close()
            raise
        return WholeListing(result, spool, before, context.trust_listing)

    listed = retry(attempt, clock, deadline)
    if listed.gap is None or listed.description.stats.total_entries is None:
        return listed
    listed.spool.close()
    log.info("observe.restarted", reason=listed.gap, delay_seconds=LIST_AGAIN_SECONDS)
    clock.sleep(LIST_AGAIN_SECONDS)
    return retry(attempt, clock, deadline)


def _query_unlisted(
    desired: Desired, arn: str, listed: WholeListing[Diff], context: Context, deadline: float
) -> Diff:
    """Return the diff of a listing, corrected by a query for each entry that it seems to lack."""
    diff = listed.result
    if listed.gap is None:
        return diff
    counted, seen = listed.description.stats.total_entries, listed.spool.named
    missing = {change.source_ref for change in diff.changes if change.action is Action.ADD}
    if len(missing) > MAX_QUERIES:
        raise ListingIncomplete(
            f"{listed.gap}: whether {len(missing):,} desired entries are missing is not known; {OVERRIDE}"
        )
    lines = listed.spool.fill(query_entry(ref, arn, context, deadline, counted) for ref in sorted(missing))
    part = compare_some(desired.index, missing, lines, desired.read, desired.equality)
    if missing and context.gateway.describe(arn) != listed.description:
        raise ListingMoved("the dataset changed while it was listed")
    log.warning(
        "observe.incomplete",
        counted=counted,
        listed=seen,
        asked=len(missing),
        found=listed.spool.named - seen,
    )
    return diff.updated(missing, part)


def _report_progress(
    pages: Iterator[Sequence[str]], dataset: str, total: int | None, context: Context
) -> Iterator[Sequence[str]]:
    done = 0
    for page in pages:
        yield page
        done += len(page)
        context.progress.step(dataset, "listing", done, total)
        if total is None or total - done > NEARLY_DONE:
            context.overtaken()


def cheapest_cover(desired: Desired, seen: Diff, touched: Collection[str]) -> Cover:
    """Return the fewest listings that show these entries; *seen* says what else the dataset holds."""
    orphans = [change.source_ref for change in seen.changes if change.action is Action.ORPHAN]
    known = sorted(chain(desired.index.source_refs, desired.index.void, orphans))
    return cover(known, touched)
