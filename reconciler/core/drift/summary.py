"""Count what happened to each label over all images, one image at a time, keeping none of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.core.drift.boxes import BoxPair
from reconciler.core.drift.kinds import ImageView


class LabelBalance(NamedTuple):
    """
    What one label gained and lost outside git.

    Attributes:
        gained, lost: Number of times it was added or removed, as an image-level label or as that of a box.
        moved: Number of moved boxes with this label.
        mean_iou: Mean intersection over union of its moved boxes with the desired ones; None if none moved.
    """

    label: str
    gained: int = 0
    lost: int = 0
    moved: int = 0
    mean_iou: float | None = None


@dataclass(slots=True)
class _Row:
    gained: int = 0
    lost: int = 0
    moved: int = 0
    iou: float = 0.0


class Tally:
    """The running balance of all labels."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, _Row] = defaultdict(_Row)

    def add(self, seen: ImageView) -> None:
        """Count one image that differs between both sides."""
        for label in seen.labels_gained:
            self._rows[label].gained += 1
        for label in seen.labels_lost:
            self._rows[label].lost += 1
        for pair in seen.boxes:
            self._count(pair)

    def balances(self) -> tuple[LabelBalance, ...]:
        """Return the balance of every affected label, those with most changes first."""
        found = [
            LabelBalance(label, row.gained, row.lost, row.moved, row.iou / row.moved if row.moved else None)
            for label, row in self._rows.items()
        ]
        return tuple(sorted(found, key=lambda row: (-row.gained - row.lost - row.moved, row.label)))

    def _count(self, pair: BoxPair) -> None:
        if pair.is_same:
            return
        if pair.desired and pair.observed and not pair.is_relabelled:
            row = self._rows[pair.desired.label]
            row.moved += 1
            row.iou += pair.iou or 0.0
            return
        if pair.observed:
            self._rows[pair.observed.label].gained += 1
        if pair.desired:
            self._rows[pair.desired.label].lost += 1
