"""Explain one image: what git desires, what was applied, what AWS holds, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.entries.entry import Fields
from reconciler.core.entries.equality import Equality, FieldChange, field_changes
from reconciler.core.entries.image_view import ImageView
from reconciler.core.entries.pattern import text_of
from reconciler.core.planning.cause import Applied, Cause
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.core.planning.plan import PlanError
    from reconciler.core.planning.quarantine import Quarantined


class ExplanationVerdict(StrEnum):
    """The state of one image in one dataset."""

    IN_PLACE = "in_place"  # AWS holds what git desires, under the policy
    DRIFTED = "drifted"  # AWS differs from what was applied, or the difference is unattributed
    PENDING = "pending"  # only git changed: an apply is due
    UNMANAGED = "unmanaged"  # AWS holds it, and no spec desires it
    UNUSABLE = "unusable"  # its line in git cannot be used
    UNKNOWN = "unknown"  # AWS could not be observed
    NOWHERE = "nowhere"  # neither in git nor in AWS


class Ignored(NamedTuple):
    """
    One difference that the policy ignores.

    Attributes:
        rule: The name of the ignore rule, or ``compare: labels``.
    """

    field: FieldChange
    rule: str


class PastUpdate(NamedTuple):
    """
    One past update that contained the image.

    Attributes:
        begun_at: Seconds since the epoch.
        entries: Number of images in the update.
        result: How it ended; None if that was not recorded.
    """

    begun_at: float
    entries: int
    result: str | None


class Blame(NamedTuple):
    """The last commit that changed a line; ``at`` is in seconds since the epoch."""

    commit: str
    author: str
    at: float
    summary: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    The explanation of one image in one dataset.

    Attributes:
        origins: Every place in git that names it; more than one is an error.
        problems: Validation problems of its lines.
        desired: The entry in git; None if there is none, or none that is usable.
        observed: The entry as AWS lists it, with what the service added.
        was_observed: Whether AWS was observed at all.
        applied: Digests last verified in place; None if there is no record of that.
        remembers: Whether there is any record of what was applied to the dataset.
        applied_at: When the dataset was last applied, as recorded.
        fields: Differing fields, from observed to desired.
        view: Both sides of the image, the desired one as it would be sent; None if it is on one side only.
        ignored: Differences that the policy ignores.
        past: Updates that contained it, oldest first.
    """

    dataset: str
    arn: str | None
    verdict: ExplanationVerdict
    cause: Cause | None = None
    origins: tuple[Origin, ...] = ()
    problems: tuple[Problem, ...] = ()
    desired: Fields | None = None
    observed: Fields | None = None
    was_observed: bool = False
    applied: Applied | None = None
    remembers: bool = False
    applied_at: str | None = None
    fields: tuple[FieldChange, ...] = ()
    view: ImageView | None = None
    ignored: tuple[Ignored, ...] = ()
    codes: tuple[str, ...] = ()
    quarantined: Quarantined | None = None
    past: tuple[PastUpdate, ...] = ()
    errors: tuple[PlanError, ...] = ()
    error_code: Exit = Exit.DONE


def differences(
    desired: Fields, observed: Fields, equality: Equality
) -> tuple[tuple[FieldChange, ...], tuple[Ignored, ...]]:
    """Return the differences that count, and those that the policy ignores."""
    everything = field_changes(observed, desired)
    if equality.text(desired) == equality.text(observed):
        counting: tuple[FieldChange, ...] = ()
    else:
        counting = field_changes(observed, equality.merged(desired, observed))
    known = {field.path for field in counting}
    sides = (desired, observed)
    rules = {text_of(place): name for side in sides for place, name in equality.ignored(side).items()}
    ignored = (
        Ignored(
            field, next((rules[place] for place in rules if _covers(place, field.path)), "compare: labels")
        )
        for field in everything
        if field.path not in known
    )
    return counting, tuple(ignored)


def _covers(place: str, path: str) -> bool:
    return path == place or path.startswith(f"{place}/")
