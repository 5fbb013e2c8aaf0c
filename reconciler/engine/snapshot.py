"""Keep what an apply is about to overwrite, before the first update goes out."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.planning.plan import DatasetPlan, Plan, PlannedChange
from reconciler.engine.compose import Composer
from reconciler.engine.desired import Desired
from reconciler.engine.world import World
from reconciler.ports import SnapshotHead


def keep_before(desired: Desired, plan: DatasetPlan, composer: Composer, world: World) -> None:
    """
    Keep the observed line of every entry that is overwritten or blanked, and of no other.

    Raises:
        StateError: They could not be kept: then nothing may be sent.
    """
    overwritten = [item for batch in plan.batches for item in batch.items if item.change.observed is not None]
    if not overwritten or plan.arn is None:
        return
    head = SnapshotHead(
        dataset=plan.name,
        arn=plan.arn,
        revision=desired.revision,
        at=world.clock.now(),
        plan=Plan((plan,)).digest,
        entries=len(overwritten),
    )
    world.memory.snapshots.keep(head, _lines(overwritten, composer))


def _lines(items: list[PlannedChange], composer: Composer) -> Iterator[bytes]:
    for item in sorted(items, key=lambda item: item.source_ref):
        line = composer.before(item.change)
        if line is not None:
            yield line
