"""
Which observed box is which desired box?

Equal boxes are the same box. Then, within one label, those that overlap best; a box that was dragged away
from where it was keeps its size. What is left may have been given another label: only where it lies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from reconciler.core.drift.assignment import assign
from reconciler.core.entries.training_view import Box

# Two boxes of different labels are one relabelled box if they share at least this much of their union.
RELABELLED_IOU: Final = 0.5

# What a drag without any overlap scores at most: less than any overlap of whole pixels does.
_DRAGGED: Final = 1e-9


class BoxPair(NamedTuple):
    """
    One box on both sides, or on one.

    Attributes:
        desired: None for a box that was added outside git.
        observed: None for a box that was removed outside git.
    """

    desired: Box | None
    observed: Box | None

    @property
    def iou(self) -> float | None:
        """Intersection over union; None for a box that is on one side only."""
        return iou(self.desired, self.observed) if self.desired and self.observed else None

    @property
    def is_same(self) -> bool:
        return self.desired == self.observed

    @property
    def is_moved(self) -> bool:
        """Tell whether it is on both sides, at different places or of different size."""
        return self._both and self.desired[1:] != self.observed[1:]  # type: ignore[index]

    @property
    def is_relabelled(self) -> bool:
        return self._both and self.desired[0] != self.observed[0]  # type: ignore[index]

    @property
    def turned(self) -> BoxPair:
        """Return it seen from the other side."""
        return BoxPair(self.observed, self.desired)

    @property
    def _both(self) -> bool:
        return self.desired is not None and self.observed is not None


def iou(one: Box, other: Box) -> float:
    """Return the area that two boxes share, as a part of the area that they cover; 0 for empty boxes."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(width, 0.0) * max(height, 0.0)
    covered = one.width * one.height + other.width * other.height - shared
    return shared / covered if covered > 0 else 0.0


def pair_boxes(desired: Sequence[Box], observed: Sequence[Box]) -> tuple[BoxPair, ...]:
    """Pair the boxes of one image. Every box of both sides is in exactly one pair; ordered by place."""
    same = Counter(desired) & Counter(observed)
    pairs = [BoxPair(box, box) for box in same.elements()]
    before = sorted((Counter(desired) - same).elements())
    after = sorted((Counter(observed) - same).elements())
    for label in sorted({box.label for box in before} & {box.label for box in after}):
        ours = [box for box in before if box.label == label]
        theirs = [box for box in after if box.label == label]
        pairs += _take(ours, theirs, _moved_score, before, after)
    pairs += _take(list(before), list(after), _relabelled_score, before, after)
    pairs += [BoxPair(box, None) for box in before]
    pairs += [BoxPair(None, box) for box in after]
    return tuple(sorted(pairs, key=_by_place))


def _take(
    ours: Sequence[Box],
    theirs: Sequence[Box],
    score: Callable[[Box, Box], float],
    before: list[Box],
    after: list[Box],
) -> list[BoxPair]:
    """Pair what scores best, and take it out of what is left of both sides."""
    chosen = assign([[score(one, other) for other in theirs] for one in ours])
    pairs = [BoxPair(ours[row], theirs[column]) for row, column in chosen]
    for row, column in chosen:
        before.remove(ours[row])
        after.remove(theirs[column])
    return pairs


def _moved_score(one: Box, other: Box) -> float:
    overlap = iou(one, other)
    if overlap == 0 and (one.width, one.height) == (other.width, other.height):
        return _DRAGGED / (1 + abs(one.left - other.left) + abs(one.top - other.top))
    return overlap


def _relabelled_score(one: Box, other: Box) -> float:
    overlap = iou(one, other)
    return overlap if one.label != other.label and overlap >= RELABELLED_IOU else 0.0


def _by_place(pair: BoxPair) -> tuple[tuple[float, float, str], bool, tuple[float, ...]]:
    box = pair.desired or pair.observed
    assert box is not None  # noqa: S101  a pair has a side
    other = pair.observed or box
    return (box.top, box.left, box.label), pair.desired is None, (other.top, other.left)
