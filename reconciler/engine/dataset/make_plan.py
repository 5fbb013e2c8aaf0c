"""Make the plan for a diff: decide about each change, and compose the line that would be sent. No call to AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import orjson
from msgspec import Struct, field, structs
from msgspec.structs import replace

from reconciler.core.drift.report import classes
from reconciler.core.entries.entry import Fields, canonical, digest
from reconciler.core.entries.equality import encode, field_changes
from reconciler.core.entries.image_view import ImageView, view_of
from reconciler.core.entries.observed_line import parse_observed
from reconciler.core.images.report import ImageProblems, with_images
from reconciler.core.planning import guard
from reconciler.core.planning.calls import pack, payload
from reconciler.core.planning.cause import NOTHING_APPLIED, Base, Cause, cause
from reconciler.core.planning.diff import Action, Change, Diff, blank
from reconciler.core.planning.plan import DatasetPlan, PlannedChange, counts_of, errors_of
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.planning.withholding import ChangeSelection, Traits, Withheld, withheld
from reconciler.core.runtime.quotas import MAX_UPDATE_BYTES
from reconciler.core.spec.choices import Orphans
from reconciler.core.spec.policy import closure
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import Listing
from reconciler.engine.dataset.observe import Observation
from reconciler.errors import PlanOutdated

# Most fields that a proposed ignore rule names; a line that differs in more wants a person.
RULE_PATHS: Final = 5


class PlanMemory(Struct, frozen=True):
    """
    The memory of a dataset that its plan needs.

    Attributes:
        base: What was last applied.
        quarantine: Lines that are not sent for now, or sent with care.
        now: Seconds since the epoch; 0 if no time is known, so that no change window is considered.
        images: Returns the problems of the images of some source-refs; None if images are not checked.
    """

    base: Base = NOTHING_APPLIED
    quarantine: Mapping[str, Quarantined] = field(default_factory=lambda: MappingProxyType({}))
    now: float = 0.0
    images: ImageProblems | None = None


NOTHING_KNOWN: Final = PlanMemory()


def make_plan(
    desired: Desired, arn: str | None, diff: Diff, composer: Composer, known: PlanMemory
) -> DatasetPlan:
    """Decide which changes an apply sends to one dataset, and why it leaves the others."""
    closed = None if desired.overrides.allow_frozen else closure(desired.policy, known.now)
    certain = known.base.known or diff.observed == 0
    spoken_for = (c for c in diff.changes if not (desired.partial and c.action is Action.ORPHAN))
    errored = dict(diff.errored)
    select = partial(is_selected, desired.overrides.selection, composer=composer, errored=errored)
    weigh = partial(withheld, desired.policy, released=desired.overrides.released, closed=closed)
    changes = tuple(
        _planned_change(change, desired, composer, known, certain, weigh, select) for change in spoken_for
    )
    changes = with_images(changes, desired.policy.images, known.images)
    sent = [item for item in changes if item.sent is not None]
    sent.sort(key=lambda item: item.source_ref in known.quarantine)  # what has failed before goes last
    return DatasetPlan(
        name=desired.name,
        arn=arn,
        mode=desired.policy.mode,
        counts=counts_of(diff)._replace(orphan=sum(item.action is Action.ORPHAN for item in changes)),
        changes=changes,
        batches=pack([(item, item.size) for item in sent], MAX_UPDATE_BYTES),
        guards=guards_of(desired, arn, diff, sent),
        errors=errors_of(desired.errors),
        errored=marked(diff, desired),
        orphans=desired.policy.orphans,
        complete=not desired.has_errors,
        exit_code=desired.exit_code,
        closed=closed,
        is_of_backup=desired.partial,
    )


def marked(diff: Diff, desired: Desired) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the entries that need no change, but that the service marks with error codes."""
    if desired.policy.orphans is not Orphans.BLANK:
        return diff.errored
    orphans = (
        (change.source_ref, change.codes) for change in diff.changes if change.codes and change.is_blank
    )
    return tuple(sorted((*diff.errored, *orphans)))


def payload_of(items: Iterable[PlannedChange], composer: Composer) -> bytes:
    """
    Return the payload of one update, exactly as planned.

    Raises:
        PlanOutdated: A spec file has changed since it was planned.
    """
    return payload(map(partial(_as_planned, composer), items))


def _as_planned(composer: Composer, item: PlannedChange) -> bytes:
    line = composer.line(item.change)
    if digest(line) != item.sent:
        raise PlanOutdated(f"{item.origin}: changed since it was planned")
    return line


def is_selected(
    selection: ChangeSelection, item: PlannedChange, composer: Composer, errored: Container[str]
) -> bool:
    """
    Return whether the selection of a command includes a change.

    Args:
        errored: Source-refs of desired entries that the service marks with errors.
    """

    def traits() -> Traits:
        seen = composer.view(item.change)
        found = classes(seen, errored=item.source_ref in errored)
        return Traits({item.action, item.cause, *found}, seen.labels)

    return selection.takes(item.source_ref, traits)


def _planned_change(
    change: Change,
    desired: Desired,
    composer: Composer,
    known: PlanMemory,
    certain: bool,
    weigh: Callable[[Action, Cause], Withheld | None],
    select: Callable[[PlannedChange], bool],
) -> PlannedChange:
    fields = None
    if change.after is None and (fields := composer.desired(change)) is not None:
        change = structs.replace(change, after=digest(canonical(fields)))
    applied = known.base.entries.get(change.source_ref)
    why = cause(change.action, applied, change.after, change.before, new_is_certain=certain)
    origin = desired.origin_of(change.desired) if change.desired else None
    item = PlannedChange(change, why, origin, None, reverts=why.is_drift)
    if _is_left(change, desired):
        return item
    if reason := weigh(change.action, why):
        return replace(item, withheld=reason)
    if not select(item):
        return replace(item, withheld=Withheld.NOT_SELECTED)
    line = composer.line(change, fields)
    sent = digest(line)
    quarantined = known.quarantine.get(change.source_ref)
    if quarantined is not None and quarantined.applies_to(sent, known.now):
        return replace(item, quarantined=_with_the_rule(quarantined, change, composer))
    blanked_before = change.action is Action.ORPHAN and applied is not None and applied.desired == sent
    return replace(item, sent=sent, size=len(line), reverts=item.reverts or blanked_before)


def _with_the_rule(quarantined: Quarantined, change: Change, composer: Composer) -> Quarantined:
    """Add the ignore rule that would settle it to the quarantine of a line that the service rewrites."""
    before = composer.observed(change)
    if quarantined.kind is not QuarantineReason.REWRITTEN_BY_SERVICE or before is None:
        return quarantined
    paths = [field.path for field in field_changes(before, composer.merged(change))]
    rule = json.dumps({"paths": paths[:RULE_PATHS], "match": change.source_ref}, ensure_ascii=False)
    return quarantined._replace(reason=f"{quarantined.reason}: spec.ignore: [{rule}]")


def _is_left(change: Change, desired: Desired) -> bool:
    """
    Return whether an orphan is left alone whatever the policy says.

    It is blank already; or a line of the specs cannot be read, and this may be the image it was about.
    """
    return change.action is Action.ORPHAN and (change.is_blank or desired.has_errors)


def guards_of(
    desired: Desired, arn: str | None, diff: Diff, changes: Iterable[PlannedChange]
) -> tuple[guard.Guard, ...]:
    """Return every reason not to carry out these changes."""
    items = list(changes)
    added = {item.source_ref for item in items if item.action is Action.ADD}
    overwritten = [item.source_ref for item in items if item.action is not Action.ADD]
    sizes = guard.Sizes(diff.desired, diff.observed, len(added))
    return (
        *guard.account(desired.target.account_id, arn),
        *guard.check(sizes, overwritten, desired.limits),
        *_leakage(desired, added),
    )


def _leakage(desired: Desired, added: Collection[str]) -> tuple[guard.Guard, ...]:
    if desired.overrides.allow_leakage:
        return ()
    names = [partner.name for partner in desired.loaded.partners]
    return guard.leakage(len(added), desired.shared(added), names, desired.limits)


class Composer:
    """
    Reads the lines that a plan is about, one at a time.

    Args:
        listing: The observed lines; None where nothing was observed.
    """

    def __init__(self, desired: Desired, listing: Listing | None) -> None:
        self._desired = desired
        self._listing = listing

    def desired(self, change: Change) -> Fields | None:
        if change.desired is None:
            return None
        fields: Fields = orjson.loads(self._desired.read(change.source_ref, change.desired))
        return fields

    def observed(self, change: Change) -> Fields | None:
        raw = self.before(change)
        return None if raw is None else parse_observed(raw)

    def merged(self, change: Change) -> Fields:
        """
        Return the entry as it is sent: the desired one, ignored fields as observed.

        Raises:
            ValueError: The change has no desired side.
        """
        desired = self.desired(change)
        if desired is None:
            raise ValueError(f"{change.source_ref}: an {change.action} is not sent")
        return self._merge(change, desired)

    def view(self, change: Change) -> ImageView:
        """Return both sides of the image: the desired one as it is sent."""
        return view_of(None if change.desired is None else self.merged(change), self.observed(change))

    def line(self, change: Change, desired: Fields | None = None) -> bytes:
        """
        Return the line that carries a change out: for an orphan, the blank one.

        Args:
            desired: The desired entry where it has been read already.
        """
        if change.action is Action.ORPHAN:
            return blank(change.source_ref)
        return encode(self.merged(change) if desired is None else self._merge(change, desired))

    def _merge(self, change: Change, desired: Fields) -> Fields:
        equality = self._desired.equality
        return equality.merged(desired, self.observed(change) if equality.ignore else None)

    def before(self, change: Change) -> bytes | None:
        """Return the observed line, as it was listed; None where nothing was."""
        if change.observed is None or self._listing is None:
            return None
        return self._listing.read(change.observed)


NOTHING: Final = Diff((), 0, 0, 0, (), ())


class Planned(Struct, frozen=True):
    """
    A plan, and the means to read the lines that it is about until it is closed.

    Attributes:
        diff: What the plan is made from.
        observation: What was observed; None where there was no dataset to observe.
    """

    plan: DatasetPlan
    composer: Composer
    diff: Diff = NOTHING
    observation: Observation | None = None

    def close(self) -> None:
        if self.observation is not None:
            self.observation.listing.close()
