"""Select the images or rows of one split, such as TRAIN, of an input that holds several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeVar

from reconciler.convert.record import Options, odd
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import UsageError


class _Placed(Protocol):
    @property
    def origin(self) -> Origin: ...


_Item = TypeVar("_Item", bound=_Placed)


def of_split(
    items: Sequence[tuple[str, _Item]], options: Options, *, unit: str
) -> tuple[list[_Item], list[Problem]]:
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
