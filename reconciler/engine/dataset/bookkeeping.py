"""Update the memory of a dataset after an apply: quarantine, applied entries, backups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

import orjson

from reconciler.core.entries.entry import canonical, digest
from reconciler.core.entries.index import Place
from reconciler.core.planning.cause import Applied
from reconciler.core.planning.diff import Action, Diff
from reconciler.core.planning.plan import DatasetPlan, Plan, PlannedChange
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason, quarantined_again
from reconciler.core.planning.remembered import Memories, Replaced, blocks_of, patched
from reconciler.core.status.result import EntryProblem
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.incremental import scope_of
from reconciler.engine.dataset.make_plan import Composer
from reconciler.engine.dataset.observe import Observation, as_text
from reconciler.engine.dataset.send import SentUpdates
from reconciler.engine.dataset.verify import Proof
from reconciler.engine.log import log
from reconciler.errors import SourceError, StateError
from reconciler.ports import Backup, BackupHeader, Memory, ObservedHead, Quarantine

MAX_LINES_BYTES: Final = 64_000_000
"""Lines of differing entries that are remembered of one dataset; with more, it is listed each time."""

REWRITTEN_BY_SERVICE = (
    "comes back different each time it is set; if the service rewrites it, let git leave that alone"
)
FLAPPING = "another writer keeps changing it back; take its version into git, or name it under spec.ignore"


def share_images(memory: Memory, one: str, other: str) -> bool | None:
    """Return whether two datasets have an image in common, as last observed; None if one is not remembered."""
    first, second = memory.observed.of(one), memory.observed.of(other)
    if first is None or second is None or not (first.head.description and second.head.description):
        return None
    refs = {ref for block in first.blocks() for ref in block.refs}
    return any(not refs.isdisjoint(block.refs) for block in second.blocks())


def update_quarantine(
    dataset: str,
    items: Iterable[PlannedChange],
    still_different: Iterable[str],
    sent: SentUpdates,
    proof: Proof,
    quarantine: Quarantine,
    now: float,
) -> None:
    """
    Update the quarantine of one dataset by what an apply sent and what was observed afterwards.

    Args:
        items: What was to be sent.
        still_different: Source-refs with a planned change, sent or not: the quarantine of any other is over.
    """
    known = quarantine.of(dataset)
    by_ref = {item.source_ref: item for item in items}
    again = _quarantined_again(by_ref, known, sent, proof, now)
    fresh = {one.source_ref: one for one in chain(again, _flapping(proof.in_place, known, now))}
    different = set(still_different) - {item.source_ref for item in proof.in_place}
    released = [ref for ref in known if ref not in fresh and _is_over(known[ref], ref in different, now)]
    for quarantined in fresh.values():
        if not quarantined.applies_to(quarantined.digest, now):  # counted only: one revert is not a conflict
            continue
        log.warning(
            "entry.quarantined",
            kind=quarantined.kind,
            rounds=quarantined.rounds,
            source_ref=quarantined.source_ref,
        )
    for source_ref in released:
        log.info("entry.released", source_ref=source_ref)
    if fresh or released:
        quarantine.put(dataset, fresh.values(), released)


def _quarantined_again(
    items: Mapping[str, PlannedChange],
    known: Mapping[str, Quarantined],
    sent: SentUpdates,
    proof: Proof,
    now: float,
) -> Iterator[Quarantined]:
    def again(entry_problem: EntryProblem, kind: QuarantineReason, reason: str) -> Quarantined:
        ref = entry_problem.source_ref
        return quarantined_again(known.get(ref), ref, items[ref].sent or b"", kind, reason, now)

    for entry_problem in proof.failed:
        if entry_problem.source_ref in sent.isolated:
            yield again(entry_problem, QuarantineReason.ISOLATED, entry_problem.reason)
        elif entry_problem.source_ref in sent.unresolved_groups:
            yield again(entry_problem, QuarantineReason.UNRESOLVED_GROUP, entry_problem.reason)
    for entry_problem in proof.dropped:
        yield again(entry_problem, QuarantineReason.DROPPED, entry_problem.reason)
    for entry_problem in proof.overtaken:
        yield again(entry_problem, QuarantineReason.REWRITTEN_BY_SERVICE, REWRITTEN_BY_SERVICE)


def _flapping(
    in_place: Iterable[PlannedChange], known: Mapping[str, Quarantined], now: float
) -> Iterator[Quarantined]:
    """Count how often one line had to be set again after it had drifted."""
    for item in in_place:
        if item.reverts and item.action is not Action.ADD and item.sent is not None:
            before = known.get(item.source_ref)
            yield quarantined_again(
                before, item.source_ref, item.sent, QuarantineReason.FLAPPING, FLAPPING, now
            )


def _is_over(quarantined: Quarantined, different: bool, now: float) -> bool:
    """Return whether a quarantine has ended. That others change a line back shows only while it is in place."""
    if quarantined.kind is QuarantineReason.FLAPPING:
        return now >= quarantined.until
    return not different


def record_applied(
    desired: Desired,
    arn: str,
    touched: Collection[str],
    after: Diff,
    memory: Memory,
    compared: Collection[str] | None = None,
) -> None:
    """
    Remember, entry by entry, what was observed to be applied.

    Only entries that are the same on both sides advance, and orphans that were blanked: one that is
    labelled again is noticed. Costs about 6 µs for each of them.

    Args:
        touched: Source-refs that were sent.
        after: All entries as they were last seen, these after they were sent.
        compared: Source-refs whose records may be out of date; None for all.
    """
    open_refs = None if compared is None else {*compared, *touched}
    base = memory.applied(desired.name, arn, open_refs)
    different = {change.source_ref for change in after.changes}
    blanks = {c.source_ref: c.before for c in after.changes if c.is_blank and c.before is not None}
    blanked = {
        ref: Applied(text, text) for ref, text in blanks.items() if ref in touched or ref in base.entries
    }
    ignored = {ref: Applied(*digests) for ref, *digests in after.ignored}
    recorded = base.entries.keys() if open_refs is None else memory.recorded(desired.name)
    memory.remember(
        desired.name,
        arn,
        proven=chain(_news(desired, different, ignored, base.entries, open_refs), blanked.items()),
        gone=recorded - desired.index.source_refs - desired.index.void - blanks.keys(),
    )


def _news(
    desired: Desired,
    different: Collection[str],
    ignored: Mapping[str, Applied],
    known: Mapping[str, Applied],
    open_refs: Collection[str] | None,
) -> Iterator[tuple[str, Applied]]:
    index = desired.index
    for ref in sorted(index.source_refs if open_refs is None else open_refs):
        if (row := index.row(ref)) is None or ref in different:
            continue
        entry = ignored.get(ref)
        if entry is None:
            same = digest(canonical(orjson.loads(desired.read(ref, index.place(row)))))
            entry = Applied(same, same)
        if known.get(ref) != entry:
            yield ref, entry


def remember_entries(
    desired: Desired,
    seen: Observation,
    read: Callable[[str, Place], bytes],
    context: Context,
    *,
    are_applied: bool,
) -> None:
    """
    Remember a dataset entry by entry, so that the next observation need not list it.

    What was not observed whole is forgotten. That it cannot be stored only costs the next listing.

    Args:
        seen: The dataset as it is now.
        read: Returns an observed line of it.
        are_applied: Whether the entries that are the same on both sides have just been recorded as applied.
    """
    memory, name = context.memory.observed, desired.name
    try:
        if not _is_whole(desired, seen):
            memory.forget(name)
            return
        head = _head(desired, seen, are_applied=are_applied)
        if seen.incremental is None:
            entries = Memories(desired.index, desired.text_digests, seen.diff, read)
            memory.replace(name, head, blocks_of(entries.all()))
            return
        earlier = seen.incremental.recollection
        changed: tuple[Replaced, ...] = ()
        if refs := seen.incremental.compared:
            entries = Memories(desired.index, desired.text_digests, seen.diff, read)
            changed = tuple(patched(earlier.blocks(), {ref: entries.of(ref) for ref in refs}))
        if not are_applied:
            head = head._replace(are_applied=earlier.head.are_applied and not changed)
        if changed or head != earlier.head:
            memory.update(name, earlier, head, changed)
    except (SourceError, StateError) as exc:  # what is remembered belongs to another description
        log.warning("status.unsaved", dataset=name, reason=str(exc))


def _head(desired: Desired, seen: Observation, *, are_applied: bool) -> ObservedHead:
    same = desired.key if desired.key is not None and seen.diff.is_nothing else b""
    return ObservedHead(
        seen.arn, scope_of(desired), as_text(seen.description), seen.scanned_at, are_applied, same
    )


def _is_whole(desired: Desired, seen: Observation) -> bool:
    """Return whether all entries that the service counts were seen, and what is kept of their lines is small."""
    diff = seen.diff
    places = chain((change.observed for change in diff.changes), (place for _, place in diff.others))
    if desired.partial or seen.gap is not None or not seen.description.is_fingerprint:
        return False
    kept = sum(place.length for place in places if place is not None)
    return seen.description.stats.total_entries == diff.observed and kept <= MAX_LINES_BYTES


def back_up_overwritten(
    desired: Desired, plan: DatasetPlan, composer: Composer, context: Context
) -> Backup | None:
    """
    Back up the observed line of every entry that is overwritten or blanked, and of no other; None if none is.

    Raises:
        StateError: They could not be saved: then nothing may be sent.
    """
    overwritten = [item for item in plan.sendable if item.change.observed is not None]
    if not overwritten or plan.arn is None:
        return None
    head = BackupHeader(
        dataset=plan.name,
        arn=plan.arn,
        revision=desired.revision,
        at=context.clock.now(),
        plan=Plan((plan,)).digest,
        entries=len(overwritten),
    )
    return context.memory.backups.keep(head, _lines(overwritten, composer))


def _lines(items: list[PlannedChange], composer: Composer) -> Iterator[bytes]:
    for item in sorted(items, key=lambda item: item.source_ref):
        line = composer.before(item.change)
        if line is not None:
            yield line
