"""Observe each dataset once and describe its drift image by image. Makes no call that writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Final

import orjson
from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.drift.annotations import acknowledged, sighted
from reconciler.core.drift.foreign_calls import suspects
from reconciler.core.drift.report import Coverage, DatasetDrift, DriftItem, LineTexts, classes
from reconciler.core.entries.entry import Fields, canonical
from reconciler.core.entries.image_view import LabelTally, view_of
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import MAX_VIEWS, DatasetPlan, PlannedChange
from reconciler.core.spec.choices import Arn, DriftClass, Orphans
from reconciler.core.spec.documents import Acknowledgement
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.make_plan import Composer, Planned
from reconciler.engine.dataset.observe_and_plan import explained
from reconciler.engine.log import log
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.spec_tree import train_and_test
from reconciler.errors import StateError
from reconciler.ports import Memory

# A picture takes some 2 kB of memory and of a page, a line up to 100 kB: beyond this number of images of
# one dataset, and beyond `MAX_VIEWS`, only classes, causes and places are kept.
WITH_LINES: Final = 1_000

# Why an orphan that is not acknowledged raises no alarm: an apply would leave it as it is.
BLANKED: Final = "blank already, as policy.orphans asks"


class _Seen(Struct, frozen=True):
    """What is kept of one dataset until all have been observed."""

    desired: Desired
    drift: DatasetDrift
    missing: frozenset[str]
    orphans: frozenset[str]

    @property
    def is_as_desired(self) -> bool:
        """Return whether AWS holds the images that are desired, and no other."""
        return not (self.missing or self.orphans)

    @property
    def observed(self) -> frozenset[str]:
        """Return the images that AWS holds; those whose desired line is unusable are left out."""
        return (frozenset(self.desired.index.source_refs) - self.missing) | self.orphans


def drift_each(
    datasets: Iterable[Desired],
    context_of: each_dataset.Contexts,
    known: Sequence[Acknowledgement] = (),
    *,
    remember: bool = False,
) -> tuple[DatasetDrift, ...]:
    """
    Observe every dataset; one that cannot be seen gives a drift that says why.

    Args:
        known: Expected drift.
        remember: Record when each drift was first seen; otherwise only report what was recorded before.
    """
    seen = []
    for desired, planned in each_dataset.open_plans(datasets, context_of):
        with closing(planned):
            one = _describe_plan(desired, planned, _lost(desired, planned.plan, context_of))
            drift = acknowledged(one.drift, known)
            if drift.observed_at is not None:
                drift = _add_dates(drift, context_of(desired).memory, drift.observed_at, remember=remember)
            seen.append(replace(one, drift=drift))
    leaks = _leaks(seen)
    return tuple(replace(one.drift, leaked=leaks.get(one.desired.name, ())) for one in seen)


def drift_of(desired: Desired, planned: Planned) -> DatasetDrift:
    """Return the drift that a plan shows; it must still be open, and not yet carried out."""
    return _describe_plan(desired, planned).drift


def _add_dates(drift: DatasetDrift, memory: Memory, now: float, *, remember: bool) -> DatasetDrift:
    """Add the remembered facts: since when each image is drifted, and whose calls may be the cause."""
    before = memory.sightings.of(drift.name)
    drifted = [item.source_ref for item in drift.items if not item.is_pending]
    after = {one.source_ref: one for one in sighted(before, drifted, now)}
    if remember:
        try:
            memory.sightings.replace(drift.name, after.values())
        except StateError as exc:  # the report is finished, and is worth more than its memory
            log.warning("status.unsaved", dataset=drift.name, reason=str(exc))

    def dated(item: DriftItem) -> DriftItem:
        if item.is_pending or not (remember or item.source_ref in before):
            return item
        one = after[item.source_ref]
        return replace(item, since=one.since, times=one.times)

    calls = suspects(memory.foreign_calls.of(drift.name), now) if drift.drifted else ()
    return replace(drift, items=tuple(map(dated, drift.items)), foreign_calls=calls)


def unseen(plan: DatasetPlan) -> DatasetDrift:
    """Return the drift of a dataset that could not be observed: unknown, with the reason."""
    return DatasetDrift(
        name=plan.name,
        arn=plan.arn,
        mode=plan.mode,
        errors=plan.errors,
        complete=False,
        error_code=plan.exit_code,
    )


def _lost(desired: Desired, plan: DatasetPlan, context_of: each_dataset.Contexts) -> frozenset[str]:
    """
    Return the images that went with a dataset that was deleted, or deleted and recreated, outside git.

    A plan calls them new, as they are to the dataset of today. What was applied to this target is remembered
    under the ARN of the one of then.
    """
    if plan.counts.observed or not plan.changes:
        return frozenset()
    memory = context_of(desired).memory
    then = memory.applied_to(desired.name)
    if then is None or then == plan.arn or not _is_of(desired, then):
        return frozenset()
    return frozenset(memory.applied(desired.name, then, _refs(plan, Action.ADD)).entries)


def _is_of(desired: Desired, arn: str) -> bool:
    """Return whether a dataset of this ARN would be the one that is declared; a new target is a change in git."""
    target = desired.target
    parts = Arn.parse(arn)
    return (
        target.identity == parts.dataset
        and target.home_region in (None, parts.region)
        and target.home_account in (None, parts.account)
    )


def _describe_plan(desired: Desired, planned: Planned, lost: Collection[str] = ()) -> _Seen:
    """
    Describe what a plan shows.

    Args:
        lost: Images that were applied, and that AWS lost with their dataset.
    """
    if not planned.plan.was_computed:
        declared = replace(unseen(planned.plan), path=desired.loaded.origin)
        return _Seen(desired, declared, frozenset(), frozenset())
    plan = explained(planned.plan, planned.composer)
    if lost:
        changes = (replace(i, cause=Cause.DRIFT_REMOVED) if i.source_ref in lost else i for i in plan.changes)
        plan = replace(plan, changes=tuple(changes))
    tally = LabelTally()
    items = sorted(_items(plan, desired, planned.composer, tally), key=lambda item: item.source_ref)
    counts = plan.counts
    drift = DatasetDrift(
        name=plan.name,
        arn=plan.arn,
        mode=plan.mode,
        path=desired.loaded.origin,
        observed_at=planned.observation.at if planned.observation else None,
        items=tuple(items),
        coverage=Coverage(
            desired=counts.desired,
            observed=counts.observed,
            in_place=counts.unchanged + counts.ignored,
            managed=counts.desired - counts.add,
        ),
        labels=tally.balances(),
        errors=plan.errors,
        attributed=not any(item.cause is Cause.UNATTRIBUTED for item in plan.changes),
        complete=plan.complete,
        gap=plan.gap,
        error_code=plan.exit_code,
        observed=plan.observed,
        calls=plan.calls,
    )
    return _Seen(desired, drift, _refs(plan, Action.ADD), _refs(plan, Action.ORPHAN))


def _items(plan: DatasetPlan, desired: Desired, composer: Composer, tally: LabelTally) -> Iterator[DriftItem]:
    errored = dict(plan.errored)
    for number, change in enumerate(plan.changes, start=1):
        codes = errored.pop(change.source_ref, ()) or change.change.codes
        item = _item(change, composer, codes, tally, number)
        blank = plan.orphans is Orphans.BLANK and change.change.is_blank
        yield replace(item, acknowledged=BLANKED, settled=True) if blank else item
    for number, source_ref in enumerate(errored, start=len(plan.changes) + 1):
        yield _describe_marked(source_ref, errored[source_ref], desired, number)


def _item(
    change: PlannedChange, composer: Composer, codes: tuple[str, ...], tally: LabelTally, number: int
) -> DriftItem:
    seen = change.view or composer.view(change.change)
    if not change.cause.is_pending:
        tally.add(seen)
    return DriftItem(
        source_ref=change.source_ref,
        classes=classes(seen, errored=bool(codes)),
        cause=change.cause,
        origin=change.origin,
        fields=change.fields,
        codes=codes,
        withheld=change.withheld,
        view=seen if number <= MAX_VIEWS else None,
        lines=_lines(change, composer) if number <= WITH_LINES else None,
    )


def _lines(change: PlannedChange, composer: Composer) -> LineTexts:
    ours = composer.merged(change.change) if change.action is not Action.ORPHAN else None
    return LineTexts(_text(ours), _text(composer.observed(change.change)))


def _describe_marked(source_ref: str, codes: tuple[str, ...], desired: Desired, number: int) -> DriftItem:
    """Describe an image that is in place as desired, but that AWS marks with errors."""
    row = desired.index.row(source_ref)
    fields: Fields | None = None
    if row is not None and number <= MAX_VIEWS:
        fields = orjson.loads(desired.read(source_ref, desired.index.place(row)))
    return DriftItem(
        source_ref=source_ref,
        classes=(DriftClass.ERRORED,),
        cause=Cause.UNATTRIBUTED,
        origin=desired.origin_of_ref(source_ref),
        codes=codes,
        view=view_of(fields, fields) if fields is not None else None,
        lines=LineTexts(_text(fields), _text(fields)) if number <= WITH_LINES else None,
    )


def _text(fields: Fields | None) -> str | None:
    return canonical(fields).decode() if fields is not None else None


def _refs(plan: DatasetPlan, action: Action) -> frozenset[str]:
    return frozenset(change.source_ref for change in plan.changes if change.action is action)


def _leaks(seen: Sequence[_Seen]) -> dict[str, tuple[str, ...]]:
    """Find images that AWS holds in both datasets of a project: a training image cannot test the model."""
    found: dict[str, tuple[str, ...]] = {}
    for train, test in train_and_test(seen, lambda one: one.desired):
        if train.drift.observed_at is None or test.drift.observed_at is None:
            continue
        if test.is_as_desired and train.is_as_desired and test.desired.is_apart_from(train.desired):
            continue
        if both := tuple(sorted(train.observed & test.observed)):
            found[train.desired.name] = found[test.desired.name] = both
    return found
