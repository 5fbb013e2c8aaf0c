"""What kinds of difference there are between what git desires of one image and what AWS holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconciler.core.drift.boxes import BoxPair, pair_boxes
from reconciler.core.entries.entry import Fields
from reconciler.core.entries.training_view import Meaning, meaning
from reconciler.core.spec.choices import DriftClass


@dataclass(frozen=True, slots=True)
class Picture:
    """
    One image on both sides, as people see it.

    Attributes:
        desired: None where nobody desires it.
        observed: None where AWS does not hold it.
        boxes: Every box of both sides, paired.
    """

    desired: Meaning | None
    observed: Meaning | None
    boxes: tuple[BoxPair, ...]

    @property
    def labels_lost(self) -> tuple[str, ...]:
        """Labels of the whole image that git desires and AWS does not hold."""
        return _only_in(self.desired, self.observed)

    @property
    def labels_gained(self) -> tuple[str, ...]:
        """Labels of the whole image that AWS holds and git does not desire."""
        return _only_in(self.observed, self.desired)

    @property
    def labels_kept(self) -> tuple[str, ...]:
        if self.desired is None or self.observed is None:
            return ()
        return tuple(label for label in self.desired.labels if label in self.observed.labels)

    @property
    def turned(self) -> Picture:
        """Return it seen from the other side: what was lost is gained."""
        return Picture(self.observed, self.desired, tuple(pair.turned for pair in self.boxes))

    @property
    def size(self) -> tuple[float, float] | None:
        """Return the image's width and height in pixels; None where no box was ever drawn on it."""
        for side in (self.desired, self.observed):
            if side is not None and side.sizes:
                return side.sizes[0]
        return None

    @property
    def labels(self) -> frozenset[str]:
        """Return every label that occurs on either side, of the image or of a box."""
        sides = [side for side in (self.desired, self.observed) if side is not None]
        return frozenset(
            label for side in sides for label in (*side.labels, *(box.label for box in side.boxes))
        )


def picture(desired: Fields | None, observed: Fields | None) -> Picture:
    """
    Read both sides of one image.

    Args:
        desired: As it would be sent: ignored fields as observed.
    """
    ours = meaning(desired) if desired is not None else None
    theirs = meaning(observed) if observed is not None else None
    boxes = pair_boxes(ours.boxes if ours else (), theirs.boxes if theirs else ())
    return Picture(ours, theirs, boxes)


def classes(seen: Picture, *, errored: bool) -> tuple[DriftClass, ...]:
    """
    Name every kind of difference of one image that is known to differ, or to be errored.

    Returns:
        At least one, in the order of `DriftClass`. An image that is on one side only has no other class:
        its labels and boxes came or went with it.
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
