"""The steps of a rebuild after the backups, and of its undo; each may be repeated. They compare whole datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import BinaryIO

from reconciler.core.entries.entry import SOURCE_REF, Fields, canonical, digest
from reconciler.core.entries.lines import Line, iter_lines
from reconciler.core.entries.observed_line import UNREADABLE, parse_observed
from reconciler.core.runtime.backoff import poll_delay
from reconciler.core.spec.choices import Arn
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.observe import as_text, list_whole
from reconciler.engine.dataset.retry import retry
from reconciler.errors import (
    AlreadyExists,
    DatasetBusy,
    DatasetUnusable,
    NotFound,
    PlanOutdated,
    UnknownAnswer,
)
from reconciler.ports import ContentDigest, Description, Objects, Phase, Rebuild, RebuildGateway, RebuildStep


@dataclass(frozen=True, slots=True)
class RebuildContext:
    """
    The ports of a rebuild.

    Attributes:
        dataset: The context of the dataset's reconciliation.
        gateway: The gateway of the dataset, which can also delete it.
        timeout: Seconds that each operation, such as deletion or creation, may take.
    """

    dataset: Context
    gateway: RebuildGateway
    objects: Objects
    timeout: float

    @property
    def deadline(self) -> float:
        return self.dataset.clock.now() + self.timeout

    def describe(self, arn: str) -> Description | None:
        """Return the description of a dataset; None if it does not exist."""
        try:
            return retry(lambda: self.gateway.describe(arn), self.dataset.clock, self.deadline)
        except NotFound:
            return None

    def await_settled(self, arn: str) -> Description | None:
        """
        Wait until no operation is in progress, and return the description; None if the dataset is gone.

        Raises:
            DatasetBusy: An operation is still in progress after the timeout.
        """
        deadline, polls = self.deadline, 0
        while (description := self.describe(arn)) is not None and not description.phase.settled:
            delay = poll_delay(polls)
            if self.dataset.clock.now() + delay > deadline:
                raise DatasetBusy(f"the dataset is still {description.phase}; waited as long as allowed")
            self.dataset.clock.sleep(delay)
            polls += 1
        return description


def finish(rebuild: Rebuild, context: RebuildContext) -> Rebuild:
    """
    Take the remaining steps until the new dataset is complete.

    Raises:
        PlanOutdated: The dataset changed after the backup; it was not deleted.
        DatasetUnusable: The new dataset could not be created, or another client created one in its place.
        GatewayError: AWS refused a call, or did not answer in time.
    """
    while True:
        match rebuild.step:
            case RebuildStep.KEEPING | RebuildStep.KEPT:
                rebuild = record_step(rebuild._replace(step=RebuildStep.DELETING), context)
            case RebuildStep.DELETING:
                _delete(rebuild, context)
                rebuild = record_step(rebuild._replace(step=RebuildStep.DELETED), context)
            case RebuildStep.DELETED:
                rebuild = record_step(rebuild._replace(step=RebuildStep.CREATING), context)
            case RebuildStep.CREATING:
                new_arn = _create(rebuild, context)
                rebuild = record_step(rebuild._replace(step=RebuildStep.FILLING, new_arn=new_arn), context)
            case RebuildStep.FILLING:
                _await_complete(rebuild, context)
                return rebuild


def record_step(rebuild: Rebuild, context: RebuildContext) -> Rebuild:
    """Store a rebuild on the disk, report its step as progress, and return it."""
    context.dataset.memory.rebuilds.put(rebuild)
    context.dataset.progress.step(rebuild.dataset, rebuild.step.value, 0, None)
    return rebuild


def step_to_resume(rebuild: Rebuild, context: RebuildContext) -> Rebuild:
    """Return the step to resume from: an earlier one if the new dataset is unusable or gone."""
    if rebuild.new_arn is None:  # it is not made yet
        return rebuild
    description = context.await_settled(rebuild.new_arn)
    if description is None:
        return record_step(rebuild._replace(step=RebuildStep.CREATING, new_arn=None), context)
    if description.phase is Phase.CREATE_FAILED:
        return _to_be_deleted(rebuild, rebuild.new_arn, context)
    return rebuild


def first_undo_step(rebuild: Rebuild, context: RebuildContext) -> Rebuild | None:
    """
    Return the first step of the undo; None if nothing was changed, so that there is nothing to undo.

    Raises:
        DatasetUnusable: Another client created a dataset in its place.
    """
    if rebuild.undoing:
        return step_to_resume(rebuild, context)
    if rebuild.step in (RebuildStep.KEEPING, RebuildStep.KEPT):
        return None
    if rebuild.step is RebuildStep.DELETING:
        description = context.describe(rebuild.old_arn)
        if description is not None and description.phase is not Phase.DELETE_IN_PROGRESS:
            return None
        return record_step(rebuild._replace(undoing=True, description=""), context)
    if rebuild.new_arn is not None:
        return _to_be_deleted(rebuild, rebuild.new_arn, context, undoing=True)
    found = _found(rebuild, context) if rebuild.step is RebuildStep.CREATING else None
    if found is not None and found != rebuild.old_arn:
        _require_ours(rebuild, found, context)
        return _to_be_deleted(rebuild, found, context, undoing=True)
    return record_step(rebuild._replace(undoing=True), context)


def content_of(lines: Iterable[bytes]) -> ContentDigest:
    """
    Return number and digest of lines, whatever their order. Holds 16 bytes a line in memory.

    Raises:
        UnknownAnswer: A line is not a JSON object.
    """
    found = sorted(digest(canonical(readable(line))) for line in lines)
    total = blake2b(digest_size=16)
    for one in found:
        total.update(one)
    return ContentDigest(len(found), total.hexdigest())


def lines_in(stream: BinaryIO) -> Iterator[bytes]:
    return (raw for raw, _, _ in iter_lines(stream) if raw)


def readable(raw: bytes) -> Fields:
    """
    Parse a listed line.

    Raises:
        UnknownAnswer: It cannot be read, so that no manifest could restore it.
    """
    fields = parse_observed(raw)
    if SOURCE_REF not in fields:
        raise UnknownAnswer("AWS holds a line that names no image; no copy restores it")
    if UNREADABLE in fields:
        raise UnknownAnswer(
            f"{fields[SOURCE_REF]}: AWS holds a line that is not valid JSON; no copy restores it"
        )
    return fields


def list_content(arn: str, rebuild: Rebuild, context: RebuildContext) -> ContentDigest:
    """
    List a whole dataset and return its content.

    Raises:
        ListingIncomplete: The service counts other entries than it lists.
    """

    def consume(lines: Iterator[Line]) -> ContentDigest:
        return content_of(raw for raw, _, _ in lines)

    listed = list_whole(rebuild.dataset, arn, context.dataset, context.deadline, consume)
    listed.require_whole()
    listed.spool.close()
    return listed.result


def _to_be_deleted(
    rebuild: Rebuild, arn: str, context: RebuildContext, *, undoing: bool | None = None
) -> Rebuild:
    direction = rebuild.undoing if undoing is None else undoing
    return record_step(
        rebuild._replace(
            step=RebuildStep.DELETING, old_arn=arn, description="", new_arn=None, undoing=direction
        ),
        context,
    )


def _delete(rebuild: Rebuild, context: RebuildContext) -> None:
    """Delete the old dataset if it is unchanged since the backup, and wait until it is gone."""
    if context.await_settled(rebuild.old_arn) is None:
        return

    def attempt() -> None:
        description = context.describe(rebuild.old_arn)
        if description is None or description.phase is Phase.DELETE_IN_PROGRESS:
            return  # an earlier answer was lost
        if rebuild.description not in ("", as_text(description)):
            raise PlanOutdated(
                "the dataset changed after its entries were kept; it was not deleted; plan again"
            )
        context.dataset.permit()
        context.gateway.delete_dataset(rebuild.old_arn)

    try:
        retry(attempt, context.dataset.clock, context.deadline)
    except NotFound:
        return
    if context.await_settled(rebuild.old_arn) is not None:
        raise DatasetBusy("the dataset was to be deleted, and is still there")


def _create(rebuild: Rebuild, context: RebuildContext) -> str:
    """Create the dataset from its manifest; adopt an existing one if its content is the same."""
    manifest = (rebuild.bucket, rebuild.wanted_key) if rebuild.wanted.entries else None
    created = False

    def attempt() -> str:
        nonlocal created
        found = _found(rebuild, context)
        if found == rebuild.old_arn:
            raise DatasetBusy("the project still lists the deleted dataset")
        if found is not None:
            return found
        context.dataset.permit()
        try:
            project, kind = rebuild.project_arn, rebuild.dataset_type
            arn = context.gateway.create_dataset_from(project, kind, manifest, rebuild.tags)
        except AlreadyExists as exc:  # not deleted yet, or created by a call whose answer was lost
            raise DatasetBusy(str(exc)) from exc
        created = True
        return arn

    arn = retry(attempt, context.dataset.clock, context.deadline)
    if not created:
        _require_ours(rebuild, arn, context)
    return arn


def _found(rebuild: Rebuild, context: RebuildContext) -> str | None:
    project = Arn.parse(rebuild.project_arn).project
    return retry(
        lambda: context.gateway.locate(project, rebuild.dataset_type),
        context.dataset.clock,
        context.deadline,
    ).dataset_arn


def _require_ours(rebuild: Rebuild, arn: str, context: RebuildContext) -> None:
    """
    Check that a dataset was created by this rebuild, not by another client.

    Raises:
        DatasetUnusable: Its content differs from what this rebuild creates.
    """
    description = context.await_settled(arn)
    if description is None or description.phase is Phase.CREATE_FAILED:
        return
    if list_content(arn, rebuild, context) != rebuild.wanted:
        raise DatasetUnusable(
            f"another client created {arn} meanwhile: delete it, or take its entries into git"
        )


def _await_complete(rebuild: Rebuild, context: RebuildContext) -> None:
    """Wait until the new dataset is complete, or raise `DatasetUnusable` if its creation failed."""
    description = context.await_settled(rebuild.new_arn or "")
    if description is None:
        raise NotFound(f"{rebuild.new_arn} is gone: another client deleted it")
    if description.phase is Phase.CREATE_FAILED:
        why = f"{description.code or 'no code'}: {description.message or 'no reason given'}"
        raise DatasetUnusable(f"the new dataset could not be created ({why})")
