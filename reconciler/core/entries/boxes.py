"""
Pair desired and observed boxes one to one, by the Hungarian method with shortest augmenting paths.

`scipy.optimize.linear_sum_assignment` does the same; it would be the largest dependency by far, for one function.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from math import inf
from operator import attrgetter
from typing import Final, NamedTuple

from reconciler.core.entries.training_view import TrainingBox

# The exact method takes n² · m steps: 0.1 s for 100 rows, hours for the 1,500 boxes that a line can hold.
EXACT_UP_TO: Final = 100

Scores = Sequence[Sequence[float]]
"""One row per element of one side, one column per element of the other; 0 means "never pair these"."""


def assign(scores: Scores) -> list[tuple[int, int]]:
    """
    Pair rows with columns so that the sum of scores is maximal; each is in at most one pair.

    Beyond `EXACT_UP_TO` elements on both sides, the sum is at least half of the maximum.

    Returns:
        Row and column of every pair, ordered by row. A score of 0 makes no pair.

    Raises:
        ValueError: A score is negative.
    """
    if any(score < 0 for row in scores for score in row):
        raise ValueError("a score is negative")
    if not scores or not scores[0]:
        return []
    if len(scores) > len(scores[0]):
        return sorted((row, column) for column, row in assign(list(zip(*scores, strict=True))))
    pairs = _greedy(scores) if len(scores) > EXACT_UP_TO else _exact(scores)
    return sorted((row, column) for row, column in pairs if scores[row][column] > 0)


def _exact(scores: Scores) -> list[tuple[int, int]]:
    """
    Add one row after the other, each time along the cheapest augmenting path.

    ``taken[column]`` is the row that holds a column; row 0 means "free", column 0 is the start of the path.
    The potentials keep every reduced cost at or above 0, as the shortest path requires.
    """
    columns = len(scores[0])
    row_potential = [0.0] * (len(scores) + 1)
    column_potential = [0.0] * (columns + 1)
    taken = [0] * (columns + 1)
    for row in range(1, len(scores) + 1):
        taken[0] = row
        here = 0
        cheapest, came_from, done = [inf] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
        while taken[here]:
            done[here] = True
            holder = taken[here]
            for column in range(1, columns + 1):
                cost = -scores[holder - 1][column - 1] - row_potential[holder] - column_potential[column]
                if not done[column] and cost < cheapest[column]:
                    cheapest[column], came_from[column] = cost, here
            there = min((c for c in range(1, columns + 1) if not done[c]), key=cheapest.__getitem__)
            step = cheapest[there]
            for column in range(columns + 1):
                if done[column]:
                    row_potential[taken[column]] += step
                    column_potential[column] -= step
                else:
                    cheapest[column] -= step
            here = there
        while here:
            taken[here] = taken[came_from[here]]
            here = came_from[here]
    return [(taken[column] - 1, column - 1) for column in range(1, columns + 1) if taken[column]]


def _greedy(scores: Scores) -> list[tuple[int, int]]:
    """Take the highest remaining score repeatedly, for at least half of the maximal sum."""
    ranked = sorted(
        ((score, r, c) for r, row in enumerate(scores) for c, score in enumerate(row) if score > 0),
        key=lambda found: (-found[0], found[1], found[2]),
    )
    rows: set[int] = set()
    columns: set[int] = set()
    pairs = []
    for _, row, column in ranked:
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            pairs.append((row, column))
    return pairs


# Two boxes of different labels are one relabelled box if they share at least this much of their union.
RELABELLED_IOU: Final = 0.5

# Maximum score of a box dragged without overlap: less than any overlap of whole pixels scores.
_DRAGGED: Final = 1e-9


class BoxPair(NamedTuple):
    """
    One box on both sides, or on one side.

    Attributes:
        desired: None for a box that was added outside git.
        observed: None for a box that was removed outside git.
    """

    desired: TrainingBox | None
    observed: TrainingBox | None

    @property
    def iou(self) -> float | None:
        """Intersection over union; None for a box that is on one side only."""
        return iou(self.desired, self.observed) if self.desired and self.observed else None

    @property
    def is_same(self) -> bool:
        return self.desired == self.observed

    @property
    def is_moved(self) -> bool:
        """Return whether it is on both sides, with different position or size."""
        return self._both and self.desired[1:] != self.observed[1:]  # type: ignore[index]

    @property
    def is_relabelled(self) -> bool:
        return self._both and self.desired[0] != self.observed[0]  # type: ignore[index]

    @property
    def turned(self) -> BoxPair:
        """Return it with both sides swapped."""
        return BoxPair(self.observed, self.desired)

    @property
    def _both(self) -> bool:
        return self.desired is not None and self.observed is not None


def iou(one: TrainingBox, other: TrainingBox) -> float:
    """Return the intersection over union of two boxes; 0 for empty boxes."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(width, 0.0) * max(height, 0.0)
    covered = one.width * one.height + other.width * other.height - shared
    return shared / covered if covered > 0 else 0.0


def pair_boxes(desired: Sequence[TrainingBox], observed: Sequence[TrainingBox]) -> tuple[BoxPair, ...]:
    """Pair the boxes of one image. Every box is in exactly one pair; pairs are ordered by position."""
    if desired == observed:
        return tuple([BoxPair(box, box) for box in sorted(desired, key=_PLACE)])
    after = sorted(observed)
    pairs, before = [], []
    for box in sorted(desired):
        at = bisect_left(after, box)
        if at < len(after) and after[at] == box:
            pairs.append(BoxPair(box, after.pop(at)))
        else:
            before.append(box)
    for label in sorted({box.label for box in before} & {box.label for box in after}):
        ours = [box for box in before if box.label == label]
        theirs = [box for box in after if box.label == label]
        pairs += _take(ours, theirs, _moved_score, before, after)
    pairs += _take(list(before), list(after), _relabelled_score, before, after)
    pairs += [BoxPair(box, None) for box in before]
    pairs += [BoxPair(None, box) for box in after]
    return tuple(sorted(pairs, key=_by_place))


def _take(
    ours: Sequence[TrainingBox],
    theirs: Sequence[TrainingBox],
    score: Callable[[TrainingBox, TrainingBox], float],
    before: list[TrainingBox],
    after: list[TrainingBox],
) -> list[BoxPair]:
    """Pair the boxes with the best total score, and remove them from *before* and *after*."""
    chosen = assign([[score(one, other) for other in theirs] for one in ours])
    pairs = [BoxPair(ours[row], theirs[column]) for row, column in chosen]
    for row, column in chosen:
        before.remove(ours[row])
        after.remove(theirs[column])
    return pairs


def _moved_score(one: TrainingBox, other: TrainingBox) -> float:
    overlap = iou(one, other)
    if overlap == 0 and (one.width, one.height) == (other.width, other.height):
        return _DRAGGED / (1 + abs(one.left - other.left) + abs(one.top - other.top))
    return overlap


def _relabelled_score(one: TrainingBox, other: TrainingBox) -> float:
    overlap = iou(one, other)
    return overlap if one.label != other.label and overlap >= RELABELLED_IOU else 0.0


_PLACE: Final = attrgetter("top", "left", "label")


def _by_place(pair: BoxPair) -> tuple[tuple[float, float, str], bool, tuple[float, ...]]:
    box = pair.desired or pair.observed
    assert box is not None  # noqa: S101  a pair has a side
    other = pair.observed or box
    return (box.top, box.left, box.label), pair.desired is None, (other.top, other.left)
