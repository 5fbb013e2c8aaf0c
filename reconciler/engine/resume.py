"""Close the diary of a process that did not live to do it."""

from __future__ import annotations

from reconciler.engine.log import log
from reconciler.engine.world import World


def resume(dataset: str, arn: str, world: World) -> None:
    """
    Take note of updates that an earlier process began and did not end.

    The look before this one waited until nothing was in progress and saw what became of them: whatever
    arrived is not planned for any more, whatever did not is. So nothing is left to do but to say so.
    """
    for begun in world.memory.journal.unfinished(dataset):
        same = begun.arn == arn
        log.info("update.resumed", entries=len(begun.source_refs), same_dataset=same)
        world.memory.journal.end(begun.number, "unknown: the process ended first")
