"""Classify the difference between the desired and the observed content of one image, and count it by label."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple

from reconciler.core.drift.boxes import BoxPair, pair_boxes
from reconciler.core.entries.entry import Fields
from reconciler.core.entries.training_view import Meaning, meaning
from reconciler.core.spec.choices import DriftClass


@dataclass(frozen=True, slots=True)
class ImageView:
    """
    The labels and boxes of one image on both sides.

    Attributes:
        desired: None if git does not desire the image.
        observed: None if AWS does not hold the image.
        boxes: All boxes of both sides, paired.
    """

    desired: Meaning | None
    observed: Meaning | None
    boxes: tuple[BoxPair, ...]

    @property
    def labels_lost(self) -> tuple[str, ...]:
        """Image-level labels that git desires and AWS does not hold."""
        return _only_in(self.desired, self.observed)

    @property
    def labels_gained(self) -> tuple[str, ...]:
        """Image-level labels that AWS holds and git does not desire."""
        return _only_in(self.observed, self.desired)

    @property
    def labels_kept(self) -> tuple[str, ...]:
        if self.desired is None or self.observed is None:
            return ()
        return tuple(label for label in self.desired.labels if label in self.observed.labels)

    @property
    def relabellings(self) -> tuple[tuple[str, str], ...]:
        """
        What became what, from git to AWS: sorted pairs of labels, each once, of boxes and of the whole image.

        Of the whole image, each label that it lost is paired with each that it gained.
        """
        boxes = {
            (pair.desired.label, pair.observed.label)
            for pair in self.boxes
            if pair.desired and pair.observed and pair.is_relabelled
        }
        return tuple(sorted(boxes | set(product(self.labels_lost, self.labels_gained))))

    @property
    def lowest_iou(self) -> float | None:
        """Return the lowest intersection over union of its moved boxes; None if none moved."""
        return min((pair.iou or 0.0 for pair in self.boxes if pair.is_moved), default=None)

    @property
    def turned(self) -> ImageView:
        """Return it with both sides swapped."""
        return ImageView(self.observed, self.desired, tuple(pair.turned for pair in self.boxes))

    @property
    def size(self) -> tuple[float, float] | None:
        """Width and height of the image in pixels; None if neither side states them."""
        for side in (self.desired, self.observed):
            if side is not None and side.sizes:
                return side.sizes[0]
        return None

    @property
    def labels(self) -> frozenset[str]:
        """All labels on either side, of the image or of a box."""
        sides = [side for side in (self.desired, self.observed) if side is not None]
        return frozenset(
            label for side in sides for label in (*side.labels, *(box.label for box in side.boxes))
        )


def view_of(desired: Fields | None, observed: Fields | None) -> ImageView:
    """
    Read both sides of one image.

    Args:
        desired: The entry as it would be sent, with ignored fields as observed.
    """
    ours = meaning(desired) if desired is not None else None
    theirs = meaning(observed) if observed is not None else None
    boxes = pair_boxes(ours.boxes if ours else (), theirs.boxes if theirs else ())
    return ImageView(ours, theirs, boxes)


def classes(seen: ImageView, *, errored: bool) -> tuple[DriftClass, ...]:
    """
    Classify one image that is known to differ or to be errored.

    Returns:
        At least one class, in the order of `DriftClass`. An image on one side only has exactly one class.
    """
    if seen.observed is None:
        return (DriftClass.MISSING,)
    if seen.desired is None:
        return (DriftClass.UNMANAGED,)
    found = {kind for kind, holds in _TESTS.items() if any(map(holds, seen.boxes))}
    if seen.labels_lost or seen.labels_gained:
        found.add(DriftClass.RELABELLED)
    if errored:
        found.add(DriftClass.ERRORED)
    return tuple(kind for kind in DriftClass if kind in found) or (DriftClass.METADATA_ONLY,)


_TESTS: Final = {
    DriftClass.RELABELLED: lambda pair: pair.is_relabelled,
    DriftClass.BOX_MOVED: lambda pair: pair.is_moved,
    DriftClass.BOX_ADDED: lambda pair: pair.desired is None,
    DriftClass.BOX_REMOVED: lambda pair: pair.observed is None,
}


def _only_in(one: Meaning | None, other: Meaning | None) -> tuple[str, ...]:
    if one is None:
        return ()
    known = other.labels if other is not None else ()
    return tuple(label for label in one.labels if label not in known)


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
