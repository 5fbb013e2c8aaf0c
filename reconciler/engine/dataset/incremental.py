"""
Observe a dataset from memory, as long as DescribeDataset answers as it did at the last observation.

Only entries whose desired line has changed since are read. If the numbers do not add up, the observation is
discarded: the functions return None, and the caller lists the dataset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, Final

from msgspec import structs

from reconciler.core.entries.entry import SOURCE_REF, error_codes, is_labeled
from reconciler.core.entries.observed_line import parse_observed
from reconciler.core.planning.calls import cover
from reconciler.core.planning.compare import compare_some
from reconciler.core.planning.diff import Diff
from reconciler.core.planning.remembered import Recalled, recall
from reconciler.engine.dataset.context import Context, always
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import SpooledListing, pages_of
from reconciler.engine.dataset.make_plan import Planned
from reconciler.engine.dataset.observe import Incremental, Observation, as_text, gap_between
from reconciler.engine.dataset.retry import retry
from reconciler.engine.log import log
from reconciler.errors import Denied, ListingMoved, NotFound, Rejected, StateError
from reconciler.ports import Description, ObservedHead, Recollection, Stats

if TYPE_CHECKING:
    from reconciler.engine.dataset.send import SentUpdates
    from reconciler.engine.dataset.verify import Proof, SecondObservation

# Raise it when what is compared, or how an entry is remembered, changes: then every dataset is listed again.
_FORMAT: Final = b"1"


def scope_of(desired: Desired) -> bytes:
    """Return the digest of what decides how an entry is remembered: target and equality, and the format."""
    spec = desired.loaded.spec.spec
    total = blake2b(_FORMAT, digest_size=16)
    total.update(spec.target.model_dump_json(exclude={"create"}).encode())
    total.update(spec.policy.compare.encode())
    for rule in spec.ignore:
        total.update(rule.model_dump_json().encode())
    return total.digest()


def observe_incrementally(desired: Desired, context: Context, deadline: float) -> Observation | None:
    """
    Return an observation by memory; None if the dataset must be listed.

    Costs one call, and the pages that show the entries whose desired line changed. Where it needs pages, it is
    for the caller to confirm that the dataset did not change meanwhile.

    Raises:
        GatewayError: The dataset could not be described, or not be read, before *deadline*.
    """
    if context.full or desired.partial:
        return None
    try:
        recollection = context.memory.observed.of(desired.name)
        if recollection is None or not _may_count(recollection.head, desired, context):
            return None
        description = retry(lambda: context.gateway.describe(recollection.head.arn), context.clock, deadline)
        if as_text(description) != recollection.head.description:
            log.info("observe.fingerprint", moved=True)
            return None
        if recollection.head.desired and recollection.head.desired == desired.key:
            return _as_desired(desired, recollection, description, context)
        found = recall(recollection.blocks(), desired.index, desired.text_digests)
    except (NotFound, Denied, Rejected):  # deleted, or in another account than that of these credentials
        return None
    except StateError as exc:
        log.warning("state.damaged", reason=str(exc))
        return None
    filters = cover(found.refs, found.unread)
    if filters.full or description.stats.total_entries != len(found.refs):
        return None
    with context.tracer.span("observe", dataset_arn=recollection.head.arn) as span:
        span.note(entries=len(found.refs), read=len(found.unread))
        return retry(
            lambda: _read_undecided(desired, recollection, description, found, filters.filters, context),
            context.clock,
            deadline,
        )


def _as_desired(
    desired: Desired, recollection: Recollection, description: Description, context: Context
) -> Observation:
    """Return the observation of a dataset that held exactly the desired entries, if neither has changed since."""
    entries = desired.entries
    log.info("observe.finished", entries=entries, read=0)
    return Observation(
        recollection.head.arn,
        description,
        Diff((), desired=entries, observed=entries, unchanged=entries, ignored=(), errored=()),
        SpooledListing(),
        context.clock.now(),
        recollection.head.scanned_at,
        incremental=Incremental(recollection, frozenset(), is_same=True),
    )


def may_wait_until(desired: Desired, context: Context) -> float:
    """
    Return until when a listing may be abandoned for an edit, in seconds since the epoch: until then another can be
    begun that ends in time, and memory can be relied on. 0 if it may not. Costs a call if it may.
    """
    if context.overtaken is always or context.full or desired.partial:
        return 0.0
    head = context.memory.observed.head_of(desired.name)
    if head is None or not _may_count(head, desired, replace(context, edit_first=True)):
        return 0.0
    is_same = as_text(context.gateway.describe(head.arn)) == head.description
    return head.scanned_at + desired.schedule.latest_scan_age(desired.entries) if is_same else 0.0


def _may_count(head: ObservedHead, desired: Desired, context: Context) -> bool:
    """Return whether remembered entries fit the specs, are recent, and no update of them is open."""
    schedule, age = desired.schedule, context.clock.now() - head.scanned_at
    is_due = schedule.is_scan_due(age, desired.entries, context.ahead_seconds)
    return (
        head.scope == scope_of(desired)
        and (0 <= age < schedule.full_scan_max_age_seconds if context.edit_first else not is_due)
        and not context.memory.journal.unfinished(desired.name)
    )


def _read_undecided(
    desired: Desired,
    recollection: Recollection,
    description: Description,
    found: Recalled,
    filters: Sequence[str],
    context: Context,
) -> Observation | None:
    """Read the entries that memory leaves open; return None if they are not what memory says."""
    spool, arn = SpooledListing(), recollection.head.arn
    try:
        remembered = spool.fill([line.decode(errors="surrogatepass")] for line in found.lines.values())
        pages = pages_of(arn, context, description.stats.total_entries, filters)
        lines = chain(remembered, spool.fill(pages))
        part = compare_some(desired.index, found.compared, lines, desired.read, desired.equality)
    except ListingMoved as exc:
        spool.close()
        log.info("observe.restarted", reason=str(exc))
        return None
    except BaseException:
        spool.close()
        raise
    if part.observed != len(found.lines) + len(found.unread):
        spool.close()
        log.info("observe.restarted", reason="an entry that was remembered is not listed any more")
        return None
    log.info("observe.finished", entries=len(found.refs), read=len(found.unread))
    return Observation(
        arn,
        description,
        found.completed(part, len(desired.index)),
        spool,
        context.clock.now(),
        recollection.head.scanned_at,
        incremental=Incremental(recollection, found.compared, is_confirmed=not filters),
    )


def changed_since_applied(seen: Observation | None) -> frozenset[str] | None:
    """
    Return the source-refs whose record as applied may no longer hold.

    None if that may be so of any entry.
    """
    if seen is None or seen.incremental is None or not seen.incremental.recollection.head.are_applied:
        return None
    return seen.incremental.compared


def carried(
    planned: Planned, after: SecondObservation, sent: SentUpdates, proof: Proof, now: float
) -> Observation | None:
    """
    Return the observation after our own updates; None if anything else may have changed the dataset.

    One change stays unnoticed: that of an update by others that begins and ends between two of our calls of
    DescribeDataset, beside ours, and changes no statistic.
    """
    observation, last = planned.observation, sent.settled
    if observation is None or last is None or not sent.is_certain or after.descriptions != {last}:
        return None
    expected = observation.description
    for before, ended in sent.steps:
        if before != expected or ended.updated_at == before.updated_at:
            return None
        expected = ended
    if (
        proof.dropped
        or proof.overtaken
        or proof.changed_meanwhile
        or not _adds_up(planned, after, last.stats)
    ):
        return None
    return structs.replace(
        observation,
        description=last,
        diff=after.diff,
        at=now,
        gap=observation.gap and gap_between(last, after.diff.observed),
    )


def _adds_up(planned: Planned, after: SecondObservation, now: Stats) -> bool:
    """Return whether the sent updates account for the whole change of the statistics."""
    if planned.observation is None or after.readback is None or now.total_entries != after.diff.observed:
        return False
    items = planned.plan.sendable
    overwritten = [fields for item in items if (fields := planned.composer.observed(item.change))]
    found = (parse_observed(line) for line, _, _ in after.readback.lines())
    stored = {fields[SOURCE_REF]: fields for fields in found if fields.get(SOURCE_REF) in after.read}.values()
    before = planned.observation.description.stats
    labeled = sum(map(is_labeled, stored)) - sum(map(is_labeled, overwritten))
    errored = sum(map(bool, map(error_codes, stored))) - sum(map(bool, map(error_codes, overwritten)))
    return _grew(before.labeled_entries, now.labeled_entries, labeled) and _grew(
        before.error_entries, now.error_entries, errored
    )


def _grew(before: int | None, now: int | None, by: int) -> bool:
    """Return whether a number grew by *by*; True if the service states none."""
    return before is None or now is None or now - before == by
