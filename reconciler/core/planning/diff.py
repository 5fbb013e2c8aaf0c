"""
The differences between desired and observed entries, keyed by source-ref.

    desired   observed    change
    -------   --------    -------------------------------------------
    yes       no          add
    yes       different   update
    yes       the same    none
    no        yes         orphan: the API cannot delete one entry
    unusable  any         none: the desired content is unknown
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

import orjson
from msgspec import Struct

from reconciler.core.entries.entry import SOURCE_REF, digest
from reconciler.core.entries.index import Place
from reconciler.core.entries.lines import Line


class Action(StrEnum):
    ADD = "add"  # desired, not observed
    UPDATE = "update"  # in both, with different content
    ORPHAN = "orphan"  # observed, not desired


def blank(source_ref: str) -> bytes:
    """
    Return a line without labels, which training ignores.

    The API cannot delete an entry; this is the closest an update gets. The line is its own canonical text.
    """
    return orjson.dumps({SOURCE_REF: source_ref})


def place_of(line: Line) -> Place:
    """Return the place of a listed line. A listing is stored in one file."""
    raw, offset, number = line
    return Place(0, offset, len(raw), number)


class Change(Struct, frozen=True):
    """
    One source-ref whose desired and observed entries differ.

    Attributes:
        desired: Place of the desired line; None for an orphan.
        observed: Place of the observed line; None for an add.
        before: Exact digest of the observed entry; None for an add.
        after: Exact digest of the desired entry; None for an orphan, and for an add until it is read.
        codes: Codes in the error lists that the service attached to an orphan.
    """

    action: Action
    source_ref: str
    desired: Place | None
    observed: Place | None
    before: bytes | None = None
    after: bytes | None = None
    codes: tuple[str, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Return whether this is an orphan that has only a source-ref."""
        return self.action is Action.ORPHAN and self.before == digest(blank(self.source_ref))


class Diff(Struct, frozen=True):
    """
    All changes, ordered by source-ref.

    Attributes:
        desired: Number of usable desired entries.
        observed: Number of listed entries that name an image.
        unchanged: Number of entries that are equal on both sides.
        ignored: Entries that differ only in fields that the policy ignores: source-ref, exact digest of the
            desired entry, exact digest of the observed entry.
        errored: Desired entries to which the service attached error lists, with their codes.
        others: Observed lines that are in no change, and that a later comparison needs: of errored entries, and
            of entries whose desired line is unusable.
    """

    changes: tuple[Change, ...]
    desired: int
    observed: int
    unchanged: int
    ignored: tuple[tuple[str, bytes, bytes], ...]
    errored: tuple[tuple[str, tuple[str, ...]], ...]
    others: tuple[tuple[str, Place], ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Return whether exactly the desired entries were observed, unchanged and without an error list."""
        differs = self.changes or self.ignored or self.errored or self.others
        return not differs and self.desired == self.observed == self.unchanged

    def count(self, action: Action) -> int:
        return sum(change.action is action for change in self.changes)

    def updated(self, touched: Collection[str], seen: Diff) -> Diff:
        """
        Return this diff, updated by a new observation of some of its changes.

        Args:
            touched: Source-refs of changes in this diff.
            seen: The result of `compare_some` for exactly these source-refs.
        """
        again = [change for change in self.changes if change.source_ref in touched]
        rest = (change for change in self.changes if change.source_ref not in touched)
        errored = (entry for entry in self.errored if entry[0] not in touched)
        return Diff(
            changes=tuple(sorted((*rest, *seen.changes), key=lambda change: change.source_ref)),
            desired=self.desired,
            observed=self.observed - sum(c.action is not Action.ADD for c in again) + seen.observed,
            unchanged=self.unchanged + seen.unchanged,
            ignored=(*self.ignored, *seen.ignored),
            errored=tuple(sorted((*errored, *seen.errored))),
            others=(*(entry for entry in self.others if entry[0] not in touched), *seen.others),
        )
