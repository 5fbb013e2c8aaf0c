"""Observe sent entries again, with as few calls as possible, and classify every entry by the result."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from msgspec import Struct, structs

from reconciler.core.entries.index import Place
from reconciler.core.planning.compare import compare_some
from reconciler.core.planning.diff import Action, Diff
from reconciler.core.planning.plan import PlannedChange
from reconciler.core.runtime.backoff import backoff
from reconciler.core.status.result import EntryProblem
from reconciler.engine.dataset.context import Context, always
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import SpooledListing, pages_of
from reconciler.engine.dataset.make_plan import Planned, marked
from reconciler.engine.dataset.observe import Observation, cheapest_cover, observe
from reconciler.engine.dataset.retry import await_settled, retry
from reconciler.engine.dataset.send import SentUpdates
from reconciler.engine.log import log
from reconciler.errors import ListingIncomplete, ListingMoved
from reconciler.ports import Description

OVERTAKEN: Final = "set, and then changed by another client or by the service: it holds other content"
LAG_SECONDS: Final = 60.0
"""How long a listing may lag behind an update."""

CHANGED_MEANWHILE: Final = "as desired before, and changed in AWS while others were updated"


class Proof(Struct, frozen=True):
    """
    What the second observation showed of the entries that were to be sent.

    Attributes:
        in_place: There, as desired, without complaint of the service.
        failed: Not as desired: an update failed because of them, or they were left for later.
        dropped: Not there, although their update succeeded.
        rejected: Desired and there, with an error list of the service.
        overtaken: There, but not as desired although their update succeeded: the service, or another
            client, changed them.
        changed_meanwhile: Not sent, since they were as desired, and changed in AWS meanwhile.
    """

    in_place: tuple[PlannedChange, ...] = ()
    failed: tuple[EntryProblem, ...] = ()
    dropped: tuple[EntryProblem, ...] = ()
    rejected: tuple[EntryProblem, ...] = ()
    overtaken: tuple[EntryProblem, ...] = ()
    changed_meanwhile: tuple[EntryProblem, ...] = ()


class SecondObservation(Struct, frozen=True):
    """
    The observation of a dataset after the last update.

    Attributes:
        diff: All entries: those that were touched as they are now, the others as they were last seen.
        observation: The complete observation that showed it; None if only touched entries were observed.
        readback: The observed lines of those that were read by filters, by their place in *diff*.
        read: The source-refs that were read so.
        descriptions: The answers of DescribeDataset around each of these readings.
        before: What was observed before the first update; it stays open.
    """

    diff: Diff
    observation: Observation | None
    readback: SpooledListing | None = None
    read: frozenset[str] = frozenset()
    descriptions: frozenset[Description] = frozenset()
    before: Observation | None = None

    def line(self, source_ref: str, place: Place) -> bytes:
        """Return an observed line."""
        if source_ref in self.read and self.readback is not None:
            return self.readback.read(place)
        observation = self.observation or self.before
        if observation is None:
            raise ValueError(f"{source_ref} was not observed")
        return observation.listing.read(place)

    def close(self) -> None:
        if self.readback is not None:
            self.readback.close()
        if self.observation is not None and self.observation is not self.before:
            self.observation.listing.close()


def observe_again(
    desired: Desired, arn: str, planned: Planned, sent: SentUpdates, context: Context, deadline: float
) -> SecondObservation:
    """
    Compare the entries that were to be sent with what is there now.

    A listing may lag behind an update. Entries that look unchanged although their update succeeded are observed
    again, with back-off, for at most a minute.

    Raises:
        GatewayError: They could not be seen, in one state, before *deadline*.
    """
    after = SecondObservation(planned.diff, None, SpooledListing(), before=planned.observation)
    try:
        return _observe_past_lag(desired, arn, planned.plan.sendable, after, sent, context, deadline)
    except BaseException:
        after.close()
        raise


def _observe_past_lag(
    desired: Desired,
    arn: str,
    items: Collection[PlannedChange],
    seen: SecondObservation,
    sent: SentUpdates,
    context: Context,
    deadline: float,
) -> SecondObservation:
    clock, failure = context.clock, None
    until, settled = clock.now() + LAG_SECONDS, sent.settled
    wanted: Collection[str] = {item.source_ref for item in items}
    for tries in count(1):
        try:
            seen, failure = _observe_once(desired, arn, wanted, seen, context, deadline, settled), None
            wanted = _behind(items, seen.diff, sent)
        except ListingIncomplete as exc:
            failure = exc
        settled = None
        delay = backoff(tries, clock.draw(), first=1.0, most=15.0)
        if not wanted or clock.now() + delay > until:
            break
        log.info(
            "observe.restarted", reason="entries are as before their update", delay_seconds=round(delay, 2)
        )
        clock.sleep(delay)
    if failure is not None:
        raise failure
    return seen


def _behind(items: Collection[PlannedChange], after: Diff, sent: SentUpdates) -> Collection[str]:
    """Return the entries that are still unchanged, or absent, although their update succeeded."""
    left = {change.source_ref: change for change in after.changes if not change.is_blank}
    return {
        item.source_ref
        for item in items
        if (change := left.get(item.source_ref)) is not None
        and (change.action is Action.ADD or change.before == item.change.before)
        and _blame(item.source_ref, sent) is None
    }


def _observe_once(
    desired: Desired,
    arn: str,
    touched: Collection[str],
    last: SecondObservation,
    context: Context,
    deadline: float,
    settled: Description | None,
) -> SecondObservation:
    """
    Observe once: list everything only where no set of filtered listings is cheaper; see `planning.calls`.

    Args:
        settled: The description of a moment ago, when the last update had ended; None to ask for it.
    """
    cheapest = cheapest_cover(desired, last.diff, touched)
    if cheapest.full:
        if last.observation is not None:
            last.observation.listing.close()
        # A newer commit does not interrupt a proof.
        seen = observe(desired, arn, replace(context, overtaken=always), deadline)
        return structs.replace(last, diff=seen.diff, observation=seen, read=frozenset())
    before, readback = [settled] if settled else [], last.readback or SpooledListing()

    def attempt() -> tuple[Diff, Description]:
        first = before.pop() if before else await_settled(context.gateway, arn, context.clock, deadline)
        return _search(desired, arn, touched, cheapest.filters, context, first, readback), first

    found, description = retry(attempt, context.clock, deadline)
    diff = last.diff.updated(touched, found)
    complete = last.observation if last.observation and last.observation.description == description else None
    return structs.replace(
        last,
        diff=diff,
        observation=complete.amended(diff) if complete else None,
        readback=readback,
        read=last.read | frozenset(touched),
        descriptions=last.descriptions | {description},
    )


def _search(
    desired: Desired,
    arn: str,
    touched: Collection[str],
    filters: Sequence[str],
    context: Context,
    before: Description,
    spool: SpooledListing,
) -> Diff:
    pages = pages_of(arn, context, before.stats.total_entries, filters)
    found = compare_some(desired.index, touched, spool.fill(pages), desired.read, desired.equality)
    if context.gateway.describe(arn) != before:
        raise ListingMoved("the dataset changed while it was read back")
    return found


def prove(
    items: Collection[PlannedChange], before: Diff, after: Diff, sent: SentUpdates, desired: Desired
) -> Proof:
    """Classify, by the second observation, every entry that was to be sent and every other that changed."""
    left = {change.source_ref: change.action for change in after.changes if not change.is_blank}
    errored = dict(marked(after, desired))
    in_place: list[PlannedChange] = []
    failed, dropped, overtaken = [], [], []
    for item in items:
        ref, origin = item.source_ref, item.origin
        if ref not in left:
            in_place += [] if ref in errored else [item]
        elif blame := _blame(ref, sent):
            failed.append(EntryProblem(ref, origin, *blame))
        elif left[ref] is Action.ADD:
            dropped.append(EntryProblem(ref, origin, "accepted by the service, and then absent"))
        else:
            overtaken.append(EntryProblem(ref, origin, OVERTAKEN, ("OVERTAKEN",)))
    known = {change.source_ref for change in before.changes}
    changed_meanwhile = [
        EntryProblem(
            change.source_ref, desired.origin_of_ref(change.source_ref), CHANGED_MEANWHILE, ("OVERTAKEN",)
        )
        for change in after.changes
        if change.source_ref not in known and change.action is not Action.ORPHAN
    ]
    return Proof(
        tuple(in_place),
        tuple(failed),
        tuple(dropped),
        stored_with_errors(errored.items(), desired),
        tuple(overtaken),
        tuple(changed_meanwhile),
    )


def stored_with_errors(
    errored: Iterable[tuple[str, tuple[str, ...]]], desired: Desired
) -> tuple[EntryProblem, ...]:
    """Return the problem of each entry that the service marks with error codes."""
    text = "stored by the service with errors"
    return tuple(EntryProblem(ref, desired.origin_of_ref(ref), text, codes) for ref, codes in errored)


def _blame(source_ref: str, sent: SentUpdates) -> tuple[str, tuple[str, ...]] | None:
    """Return why an entry is not in place, if its update did not succeed."""
    if reason := sent.isolated.get(source_ref):
        return f"its update failed although it held nothing else: {reason}", ("CONVICTED",)
    if reason := sent.unresolved_groups.get(source_ref):
        return f"in the smallest group found whose update fails: {reason}", ("PARKED",)
    if reason := sent.left.get(source_ref):
        what = "the service failed" if sent.unrecorded is None else "the state could not be written"
        return f"left for later, {what}: {reason}", ("LEFT",)
    return None
