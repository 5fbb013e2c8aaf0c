"""What is added up of the lines of a file, so that after an edit only what changed is added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import NamedTuple, TypeVar

from msgspec import Struct

from reconciler.core.validation.checked_line import Outcome, is_blank
from reconciler.core.validation.dataset import DatasetFacts
from reconciler.core.validation.problem import Problem, has_error

T = TypeVar("T")


class Part(NamedTuple):
    """
    Some lines of a file, or all.

    Attributes:
        source_refs, outcomes: Of each line; see `Columns`.
        labels: The numbers of all their labels.
    """

    source_refs: Sequence[str | None]
    outcomes: Sequence[int]
    labels: Sequence[int]


class Totals(Struct, array_like=True, frozen=True):
    """
    What lines come to.

    Attributes:
        outcomes, labels: How many lines have each, by their numbers.
        buckets: Images by bucket, without those of unusable lines.
        are_distinct: Whether no two lines have one source-ref.
    """

    outcomes: dict[int, int]
    labels: dict[int, int]
    buckets: dict[str, int]
    are_distinct: bool


def is_unusable(problems: Sequence[Problem]) -> bool:
    """Return whether a line with these problems cannot be used as an entry."""
    return has_error(problems) or is_blank(problems)


def added_up(lines: Part, distinct: Sequence[Outcome]) -> Totals:
    """
    Add up lines.

    Args:
        distinct: The outcomes, by number.
    """
    refs = lines.source_refs
    unusable = {number for number, (_, problems) in enumerate(distinct) if is_unusable(problems)}
    found = DatasetFacts()
    kept = compress(refs, [outcome not in unusable for outcome in lines.outcomes]) if unusable else refs
    found.count_buckets([ref for ref in kept if ref is not None])
    outcomes, labels = dict(Counter(lines.outcomes)), dict(Counter(lines.labels))
    return Totals(outcomes, labels, dict(found.buckets), len(set(refs)) == len(refs))


def changed(before: Totals, dropped: Part, added: Part, distinct: Sequence[Outcome]) -> Totals | None:
    """
    Return the totals of a file of which some lines were dropped and others added; None if all must be added up.

    That is so if new source-refs might be those of other lines, and with several buckets, which are reported in
    the order of their first lines.
    """
    old, new = added_up(dropped, distinct), added_up(added, distinct)
    buckets = _sum(before.buckets, old.buckets, new.buckets)
    are_distinct = before.are_distinct and new.are_distinct
    if len(buckets) > 1 or not are_distinct or not {*added.source_refs} <= {*dropped.source_refs}:
        return None
    return Totals(
        _sum(before.outcomes, old.outcomes, new.outcomes),
        _sum(before.labels, old.labels, new.labels),
        buckets,
        are_distinct,
    )


def _sum(before: Mapping[T, int], old: Mapping[T, int], new: Mapping[T, int]) -> dict[T, int]:
    found = Counter(before)
    found.subtract(old)
    found.update(new)
    return dict(+found)
