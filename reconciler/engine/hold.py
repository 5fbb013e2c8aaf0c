"""Keep back what failed, let go what succeeded: the memory of trouble, advanced after each look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import PlannedChange
from reconciler.core.planning.quarantine import Hold, HoldKind, held_again
from reconciler.core.status.result import Trouble
from reconciler.engine.apply import Sent
from reconciler.engine.log import log
from reconciler.engine.verify import Proof
from reconciler.ports import Holds

PERPETUAL = "comes back different each time it is set; if the service rewrites it, let git leave that alone"
CONTESTED = (
    "somebody keeps changing it back; ask them, take their version into git, or name it under spec.ignore"
)


def keep_back(
    dataset: str,
    items: Iterable[PlannedChange],
    still_different: Iterable[str],
    sent: Sent,
    proof: Proof,
    holds: Holds,
    now: float,
) -> None:
    """
    Advance the holds of one dataset by what an apply did and a look showed.

    Args:
        items: What was to be sent.
        still_different: Source-refs with a planned change, sent or not: a hold on any other is over.
    """
    known = holds.of(dataset)
    by_ref = {item.source_ref: item for item in items}
    fresh = {hold.source_ref: hold for hold in _troubled(by_ref, known, sent, proof, now)}
    fresh |= {hold.source_ref: hold for hold in _contested(proof.in_place, known, now)}
    different = set(still_different) - {item.source_ref for item in proof.in_place}
    released = [ref for ref, hold in known.items() if _is_over(hold, ref in different, now)]
    released = [ref for ref in released if ref not in fresh]
    for hold in fresh.values():
        if not hold.keeps_back(hold.digest, now):  # it only counts so far: one revert is no quarrel
            continue
        log.warning("entry.quarantined", kind=hold.kind, rounds=hold.rounds, source_ref=hold.source_ref)
    for source_ref in released:
        log.info("entry.released", source_ref=source_ref)
    if fresh or released:
        holds.put(dataset, fresh.values(), released)


def _troubled(
    items: Mapping[str, PlannedChange], known: Mapping[str, Hold], sent: Sent, proof: Proof, now: float
) -> Iterator[Hold]:
    def again(trouble: Trouble, kind: HoldKind, reason: str) -> Hold:
        ref = trouble.source_ref
        return held_again(known.get(ref), ref, items[ref].sent or b"", kind, reason, now)

    for trouble in proof.failed:
        if trouble.source_ref in sent.convicted:
            yield again(trouble, HoldKind.CONVICTED, trouble.reason)
        elif trouble.source_ref in sent.parked:
            yield again(trouble, HoldKind.PARKED, trouble.reason)
    for trouble in proof.dropped:
        yield again(trouble, HoldKind.DROPPED, trouble.reason)
    for trouble in proof.overtaken:
        yield again(trouble, HoldKind.PERPETUAL, PERPETUAL)


def _contested(in_place: Iterable[PlannedChange], known: Mapping[str, Hold], now: float) -> Iterator[Hold]:
    """Count how often one line had to be set again because AWS had left it."""
    for item in in_place:
        if item.reverts and item.action is not Action.ADD and item.sent is not None:
            before = known.get(item.source_ref)
            yield held_again(before, item.source_ref, item.sent, HoldKind.CONTESTED, CONTESTED, now)


def _is_over(hold: Hold, different: bool, now: float) -> bool:
    """Tell whether a hold is history. That somebody changes a line back shows only while it is in place."""
    if hold.kind is HoldKind.CONTESTED:
        return now >= hold.until
    return not different
