"""Update what is remembered of a dataset after an apply: quarantine, applied entries, backups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain

import orjson

from reconciler.core.entries.entry import canonical, digest
from reconciler.core.planning.cause import Applied
from reconciler.core.planning.diff import Action, Diff
from reconciler.core.planning.plan import DatasetPlan, Plan, PlannedChange
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason, quarantined_again
from reconciler.core.status.result import EntryProblem
from reconciler.engine.dataset.apply import Sent
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.planning import Composer
from reconciler.engine.dataset.verify import Proof
from reconciler.engine.log import log
from reconciler.ports import BackupHeader, Memory, Quarantine

REWRITTEN_BY_SERVICE = (
    "comes back different each time it is set; if the service rewrites it, let git leave that alone"
)
FLAPPING = (
    "somebody keeps changing it back; ask them, take their version into git, or name it under spec.ignore"
)


def update_quarantine(
    dataset: str,
    items: Iterable[PlannedChange],
    still_different: Iterable[str],
    sent: Sent,
    proof: Proof,
    quarantine: Quarantine,
    now: float,
) -> None:
    """
    Update the quarantine of one dataset by what an apply sent and what was observed afterwards.

    Args:
        items: What was to be sent.
        still_different: Source-refs with a planned change, sent or not: a hold on any other is over.
    """
    known = quarantine.of(dataset)
    by_ref = {item.source_ref: item for item in items}
    fresh = {
        quarantined.source_ref: quarantined
        for quarantined in _quarantined_again(by_ref, known, sent, proof, now)
    }
    fresh |= {quarantined.source_ref: quarantined for quarantined in _flapping(proof.in_place, known, now)}
    different = set(still_different) - {item.source_ref for item in proof.in_place}
    released = [ref for ref, quarantined in known.items() if _is_over(quarantined, ref in different, now)]
    released = [ref for ref in released if ref not in fresh]
    for quarantined in fresh.values():
        if not quarantined.applies_to(quarantined.digest, now):  # counted only: one revert is no conflict
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
    items: Mapping[str, PlannedChange], known: Mapping[str, Quarantined], sent: Sent, proof: Proof, now: float
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
    """Return whether a hold has ended. That others change a line back shows only while it is in place."""
    if quarantined.kind is QuarantineReason.FLAPPING:
        return now >= quarantined.until
    return not different


def record_applied(desired: Desired, arn: str, touched: Collection[str], after: Diff, memory: Memory) -> None:
    """
    Remember, entry by entry, what was observed to be applied.

    Only entries that are the same on both sides advance, and orphans that were blanked: one that is
    labelled again is noticed. Costs about 6 µs for each of them.

    Args:
        touched: Source-refs that were sent.
        after: All entries as they were last seen, these after they were sent.
    """
    base = memory.applied(desired.name, arn)
    different = {change.source_ref for change in after.changes}
    blanks = {c.source_ref: c.before for c in after.changes if c.is_blank and c.before is not None}
    blanked = {
        ref: Applied(text, text) for ref, text in blanks.items() if ref in touched or ref in base.entries
    }
    ignored = {ref: Applied(*digests) for ref, *digests in after.ignored}
    memory.remember(
        desired.name,
        arn,
        proven=chain(_news(desired, different, ignored, base.entries), blanked.items()),
        gone=base.entries.keys() - desired.index.source_refs - desired.index.void - blanked.keys(),
    )


def _news(
    desired: Desired, different: Collection[str], ignored: Mapping[str, Applied], known: Mapping[str, Applied]
) -> Iterator[tuple[str, Applied]]:
    for ref, place in desired.index.items():
        if ref in different:
            continue
        entry = ignored.get(ref)
        if entry is None:
            same = digest(canonical(orjson.loads(desired.read(ref, place))))
            entry = Applied(same, same)
        if known.get(ref) != entry:
            yield ref, entry


def back_up_overwritten(desired: Desired, plan: DatasetPlan, composer: Composer, context: Context) -> None:
    """
    Back up the observed line of every entry that is overwritten or blanked, and of no other.

    Raises:
        StateError: They could not be saved: then nothing may be sent.
    """
    overwritten = [item for batch in plan.batches for item in batch.items if item.change.observed is not None]
    if not overwritten or plan.arn is None:
        return
    head = BackupHeader(
        dataset=plan.name,
        arn=plan.arn,
        revision=desired.revision,
        at=context.clock.now(),
        plan=Plan((plan,)).digest,
        entries=len(overwritten),
    )
    context.memory.backups.keep(head, _lines(overwritten, composer))


def _lines(items: list[PlannedChange], composer: Composer) -> Iterator[bytes]:
    for item in sorted(items, key=lambda item: item.source_ref):
        line = composer.before(item.change)
        if line is not None:
            yield line
