"""One image's whole story: what git says of it, what was applied, what AWS holds, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reconciler.core.entries.entry import Fields
from reconciler.core.entries.equality import Equality
from reconciler.core.entries.explain import FieldChange, explain
from reconciler.core.entries.pattern import places
from reconciler.core.planning.cause import Applied, Cause
from reconciler.core.planning.plan import PlanError
from reconciler.core.planning.quarantine import Quarantined
from reconciler.core.validation.problem import Origin, Problem


class ExplanationVerdict(StrEnum):
    """What can be said of one image in one dataset."""

    IN_PLACE = "in_place"  # AWS holds what git desires, as far as the policy looks
    DRIFTED = "drifted"  # AWS left what was applied, or nobody can tell who moved
    PENDING = "pending"  # git alone moved: an apply is due
    UNMANAGED = "unmanaged"  # AWS holds it, and no spec desires it
    UNUSABLE = "unusable"  # its line in git cannot be used
    UNKNOWN = "unknown"  # AWS could not be seen
    NOWHERE = "nowhere"  # neither git nor AWS knows it


class Ignored(NamedTuple):
    """
    One difference that does not count.

    Attributes:
        rule: The path of the ignore rule, or ``compare: labels``.
    """

    field: FieldChange
    rule: str


class Past(NamedTuple):
    """
    One update that the image was in.

    Attributes:
        begun_at: Seconds since the epoch.
        entries: How many images were in it.
        result: How it ended; None if nobody wrote that down.
    """

    begun_at: float
    entries: int
    result: str | None


class Blame(NamedTuple):
    """Who wrote a line last; ``at`` in seconds since the epoch."""

    commit: str
    author: str
    at: float
    summary: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    One image in one dataset.

    Attributes:
        origins: Every place in git that names it; more than one is an error.
        problems: What validation says of its lines.
        desired: As git says it; None if git does not, or not usably.
        observed: As AWS lists it, with what the service wrote into it.
        was_observed: Whether AWS was seen at all.
        applied: Digests of when it was last proven in place; None if it never was, or nobody remembers.
        remembers: Whether it is remembered at all what was applied to the dataset.
        applied_at: When the dataset was last applied, as it was recorded.
        fields: What differs, observed first.
        ignored: What differs and does not count.
        past: Updates it was in, oldest first.
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
    ignored: tuple[Ignored, ...] = ()
    codes: tuple[str, ...] = ()
    quarantined: Quarantined | None = None
    past: tuple[Past, ...] = ()
    errors: tuple[PlanError, ...] = ()
    error_code: int = 0


def differences(
    desired: Fields, observed: Fields, equality: Equality
) -> tuple[tuple[FieldChange, ...], tuple[Ignored, ...]]:
    """Return the differences that count, and those that do not."""
    everything = explain(observed, desired)
    if equality.text(desired) == equality.text(observed):
        counting: tuple[FieldChange, ...] = ()
    else:
        counting = explain(observed, equality.merged(desired, observed))
    known = {field.path for field in counting}
    rules = dict(_rules(desired, observed, equality))
    ignored = (
        Ignored(
            field, next((rules[place] for place in rules if _covers(place, field.path)), "compare: labels")
        )
        for field in everything
        if field.path not in known
    )
    return counting, tuple(ignored)


def _rules(desired: Fields, observed: Fields, equality: Equality) -> Iterator[tuple[str, str]]:
    """Give every place that is ignored, with the path of the rule that says so."""
    for rule in equality.rules(desired["source-ref"]):
        for path in rule.paths:
            for side in (desired, observed):
                yield from ((_path(place), _path(path)) for place in places(side, path))


def _covers(place: str, path: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _path(steps: tuple[str, ...]) -> str:
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)
