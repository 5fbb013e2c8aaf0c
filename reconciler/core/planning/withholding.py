"""The reasons why an apply does not carry out a change: the policy of the dataset, or the user's selection."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.core.entries.glob import Globs
from reconciler.core.entries.pattern import globs
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.spec.choices import ClosedBy, DriftClass, Mode, OnChange, OnDrift, Orphans

if TYPE_CHECKING:  # loads pydantic, and the help of plan and apply takes KINDS from here
    from reconciler.core.spec.policy import Closure, Policy


class Withheld(StrEnum):
    """The reason why an apply does not carry out a change: the policy, as a spec writes it, or the selection."""

    ON_DRIFT = "onDrift: report"
    CREATE_ONLY = "mode: create-only"
    ON_CHANGE = "onChange: plan"
    ORPHANS = "orphans: report"
    OBSERVE = "mode: observe"
    NOT_SELECTED = "not selected"
    FREEZE = "freeze"
    WINDOWS = "windows"
    IMAGES = "images: require"


def withheld(
    policy: Policy, action: Action, why: Cause, *, released: bool = False, closed: Closure | None = None
) -> Withheld | None:
    """
    Return the setting that withholds a change; None if an apply carries it out.

    ``onDrift: report`` withholds changes to drifted entries, even if git changed them too, and unattributed
    updates, which may be drift. The caller checks whether an orphan is already blank. Mode observe
    is not considered: its plan shows what is needed.

    Args:
        released: Whether a person runs the apply, which is what ``onChange: plan`` waits for.
        closed: Why the dataset is closed now; None if it is open.
    """
    if action is Action.ORPHAN and policy.orphans is not Orphans.BLANK:
        return Withheld.ORPHANS
    may_be_work = why.is_drift or (why is Cause.UNATTRIBUTED and action is Action.UPDATE)
    if may_be_work and policy.on_drift is OnDrift.REPORT:
        return Withheld.ON_DRIFT
    if policy.mode is Mode.CREATE_ONLY and action is not Action.ADD:
        return Withheld.CREATE_ONLY
    if policy.on_change is OnChange.PLAN and why.asks_for_change and not released:
        return Withheld.ON_CHANGE
    if closed is not None:  # last: the other settings hold on when the dataset opens
        return Withheld.FREEZE if closed.by is ClosedBy.FREEZE else Withheld.WINDOWS
    return None


KINDS: Final = tuple(dict.fromkeys(kind.value for kind in (*DriftClass, *Action, *Cause)))
"""What a change can be selected by: a class as in drift/v1, an action or a cause as in plan/v1."""


class Traits(NamedTuple):
    """
    What a change is selected by, beside its image.

    Attributes:
        kinds: Those of `KINDS` that it is.
        labels: Labels of the image and of its boxes, on either side: gained, lost or kept.
    """

    kinds: Collection[str]
    labels: Collection[str]


@dataclass(frozen=True)
class ChangeSelection:
    """
    Which changes a command carries out. A part that is empty selects all.

    Changes that are not selected are left alone, and counted as not selected.

    Attributes:
        kinds: Of `KINDS`; a change is one of them.
        labels: Globs; one of them matches a label of the change.
        source_refs: Globs over whole source-refs; one of them matches.
    """

    kinds: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    source_refs: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything may be left out."""
        return bool(self.kinds or self.labels or self.source_refs)

    def unmatched(self, source_refs: Collection[str]) -> tuple[str, ...]:
        """Return the globs over source-refs that match none of these."""
        found = {number for ref in source_refs for number in self._source_refs.which(ref)}
        return tuple(text for number, text in enumerate(self.source_refs) if number not in found)

    def takes(self, source_ref: str, traits: Callable[[], Traits]) -> bool:
        """
        Return whether a change is selected.

        Args:
            traits: Called only if they matter; they have to be read.
        """
        if self.source_refs and not self._source_refs.match(source_ref):
            return False
        if not (self.kinds or self.labels):
            return True
        found = traits()
        return (not self.kinds or not set(self.kinds).isdisjoint(found.kinds)) and (
            not self.labels or any(map(self._labels.match, found.labels))
        )

    @cached_property
    def _labels(self) -> Globs:
        return globs(self.labels)

    @cached_property
    def _source_refs(self) -> Globs:
        return globs(self.source_refs)


ALL_CHANGES: Final = ChangeSelection()
