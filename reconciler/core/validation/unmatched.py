"""
Globs of the specs that match no entry: nothing is protected, ignored or acknowledged by them.

Source-refs are sorted once. Most globs are then settled by a few comparisons, within the range of the source-refs
that begin like them; the others are matched together, in one pass.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Final, NamedTuple

from reconciler.core.entries.pattern import glob, globs, literal_prefix
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.core.validation.spec_codes import UNMATCHED

_TRIED: Final = 20
"""Source-refs that a glob is tried on by itself: most globs match one of the first that begin like them."""

_COMPARED: Final = 200
"""Folders of one parent that a misspelt name is compared with."""

_CORRECTED: Final = 100
"""Globs of one dataset whose misspelling is looked for; of the others the folder that exists is named."""

_AFTER: Final = "\U0010ffff"


class PlacedGlob(NamedTuple):
    """A glob over source-refs as a spec has it."""

    field: str
    text: str
    origin: Origin


class Unmatched(NamedTuple):
    """A glob that matches no desired entry, and the warning about it."""

    glob: str
    problem: Problem


def unmatched(patterns: Sequence[PlacedGlob], desired: Iterable[str]) -> tuple[Unmatched, ...]:
    """Return the globs that match no desired source-ref, each with the nearest prefix that one has."""
    if not patterns:
        return ()
    refs = sorted(desired)
    missed = _without_match({one.text for one in patterns}, refs)
    useless = [one for one in patterns if one.text in missed]
    return tuple(
        Unmatched(one.text, _problem(one, refs, corrected=number < _CORRECTED))
        for number, one in enumerate(useless)
    )


def still_unmatched(found: Sequence[Unmatched], observed: Iterable[str]) -> tuple[Unmatched, ...]:
    """Return those that match no observed source-ref either."""
    missed = _without_match({one.glob for one in found}, sorted(observed)) if found else ()
    return tuple(one for one in found if one.glob in missed)


def _without_match(texts: Iterable[str], refs: Sequence[str]) -> set[str]:
    missed, ranges, undecided = set(), [], []
    for text in texts:
        prefix = literal_prefix(text)
        start, end = bisect_left(refs, prefix), bisect_left(refs, prefix + _AFTER)
        tried = min(end, start + _TRIED)
        if start < end and any(map(glob(text).match, refs[start:tried])):
            continue
        if tried == end:
            missed.add(text)
        else:
            undecided.append(text)
            ranges.append((tried, end))
    return missed | _undecided_without_match(undecided, _merged(ranges), refs)


def _merged(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Give every number within any of the ranges, once."""
    done = 0
    for start, end in sorted(ranges):
        yield from range(max(start, done), end)
        done = max(done, end)


def _undecided_without_match(texts: Sequence[str], rows: Iterable[int], refs: Sequence[str]) -> set[str]:
    left, matcher = set(texts), globs(texts)
    for row in rows:
        if not left:
            break
        for number in matcher.which(refs[row]):
            left.discard(texts[number])
    return left


def _problem(one: PlacedGlob, refs: Sequence[str], *, corrected: bool) -> Problem:
    text = f"{one.field} “{one.text}” matches none of the {len(refs)} desired entries"
    if refs:
        prefix, number = nearest_prefix(one.text, refs, corrected=corrected)
        text += f"; the nearest prefix that exists is {prefix} ({number} of them)"
    return Problem(Severity.WARNING, UNMATCHED.code, text, one.origin)


def nearest_prefix(text: str, refs: Sequence[str], *, corrected: bool = True) -> tuple[str, int]:
    """
    Return the folder nearest to what a glob begins with, and how many source-refs lie below it.

    Args:
        refs: Sorted, at least one.
        corrected: Whether a folder that does not exist may stand for a similar one that does.
    """
    folder = "s3://"
    for name in literal_prefix(text).removeprefix(folder).split("/")[:-1]:
        wanted = f"{folder}{name}/"
        if not _below(refs, wanted):
            close = (
                get_close_matches(name, list(islice(_folders(refs, folder), _COMPARED)), 1)
                if corrected
                else ()
            )
            if not close:
                break
            wanted = f"{folder}{close[0]}/"
        folder = wanted
    if folder == "s3://":
        folder = _common_folder(refs[0], refs[-1])
    return folder, _below(refs, folder)


def _below(refs: Sequence[str], folder: str) -> int:
    return bisect_left(refs, folder + _AFTER) - bisect_left(refs, folder)


def _folders(refs: Sequence[str], parent: str) -> Iterator[str]:
    """Give the names of the first folders right below *parent*, passing a bounded number of files."""
    row, end = bisect_left(refs, parent), bisect_left(refs, parent + _AFTER)
    for _ in range(_COMPARED * 2):
        if row >= end:
            return
        name, slash, _ = refs[row][len(parent) :].partition("/")
        if slash:
            yield name
        row = bisect_left(refs, f"{parent}{name}/{_AFTER}") if slash else row + 1


def _common_folder(first: str, last: str) -> str:
    same = next(
        (at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
    )
    return first[: first.rfind("/", 0, same) + 1]
