"""
Did git move, or AWS, or both? A three-way comparison with what was last applied and proven.

    git left what was applied   AWS left what was applied   cause
    -------------------------   -------------------------   --------------------------------
    yes                         no                          spec_changed
    no                          yes                         drift_modified or drift_removed
    yes                         yes                         conflict
    no                          no                          spec_changed: the policy moved

Without something that was applied nobody can tell: the cause is unattributed, except that an entry which
was never applied to a dataset that we know, or to an empty one, was added in git.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reconciler.core.planning.diff import Action


class Cause(StrEnum):
    SPEC_ADDED = "spec_added"
    SPEC_CHANGED = "spec_changed"
    DRIFT_MODIFIED = "drift_modified"
    DRIFT_REMOVED = "drift_removed"
    CONFLICT = "conflict"
    UNATTRIBUTED = "unattributed"
    ORPHAN = "orphan"

    @property
    def is_drift(self) -> bool:
        """Tell whether AWS moved."""
        return self in (Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED, Cause.CONFLICT)


class Applied(NamedTuple):
    """Digests of one entry when it was last proven to be in place."""

    desired: bytes
    observed: bytes


@dataclass(frozen=True, slots=True)
class Base:
    """
    What was last applied to one dataset.

    Attributes:
        entries: By source-ref; only those that a change may be about need to be here.
        known: False if nothing was ever applied to this dataset, or the memory of it is lost.
    """

    entries: Mapping[str, Applied]
    known: bool


NOTHING_APPLIED = Base({}, known=False)


def cause(
    action: Action,
    applied: Applied | None,
    desired: bytes | None,
    observed: bytes | None,
    *,
    new_is_certain: bool,
) -> Cause:
    """
    Attribute one change.

    Args:
        applied: What was last proven in place; None if never.
        desired, observed: Exact digests of both sides now; None where there is no entry.
        new_is_certain: Whether an entry that was never applied can only be new: the dataset is
            empty, or everything that was ever applied to it is remembered.
    """
    if action is Action.ORPHAN:
        return Cause.ORPHAN
    if applied is None:
        return Cause.SPEC_ADDED if action is Action.ADD and new_is_certain else Cause.UNATTRIBUTED
    git_moved, aws_moved = desired != applied.desired, observed != applied.observed
    if git_moved and aws_moved:
        return Cause.CONFLICT
    if aws_moved:
        return Cause.DRIFT_REMOVED if action is Action.ADD else Cause.DRIFT_MODIFIED
    return Cause.SPEC_CHANGED
