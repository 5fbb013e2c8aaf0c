"""The words for a plan, for causes and for quarantine: the same in every report that people read."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from reconciler.core.planning.calls import Observed
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import Creation, DatasetPlan, PlannedChange
from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.planning.withholding import ChangeSelection
from reconciler.core.spec.choices import Mode, Orphans
from reconciler.reports.visible import counted, lasting, size

_MINUTE: Final = 60.0

CAUSES: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        Cause.SPEC_ADDED: "new in git",
        Cause.SPEC_CHANGED: "changed in git",
        Cause.DRIFT_MODIFIED: "changed in AWS since the last apply",
        Cause.DRIFT_REMOVED: "removed from AWS since the last apply",
        Cause.CONFLICT: "changed both in git and in AWS since the last apply",
        Cause.UNATTRIBUTED: "unknown which side changed",
        Cause.ORPHAN: "not in the specs; AWS cannot delete a single entry",
    }
)

QUARANTINE_REASONS: Final[Mapping[QuarantineReason, str]] = MappingProxyType(
    {
        QuarantineReason.ISOLATED: "an update with only this entry failed",
        QuarantineReason.UNRESOLVED_GROUP: "part of the smallest group of entries whose update fails",
        QuarantineReason.DROPPED: "AWS accepts it and then drops it",
        QuarantineReason.REWRITTEN_BY_SERVICE: "AWS changes it each time it is sent",
        QuarantineReason.FLAPPING: "another writer keeps changing it back",
    }
)

# Their reasons are ours, and end with the words that would settle it; the others quote the service at any length.
SETTLED_BY_WORDS: Final = frozenset({QuarantineReason.REWRITTEN_BY_SERVICE, QuarantineReason.FLAPPING})

REPORTED: Final = "reported"
BLANKED: Final = "blanked"
BLANK: Final = "blank already"
NOT_SELECTED: Final = "not selected"

SIGILS: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.ADD: "+",
        Action.UPDATE: "~",
        Action.ORPHAN: "?",
    }
)


class Group(NamedTuple):
    """
    Changes of one kind and one cause.

    Attributes:
        withheld: The reason why they are not sent; None where an apply would send them, and where they are not
            selected.
        is_selected: Whether the selection of the plan takes them.
        disposition: What becomes of orphans; "" for other changes.
    """

    action: Action
    cause: Cause
    withheld: str | None
    disposition: str
    is_selected: bool
    items: tuple[PlannedChange, ...]
    is_of_backup: bool = False

    @property
    def selected(self) -> tuple[PlannedChange, ...]:
        """Return the changes that are listed for people: those that are not selected are only counted."""
        return self.items if self.is_selected else ()

    @property
    def heading(self) -> str:
        number = len(self.items)
        match self.action:
            case Action.ORPHAN:
                what = counted(number, "orphan") + (
                    f" ({self.disposition})" if self.disposition != REPORTED else ""
                )
            case action:
                sent = NOT_SELECTED if not self.is_selected else f"to {action.value}"
                what = f"{number:,} {'not sent' if self.withheld else sent}"
        why = "other than in the backup" if self.is_of_backup else CAUSES[self.cause]
        return f"{what}: {why}" + (f" ({self.withheld})" if self.withheld else "")


def groups(plan: DatasetPlan) -> tuple[Group, ...]:
    """Group the changes by action, cause and whether they are sent; each group keeps their order."""
    found: dict[tuple[Action, Cause, str | None, str, bool], list[PlannedChange]] = defaultdict(list)
    for item in plan.changes:
        taken = not item.is_not_selected
        found[item.action, item.cause, _withheld(item), disposition(plan, item), taken].append(item)
    actions, causes = list(Action), list(Cause)
    ordered = sorted(
        found,
        key=lambda key: (not key[4], actions.index(key[0]), causes.index(key[1]), key[2] or "", key[3]),
    )
    return tuple(Group(*key, tuple(found[key]), plan.is_of_backup) for key in ordered)


def disposition(plan: DatasetPlan, item: PlannedChange) -> str:
    """Return the treatment of an orphan in words; empty for any other change."""
    if item.action is not Action.ORPHAN:
        return ""
    if item.sent is not None:
        return BLANKED
    if item.is_not_selected or item.is_postponed:
        return NOT_SELECTED if item.is_not_selected else f"not blanked: policy {item.withheld}"
    if plan.orphans is Orphans.REBUILD:
        return "reported; rebuild removes them"
    return BLANK if plan.orphans is Orphans.BLANK and item.change.is_blank else REPORTED


class Tally(NamedTuple):
    """
    How many entries of each kind, as an apply would treat them.

    Attributes:
        orphan: All orphans.
        blanked: How many of them an apply blanks.
        blank: How many of them are blank already, and should be.
        not_selected: Adds and updates that are not selected.
        unblanked: How many orphans are not blanked because they are not selected.
    """

    add: int
    update: int
    withheld: int
    orphan: int
    ignored: int
    unchanged: int
    blanked: int = 0
    blank: int = 0
    not_selected: int = 0
    unblanked: int = 0

    def __str__(self) -> str:
        parts = [f"{self.add:,} to add", f"{self.update:,} to update"]
        if self.withheld:
            parts.append(f"{self.withheld:,} not sent")
        if self.not_selected:
            parts.append(f"{self.not_selected:,} {NOT_SELECTED}")
        if self.blanked:
            parts.append(f"{counted(self.blanked, 'orphan')} (blanked)")
        if self.blank:
            parts.append(f"{counted(self.blank, 'orphan')} (blank already)")
        if self.unblanked:
            parts.append(f"{counted(self.unblanked, 'orphan')} ({NOT_SELECTED})")
        if reported := self.orphan - self.blanked - self.blank - self.unblanked:
            parts.append(f"{counted(reported, 'orphan')} (reported)")
        if self.ignored:
            parts.append(f"{self.ignored:,} different only in what the policy ignores")
        parts.append(f"{self.unchanged:,} unchanged")
        return ", ".join(parts)


def tally(plan: DatasetPlan) -> Tally:
    """Count the changes of a plan; a withheld or unselected change counts only as such."""
    withheld = Counter(item.action for item in plan.changes if _withheld(item))
    left = Counter(item.action for item in plan.changes if item.is_not_selected)
    dispositions = Counter(disposition(plan, item) for item in plan.changes)
    counts = plan.counts
    return Tally(
        add=counts.add - withheld[Action.ADD] - left[Action.ADD],
        update=counts.update - withheld[Action.UPDATE] - left[Action.UPDATE],
        withheld=withheld.total(),
        orphan=counts.orphan - withheld[Action.ORPHAN],
        ignored=counts.ignored,
        unchanged=counts.unchanged,
        blanked=dispositions[BLANKED],
        blank=dispositions[BLANK],
        not_selected=left[Action.ADD] + left[Action.UPDATE],
        unblanked=left[Action.ORPHAN],
    )


def total(plans: Iterable[DatasetPlan]) -> Tally:
    """Add up several plans."""
    rows = [Tally(0, 0, 0, 0, 0, 0), *map(tally, plans)]
    return Tally(*map(sum, zip(*rows, strict=True)))


def calls(plans: Iterable[DatasetPlan]) -> str:
    """Return the number and the size of the updates: ``2 update calls of 6.3 MB``."""
    sizes = [batch.size for plan in plans for batch in plan.batches]
    return f"{counted(len(sizes), 'update call')} of {size(sum(sizes))}" if sizes else "nothing to send"


def age(observed: Observed | None) -> str | None:
    """Return how old the listing is that an observation relies on; None if it was made a moment ago."""
    if observed is None or observed.at - observed.scanned_at < _MINUTE:
        return None
    return f"Nothing changed in AWS since it was listed {lasting(observed.at - observed.scanned_at)} ago."


def effort(plan: DatasetPlan) -> str | None:
    """Return the calls and the time of applying a plan and proving it; None if that is less than a minute."""
    seconds, number = plan.calls.forecast_seconds, sum(plan.calls.forecast.values())
    if seconds < _MINUTE:
        return None
    return f"Applying and proving it takes {number:,} calls or more: {lasting(seconds)} at 5 calls a second."


def in_place(plan: DatasetPlan) -> bool:
    """Return whether everything desired was observed as desired, and nothing else was observed."""
    certain = plan.complete and plan.gap is None
    return certain and not (plan.changes or plan.errors or plan.errored or plan.guards)


def summary(plan: DatasetPlan) -> str:
    """Return in one sentence what an apply would do."""
    counts = plan.counts
    if in_place(plan):
        apart = f", {counts.ignored:,} of them apart from what the policy ignores" if counts.ignored else ""
        return f"No changes: {counted(counts.desired, 'entry is', 'entries are')} as desired{apart}."
    if not plan.was_computed:
        return "No plan: the dataset could not be read."
    kind = "Plan" if plan.complete else "Incomplete plan"
    return f"{kind}: {tally(plan)}; {calls([plan])}."


def closed(plan: DatasetPlan) -> str | None:
    """Return why changes are withheld until the dataset opens; None if none is."""
    if plan.closed is None or (plan.arn and not any(item.is_postponed for item in plan.changes)):
        return None
    return f"Closed: {plan.closed.message}. With --allow-frozen, changes are sent all the same."


def whereabouts(plan: DatasetPlan) -> str:
    """Return the ARN of the dataset that was observed, and its mode."""
    if not (plan.arn or plan.was_computed):
        return "not observed"
    missing = "compared with a listing" if plan.counts.observed else "does not exist yet"
    return f"{plan.arn or missing}  mode {plan.mode.value}"


def creation(found: Creation) -> str:
    """Return in one sentence what an apply creates, and where."""
    dataset = f"the {found.dataset} dataset"
    what = f"project {found.project} and {dataset}" if found.project else dataset
    place = ", ".join(filter(None, [f"account {found.account}" if found.account else "", found.region]))
    return f"Apply creates {what} in {place}."


def headline(plan: DatasetPlan) -> str:
    """Return in a few words what an apply would do with this plan."""
    if not plan.was_computed:
        return "not planned"
    if in_place(plan):
        return "as desired"
    if plan.guards:
        return "blocked"
    if plan.mode is Mode.OBSERVE:
        return "observed only"
    text = "to be applied" if plan.batches else "nothing to send"
    return text if plan.complete else f"{text}, incomplete"


def _withheld(item: PlannedChange) -> str | None:
    """
    Return why a change is not sent.

    None for one that is sent, or not selected, and for an orphan, which has a disposition.
    """
    if item.quarantined is not None:
        return QUARANTINE_REASONS[item.quarantined.kind]
    if item.withheld is None or item.is_not_selected or item.action is Action.ORPHAN:
        return None
    return f"policy {item.withheld}"


def selection(selected: ChangeSelection) -> str:
    """Return what a plan is limited to, as flags to be copied: ``--source-ref 's3://b/x/**'``."""
    flags = (
        ("--source-ref", selected.source_refs),
        ("--class", selected.kinds),
        ("--label", selected.labels),
    )
    return " ".join(f"{flag} {shlex.quote(text)}" for flag, texts in flags for text in texts)
