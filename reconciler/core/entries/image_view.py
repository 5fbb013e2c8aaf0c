"""The labels and boxes of one image on two sides, the boxes paired; and the numbers of many images by label."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import product
from typing import Final, NamedTuple

from msgspec import Struct

from reconciler.core.entries.boxes import BoxPair, pair_boxes
from reconciler.core.entries.entry import Fields
from reconciler.core.entries.observed_line import UNREADABLE
from reconciler.core.entries.training_view import Meaning, meaning


class ImageView(Struct, frozen=True):
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
        Pairs of labels, in git and in AWS, of which one replaced the other; sorted, each once.

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
        is_same = self.desired == self.observed  # as in most changes
        boxes = self.boxes if is_same else tuple(pair.turned for pair in self.boxes)
        return ImageView(self.observed, self.desired, boxes)

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
        return _carried(self.desired) | _carried(self.observed)


def view_of(desired: Fields | None, observed: Fields | None) -> ImageView:
    """
    Read both sides of one image.

    Args:
        desired: The entry as it would be sent, with ignored fields as observed.
    """
    ours = meaning(desired) if desired is not None else None
    theirs = meaning(observed) if observed is not None else None
    if observed is not None and UNREADABLE in observed:  # what it says is not known, so no label is lost
        theirs = ours or theirs
    boxes = pair_boxes(ours.boxes if ours else (), theirs.boxes if theirs else ())
    return ImageView(ours, theirs, boxes)


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


class Relabelling(NamedTuple):
    """How many times one label, of an image or of a box, became another."""

    before: str
    after: str
    number: int


class LabelTotal(NamedTuple):
    """The images of a dataset that carry one label, or the boxes with it, before and after an apply."""

    label: str
    before: int
    after: int


class LabelSummary(NamedTuple):
    """
    What happened to each label, where a label that became another is neither lost nor gained.

    Attributes:
        totals: Of each label of which the number of images changes, by label; empty if they are not known.
        boxes: The same of boxes.
        images: Number of images that were counted.
        balances: Those with most changes first.
        relabelled: The most frequent first.
    """

    images: int = 0
    balances: tuple[LabelBalance, ...] = ()
    relabelled: tuple[Relabelling, ...] = ()
    totals: tuple[LabelTotal, ...] = ()
    boxes: tuple[LabelTotal, ...] = ()


NOTHING_COUNTED: Final = LabelSummary()


class Totals:
    """
    The number of images and of boxes of each label before and after an apply.

    Each is known from the number in all desired lines and from what differs: no line that is the same is read.
    """

    def __init__(self) -> None:
        self._images, self._boxes = _Total(), _Total()

    def add(self, seen: ImageView, *, sent: bool) -> None:
        """Count one image that differs; *sent* says whether an apply makes it as desired, or blanks it."""
        ours, theirs = seen.desired, seen.observed
        if ours and theirs and (ours.labels, ours.box_labels) == (theirs.labels, theirs.box_labels):
            return  # as in most changes
        self._images.add(Counter(_carried(ours)), Counter(_carried(theirs)), sent=sent)
        boxes = (Counter(side.box_labels if side else ()) for side in (ours, theirs))
        self._boxes.add(*boxes, sent=sent)

    @property
    def has_other_boxes(self) -> bool:
        """Return whether an apply changes the number of boxes of any label."""
        return any(self._boxes.by.values())

    def images(self, desired: Mapping[str, int]) -> tuple[LabelTotal, ...]:
        """Return the labels whose number of images changes, given the images of each in all desired lines."""
        return self._images.of(desired)

    def boxes(self, desired: Mapping[str, int]) -> tuple[LabelTotal, ...]:
        """Return the labels whose number of boxes changes, given the boxes of each in all desired lines."""
        return self._boxes.of(desired)


class _Total:
    def __init__(self) -> None:
        self._before: Counter[str] = Counter()  # less those of all desired lines
        self.by: Counter[str] = Counter()

    def add(self, ours: Counter[str], theirs: Counter[str], *, sent: bool) -> None:
        more, fewer = ours - theirs, theirs - ours
        self._before.subtract(more)
        self._before.update(fewer)
        if sent:
            self.by.update(more)
            self.by.subtract(fewer)

    def of(self, desired: Mapping[str, int]) -> tuple[LabelTotal, ...]:
        found = (
            (label, desired.get(label, 0) + self._before[label], by)
            for label, by in sorted(self.by.items())
            if by
        )
        return tuple(LabelTotal(label, before, before + by) for label, before, by in found)


def _carried(side: Meaning | None) -> frozenset[str]:
    return frozenset() if side is None else frozenset((*side.labels, *side.box_labels))


class _Row(Struct):
    gained: int = 0
    lost: int = 0
    moved: int = 0
    iou: float = 0.0


class LabelTally:
    """The running balance of all labels."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, _Row] = defaultdict(_Row)
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._images = 0

    def add(self, seen: ImageView) -> None:
        """Count one image that differs between both sides."""
        self._images += 1
        if seen.desired == seen.observed:
            return
        lost, gained = seen.labels_lost, seen.labels_gained
        for label in gained:
            self._rows[label].gained += 1
        for label in lost:
            self._rows[label].lost += 1
        if len(lost) == len(gained) == 1:  # of more than one, it is unknown which became which
            self._pairs[lost[0], gained[0]] += 1
        for pair in seen.boxes:
            self._count(pair)

    def balances(self) -> tuple[LabelBalance, ...]:
        """Return the balance of every affected label, those with most changes first."""
        found = [
            LabelBalance(label, row.gained, row.lost, row.moved, row.iou / row.moved if row.moved else None)
            for label, row in self._rows.items()
        ]
        return tuple(sorted(found, key=_rank))

    def summary(self) -> LabelSummary:
        """Return the balance of every label, without what became another label, and those that did."""
        lost, gained = Counter[str](), Counter[str]()
        for (before, after), number in self._pairs.items():
            lost[before] += number
            gained[after] += number
        rows = (
            row._replace(lost=row.lost - lost[row.label], gained=row.gained - gained[row.label])
            for row in self.balances()
        )
        left = [row for row in rows if row.lost or row.gained or row.moved]
        return LabelSummary(
            self._images,
            tuple(sorted(left, key=_rank)),
            tuple(
                Relabelling(*pair, number)
                for pair, number in sorted(self._pairs.items(), key=lambda one: (-one[1], one[0]))
            ),
        )

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
        if pair.desired and pair.observed:
            self._pairs[pair.desired.label, pair.observed.label] += 1


def _rank(row: LabelBalance) -> tuple[int, str]:
    return -row.gained - row.lost - row.moved, row.label
