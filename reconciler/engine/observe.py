"""Look at a dataset: find it, wait until it rests, and compare its whole listing with what is desired."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from reconciler.core.diff import Diff, compare
from reconciler.core.lines import Line
from reconciler.core.spec import Target
from reconciler.engine.desired import Desired
from reconciler.engine.listing import Spool
from reconciler.engine.log import log
from reconciler.engine.observation import Observation
from reconciler.engine.patience import patiently, settled
from reconciler.engine.world import World
from reconciler.errors import ListingMoved, NotFound
from reconciler.ports import Clock, Gateway, Located, Progress, Standing

T = TypeVar("T")


def find(desired: Desired, gateway: Gateway, clock: Clock, deadline: float) -> str | None:
    """
    Return the ARN of the dataset, or None if it is missing and the spec allows to create it.

    Raises:
        NotFound: The project or the dataset is missing, and the spec does not say ``create: true``.
    """
    target = desired.spec.spec.target
    if target.dataset_arn is not None:
        return target.dataset_arn
    project, kind = target.identity
    return arn_in(patiently(lambda: gateway.locate(project, kind), clock, deadline), target)


def arn_in(found: Located, target: Target) -> str | None:
    """Return the ARN of what was found, or None if it may be made; errors as `find`."""
    project, kind = target.identity
    if found.dataset_arn is None and not target.create:
        missing = f"project {project!r}" if found.project_arn is None else f"{kind} dataset of {project!r}"
        raise NotFound(f"there is no {missing}; to make it, set spec.target.create: true")
    return found.dataset_arn


def observe(desired: Desired, arn: str, world: World, deadline: float) -> Observation:
    """
    Read every entry and compare it with what is desired.

    Raises:
        GatewayError: As `whole_listing`.
    """

    def judge(lines: Iterator[Line]) -> Diff:
        return compare(desired.index, lines, desired.read, desired.equality)

    with world.tracer.span("observe", dataset_arn=arn) as span:
        diff, spool, standing = whole_listing(desired.name, arn, world, deadline, judge)
        span.note(entries=diff.observed)
    log.info("observe.finished", entries=diff.observed)
    return Observation(arn, standing, diff, spool, world.clock.now())


def whole_listing(
    name: str, arn: str, world: World, deadline: float, consume: Callable[[Iterator[Line]], T]
) -> tuple[T, Spool, Standing]:
    """
    Read every entry in one state; an error part-way starts again, and never gives a shorter answer.

    Args:
        consume: Takes every line as it comes. Called anew with each start.

    Returns:
        What *consume* made of it, the lines, for the caller to close, and the state they were listed in.

    Raises:
        GatewayError: The dataset could not be listed whole, in one state, before *deadline*.
    """
    gateway = world.gateway

    def attempt() -> tuple[T, Spool, Standing]:
        before = settled(gateway, arn, world.clock, deadline)
        spool = Spool()
        try:
            pages = _watched(gateway.pages(arn), name, before.stats.total_entries, world.progress)
            result = consume(spool.fill(pages))
            if gateway.standing(arn) != before:
                raise ListingMoved("the dataset changed while it was listed")
        except BaseException:
            spool.close()
            raise
        return result, spool, before

    return patiently(attempt, world.clock, deadline)


def _watched(
    pages: Iterator[Sequence[str]], dataset: str, total: int | None, progress: Progress
) -> Iterator[Sequence[str]]:
    done = 0
    for page in pages:
        yield page
        done += len(page)
        progress.step(dataset, "listing", done, total)
