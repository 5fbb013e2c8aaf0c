"""Begin a rebuild: check every guard, and back up all entries in two places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final, NamedTuple

import orjson

from reconciler.core.entries.entry import SOURCE_REF, without_service_keys
from reconciler.core.entries.equality import encode
from reconciler.core.entries.index import Place
from reconciler.core.entries.observed_line import parse_observed
from reconciler.core.planning.diff import Action, Diff, place_of
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import DatasetPlan, Plan
from reconciler.core.spec.choices import Mode, Orphans
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import SpooledListing
from reconciler.engine.dataset.make_plan import guards_of
from reconciler.engine.dataset.observe import Observation, as_text
from reconciler.engine.dataset.retry import retry
from reconciler.engine.usecases.rebuild.steps import (
    RebuildContext,
    content_of,
    lines_in,
    readable,
    record_step,
)
from reconciler.errors import Denied, NotFound, Rejected, UnknownAnswer
from reconciler.ports import BackupHeader, ContentDigest, Rebuild, RebuildStep
from reconciler.private import temporary_file

MAX_BYTES: Final = 1_000_000_000
"""Maximum size of a manifest (limits page of the Rekognition documentation)."""


def digest_of(plan: DatasetPlan) -> str:
    """Return the digest of a plan for this dataset alone, which a rebuild must be given."""
    return Plan((plan,)).digest


def reasons(desired: Desired, plan: DatasetPlan, diff: Diff, digest: str) -> Iterator[Guard]:
    """Yield the guards that follow from the plan. An orphan counts as an overwritten entry."""
    if plan.mode is not Mode.UPSERT:
        yield Guard(
            "MODE", f"policy.mode is {plan.mode}; to delete a dataset and create it again, it must be upsert"
        )
    if plan.orphans is not Orphans.REBUILD:
        yield Guard("ORPHANS", f"policy.orphans is {plan.orphans}; to remove orphans, it must be rebuild")
    if desired.target.dataset_arn is not None:
        way_out = "the new one will have another ARN: name it by project and type"
        yield Guard(
            "DATASET_ARN", f"spec.target.datasetArn names the dataset that would be deleted; {way_out}"
        )
    if plan.closed is not None:
        yield Guard("CLOSED", f"{plan.closed.message}; --allow-frozen rebuilds all the same")
    if (now := digest_of(plan)) != digest:
        yield Guard("PLAN_OUTDATED", f"--plan-digest is not that of the current plan, {now}; review it first")
    if not plan.complete:
        yield Guard("INCOMPLETE", "some lines of the specs cannot be used: their images would be deleted")
    if not plan.counts.orphan:
        yield Guard("NO_ORPHANS", "there is no orphan to remove; apply does everything else")
    if left := [item for item in plan.changes if item.sent is None and item.action is not Action.ORPHAN]:
        why = "quarantined, or withheld by the policy; a rebuild would apply them all"
        yield Guard("LEFT", f"{len(left)} entries are {why}: {left[0].source_ref}")
    touched = [item for item in plan.changes if item.sent is not None or item.action is Action.ORPHAN]
    yield from guards_of(desired, plan.arn, diff, touched)


def in_use(project_arn: str, context: RebuildContext, *, confirmed: bool) -> Iterator[Guard]:
    """
    Yield a guard if a model of the project is being trained, which reads the dataset.

    AWS shows no other use, such as a person in the console or another tool. Their writes between observation
    and deletion are detected, later ones are not.

    Args:
        confirmed: Whether the operator confirms that nothing uses the dataset; required if trainings cannot
            be listed.
    """
    try:
        trainings = context.gateway.trainings(project_arn)
    except (Denied, Rejected, UnknownAnswer) as exc:
        if not confirmed:
            yield Guard(
                "UNSEEN_USE", f"whether a training is running cannot be seen ({exc}); if none is, add --yes"
            )
        return
    if trainings:
        yield Guard(
            "IN_USE", f"a training is running that reads the dataset: {', '.join(trainings)}; wait for it"
        )


_NOTHING = ContentDigest(0, "")


class Order(NamedTuple):
    """
    The request of the operator.

    Attributes:
        plan: Digest of the plan that the operator reviewed.
        confirmed: Whether the operator confirms that nothing else uses the dataset.
    """

    plan: str
    bucket: str
    prefix: str
    confirmed: bool = False


def blocks(
    desired: Desired, plan: DatasetPlan, seen: Observation, order: Order, context: RebuildContext
) -> tuple[Guard, ...]:
    """Return every guard that stops the rebuild. Makes no call that writes."""
    found = [*reasons(desired, plan, seen.diff, order.plan), *_too_large(desired)]
    return tuple(found) or tuple(in_use(_project(desired, context), context, confirmed=order.confirmed))


def keep_everything(
    desired: Desired, plan: DatasetPlan, seen: Observation, order: Order, context: RebuildContext
) -> Rebuild:
    """
    Back up every observed line to the state directory and to S3, and write the desired manifest to S3.

    Raises:
        StateError, GatewayError: One of them could not be written, or differs when read back.
    """
    rebuild = _first_step(desired, seen, order, context)
    record_step(rebuild, context)
    listing = seen.listing
    tags = retry(lambda: context.gateway.tags(seen.arn), context.dataset.clock, context.deadline)
    snapshot, before = _back_up(rebuild, plan, listing, context)
    copy = _put_and_prove(lambda: _observed_lines(listing), order.bucket, rebuild.key("before"), context)
    if copy != before or copy.entries != seen.diff.observed:
        raise UnknownAnswer(
            f"{seen.diff.observed} entries were listed, {copy.entries} kept: nothing was deleted"
        )
    wanted = _put_and_prove(
        lambda: _desired_lines(desired, listing), order.bucket, rebuild.key("desired"), context
    )
    return record_step(
        rebuild._replace(step=RebuildStep.KEPT, tags=tags, snapshot=snapshot, before=before, desired=wanted),
        context,
    )


def _first_step(desired: Desired, seen: Observation, order: Order, context: RebuildContext) -> Rebuild:
    """Return a rebuild at its first step."""
    now = context.dataset.clock.now()
    return Rebuild(
        id=f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{order.plan[:12]}",
        dataset=desired.name,
        step=RebuildStep.KEEPING,
        plan=order.plan,
        revision=desired.revision,
        project_arn=_project(desired, context),
        dataset_type=desired.target.kind,
        old_arn=seen.arn,
        description=as_text(seen.description),
        bucket=order.bucket,
        prefix=order.prefix,
        begun_at=now,
        tags={},
        before=_NOTHING,
        desired=_NOTHING,
    )


def _back_up(
    rebuild: Rebuild, plan: DatasetPlan, listing: SpooledListing, context: RebuildContext
) -> tuple[str, ContentDigest]:
    """Back up the observed lines to the state directory; return the name and the content read back."""
    entries = sum(1 for _ in listing.lines())
    head = BackupHeader(
        rebuild.dataset, rebuild.old_arn, rebuild.revision, rebuild.begun_at, digest_of(plan), entries
    )
    archive = context.dataset.memory.archive
    saved = archive.keep(head, (raw for raw, _, _ in listing.lines()))
    with archive.open(rebuild.dataset, saved.id) as stream:
        return saved.id, content_of(lines_in(stream))


def _put_and_prove(
    lines: Callable[[], Iterable[bytes]], bucket: str, key: str, context: RebuildContext
) -> ContentDigest:
    """
    Write lines to S3, read them back, and return their content.

    Raises:
        UnknownAnswer: The content read back differs.
        GatewayError: S3 refused the call or did not answer.
    """
    with _spool(lines()) as written:
        expected = content_of(lines_in(written))
        written.seek(0)
        context.objects.put(bucket, key, written)
    with context.objects.open(bucket, key) as read:
        try:
            found = content_of(lines_in(read))
        except UnknownAnswer as exc:
            raise UnknownAnswer(f"s3://{bucket}/{key} is not what was written: {exc}") from exc
    if found != expected:
        raise UnknownAnswer(
            f"s3://{bucket}/{key} holds {found.entries} entries, not the {expected.entries} written"
        )
    return expected


def _spool(lines: Iterable[bytes]) -> BinaryIO:
    """Write lines to a temporary file and return it at its start; the caller closes it."""
    stream = temporary_file()
    try:
        stream.writelines(line + b"\n" for line in lines)
        stream.seek(0)
    except BaseException:
        stream.close()
        raise
    return stream


def _observed_lines(listing: SpooledListing) -> Iterator[bytes]:
    """Yield every listed line as it would be sent: without the keys that the service added."""
    return (encode(without_service_keys(readable(raw))) for raw, _, _ in listing.lines())


def _desired_lines(desired: Desired, listing: SpooledListing) -> Iterator[bytes]:
    """Yield every desired line as it would be sent: ignored fields keep their observed values."""
    places: dict[str, Place] = {}
    if desired.equality.ignore:
        refs = ((parse_observed(line[0]).get(SOURCE_REF), line) for line in listing.lines())
        places = {ref: place_of(line) for ref, line in refs if isinstance(ref, str)}
    for ref, place in desired.index.items():
        there = parse_observed(listing.read(places[ref])) if ref in places else None
        yield encode(desired.equality.merged(orjson.loads(desired.read(ref, place)), there))


def _too_large(desired: Desired) -> Iterator[Guard]:
    size = desired.index.size + len(desired.index)
    if size > MAX_BYTES:
        yield Guard("MANIFEST_TOO_LARGE", f"the manifest would have {size:,} bytes; AWS takes {MAX_BYTES:,}")


def _project(desired: Desired, context: RebuildContext) -> str:
    project, kind = desired.target.identity
    found = retry(lambda: context.gateway.locate(project, kind), context.dataset.clock, context.deadline)
    if found.project_arn is None:
        raise NotFound(f"there is no project {project!r}")
    return found.project_arn
