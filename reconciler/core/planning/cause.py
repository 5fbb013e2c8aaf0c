"""
Attribute each change to git, to AWS or to both, by a three-way comparison with the last verified apply.

    git differs from applied    AWS differs from applied    cause
    -------------------------   -------------------------   --------------------------------
    yes                         no                          spec_changed
    no                          yes                         drift_modified or drift_removed
    yes                         yes                         conflict
    no                          no                          spec_changed: the policy changed

Without an applied entry to compare with, the cause is unattributed. The exception is an entry that was never
applied and is absent from a dataset that is empty or whose applies are all on record: it was added in git.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

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
        """Return whether AWS changed."""
        return self in (Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED, Cause.CONFLICT)

    @property
    def is_pending(self) -> bool:
        """
        Return whether only git changed.

        An unattributed difference is not pending but counts as drift: calling it "pending" would invite an apply
        that overwrites work done in AWS.
        """
        return self in (Cause.SPEC_ADDED, Cause.SPEC_CHANGED)

    @property
    def asks_for_change(self) -> bool:
        """Return whether git may desire something new; otherwise the desired content was in place before."""
        return self not in (Cause.DRIFT_MODIFIED, Cause.DRIFT_REMOVED)


class Applied(NamedTuple):
    """Digests of one entry when it was last verified in place."""

    desired: bytes
    observed: bytes


class Base(Struct, frozen=True):
    """
    What was last applied to one dataset.

    Attributes:
        entries: By source-ref; entries that no change concerns may be missing.
        known: False if nothing was ever applied to this dataset, or the record of it is lost.
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
        applied: The digests last verified in place; None if there are none.
        desired, observed: Current exact digests of both sides; None for a missing entry.
        new_is_certain: Whether an entry without a recorded apply must be new: the dataset is empty, or
            everything ever applied to it is on record.
    """
    if action is Action.ORPHAN:
        return Cause.ORPHAN
    if applied is None:
        return Cause.SPEC_ADDED if action is Action.ADD and new_is_certain else Cause.UNATTRIBUTED
    git_changed, aws_changed = desired != applied.desired, observed != applied.observed
    if git_changed and aws_changed:
        return Cause.CONFLICT
    if aws_changed:
        return Cause.DRIFT_REMOVED if action is Action.ADD else Cause.DRIFT_MODIFIED
    return Cause.SPEC_CHANGED
