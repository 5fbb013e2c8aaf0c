"""Sort out what a reader has read: split off problems, select a split such as TRAIN, decide what no boxes mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from reconciler.convert.record import LabelledImage, Options, odd
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem, has_error
from reconciler.errors import UsageError


class _Placed(Protocol):
    @property
    def origin(self) -> Origin: ...


_Item = TypeVar("_Item")
_PlacedItem = TypeVar("_PlacedItem", bound=_Placed)


def split_off_problems(found: Iterable[_Item | Problem]) -> Generator[Problem, None, list[_Item]]:
    """Yield the problems, then return the other items."""
    others: list[_Item] = []
    for item in found:
        if isinstance(item, Problem):
            yield item
        else:
            others.append(item)
    return others


def resolve_missing_boxes(images: Sequence[LabelledImage]) -> Iterator[LabelledImage]:
    """
    Yield the images of an input in which "no boxes" may mean two things: no objects, or not annotated for objects.

    If the input has labels of whole images and no box at all, it means the latter.
    """
    has_boxes = any(image.boxes or has_error(image.problems) for image in images)
    has_labels = any(image.labels for image in images)
    for image in images:
        yield image if has_boxes or not has_labels else replace(image, boxes=None)


def select_split(
    items: Sequence[tuple[str, _PlacedItem]], options: Options, *, unit: str
) -> tuple[list[_PlacedItem], list[Problem]]:
    """
    Return the items of the selected split, or all of them with a warning if there are several splits.

    Args:
        items: Name of the split -> item.

    Raises:
        UsageError: There is no such split.
    """
    counts = Counter(split.strip() for split, _ in items)
    if options.split is not None:
        kept = [item for split, item in items if split.strip().lower() == options.split.lower()]
        if not kept:
            listed = ", ".join(name for name in counts if name)[:200] or "none"
            raise UsageError(f"--split: the input has no part “{options.split}”; there are: {listed}")
        return kept, []
    everything = [item for _, item in items]
    if len(counts) < 2:
        return everything, []
    listed = ", ".join(f"{name or 'none'} {count:,}" for name, count in counts.most_common(8))
    message = f"{unit} of several parts become one dataset ({listed}); --split keeps those of one"
    return everything, [odd(codes.LEFT_OUT, message, everything[0].origin)]
