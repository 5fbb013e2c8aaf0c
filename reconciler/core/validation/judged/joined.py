"""
Put the columns of a file together of known lines and new ones.

Where new lines stand in place of as many known ones, they replace them in the known columns, which are not copied.
Else each column is joined at once, from slices: to add to it run by run costs three times as much.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import NamedTuple, TypeAlias

from reconciler.core.entries.lines import TEXT_DIGEST_BYTES
from reconciler.core.validation.judged.columns import Columns
from reconciler.core.validation.judged.source_refs import SourceRefs
from reconciler.core.validation.judged.totals import Part, changed


class Run(NamedTuple):
    """Consecutive known rows that are carried over, and the number of new lines that follow them."""

    first: int
    end: int
    added: int


Values: TypeAlias = "array[int] | bytearray"
Places = Sequence[tuple[slice, slice]]
"""Where parts of the result are: in what is known, and in what is new."""


def join(found: Columns, known: Columns, new: Columns, runs: Sequence[Run]) -> None:
    """
    Fill in the columns that are not about the bytes of a file; what is known is used up.

    Args:
        new: The new lines, in order; its numbers of labels and outcomes are those of the known, and more.
        runs: In order; the first begins with the first known row.
    """
    rows, labels = _rows(runs), _labels(known, new, runs)
    digests = [(_scaled(old), _scaled(now)) for old, now in rows]
    refs, stay = new.source_refs[:], _fit(len(known), rows)
    dropped = _dropped(known, runs, [old.stop for old, _ in labels])
    for name, places in (
        ("lengths", rows),
        ("outcomes", rows),
        ("label_counts", rows),
        ("labels", labels),
        ("marks", digests),
        ("digests", digests),
    ):
        fit = stay and (places is not labels or _fit(len(known.labels), labels))
        put = _replaced if fit else _joined
        setattr(found, name, put(getattr(known, name), getattr(new, name), places))
    found.number_of_label, found.number_of_outcome = new.number_of_label, new.number_of_outcome
    if dropped is not None:
        added = Part(refs, new.outcomes, new.labels)
        found.known_totals = changed(known.totals, dropped, added, list(new.number_of_outcome))
        if stay and dropped.source_refs == refs:
            found.source_refs = known.source_refs
            return
    before = list(known.source_refs)
    found.source_refs = SourceRefs()
    found.source_refs.extend(chain.from_iterable(chain(before[old], refs[now]) for old, now in rows))


def _fit(count: int, places: Places) -> bool:
    """Return whether what is new between known values, of which there are so many, is as much as it replaces."""
    starts = chain((old.start for old, _ in islice(places, 1, None)), (count,))
    gaps = (start - old.stop for (old, _), start in zip(places, starts, strict=True))
    return all(now.stop - now.start == gap for (_, now), gap in zip(places, gaps, strict=True))


def _replaced(known: Values, new: Values, places: Places) -> Values:
    for old, now in places:
        known[old.stop : old.stop + now.stop - now.start] = new[now]  # type: ignore[assignment]
    return known


def _joined(known: Values, new: Values, places: Places) -> Values:
    old, now = memoryview(known), memoryview(new)
    whole = bytearray().join(chain.from_iterable((old[there], now[here]) for there, here in places))
    return array(known.typecode, whole) if isinstance(known, array) else whole


def _scaled(rows: slice) -> slice:
    return slice(rows.start * TEXT_DIGEST_BYTES, rows.stop * TEXT_DIGEST_BYTES)


def _rows(runs: Sequence[Run]) -> Places:
    places, at = [], 0
    for first, end, added in runs:
        places.append((slice(first, end), slice(at, at + added)))
        at += added
    return places


def _labels(known: Columns, new: Columns, runs: Sequence[Run]) -> Places:
    """Return where the labels of each run are, and those of the new lines after it."""
    counts, new_counts, places = known.label_counts, new.label_counts, []
    row = label = new_row = new_label = 0
    for first, end, added in runs:
        start = label + sum(counts[row:first]) - sum(counts[first:row])
        row, label = end, start + sum(counts[first:end])
        new_start, new_row = new_label, new_row + added
        new_label += sum(new_counts[new_row - added : new_row])
        places.append((slice(start, label), slice(new_start, new_label)))
    return places


def _gaps(known: Columns, runs: Sequence[Run]) -> Iterator[tuple[Run, int]]:
    """Yield each run, and where the known rows go on after it."""
    return ((run, after.first) for run, after in pairwise((*runs, Run(len(known), 0, 0))))


def _dropped(known: Columns, runs: Sequence[Run], ends: Sequence[int]) -> Part | None:
    """
    Return the known lines that are not carried over; None if others are not in the order in which they were.

    Args:
        ends: Where the labels of each run end.
    """
    gaps = [(run.end, then) for run, then in _gaps(known, runs)]
    if any(then < end for end, then in gaps):
        return None
    rows = [row for end, then in gaps for row in range(end, then)]
    labels = array("I")
    for (end, then), start in zip(gaps, ends, strict=True):
        labels += known.labels[start : start + sum(known.label_counts[end:then])]
    return Part(known.source_refs.at(rows), [*map(known.outcomes.__getitem__, rows)], labels)
