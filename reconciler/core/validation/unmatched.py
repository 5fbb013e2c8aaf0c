"""
Warnings for globs of the specs that match no entry, and so protect, ignore or acknowledge nothing, and for
ignored paths that match no field.

Source-refs are sorted once. Most globs are decided by a few comparisons within the range of source-refs that
share their literal prefix; the others are matched together, in one pass.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from reconciler.core.entries.entry import METADATA, SOURCE_REF, Fields, without_service_keys
from reconciler.core.entries.observed_line import parse_observed
from reconciler.core.entries.pattern import (
    glob,
    globs,
    literal_prefix,
    nearest,
    places,
    pointer,
    shared_directory,
    text_of,
)
from reconciler.core.validation.codes import UNMATCHED
from reconciler.core.validation.problem import Origin, Problem, Severity

_TRIED: Final = 20
"""Source-refs that each glob is tried on first: most globs match one of the first with their prefix."""

_COMPARED: Final = 200
"""Folders of one parent that a misspelt name is compared with."""

_CORRECTED: Final = 100
"""Globs of one dataset for which similar folder names are searched; the others get the nearest parent."""

_SAMPLES: Final = 20
"""Entries whose fields a misspelt path is compared with."""

# The only documented field that a line need not have: where git has none, AWS may.
_OPTIONAL: Final = "job-name"

# A step that stands in each line with such a field as it is written here; a number may be an index.
_PLAIN: Final = re.compile(r"[\w-]*[A-Za-z_-][\w-]*", re.ASCII)

# S3 addresses are written with it, and misspelt in these ways.
_SCHEME: Final = re.compile(r"\s*(?:s3:)?/*", re.ASCII | re.IGNORECASE)

_AFTER: Final = "\U0010ffff"


class PlacedGlob(NamedTuple):
    """
    A glob over source-refs with the spec field and the place it comes from.

    Attributes:
        only_observed: Whether it is about entries that git does not declare, so that only AWS can tell.
    """

    field: str
    text: str
    origin: Origin
    only_observed: bool = False


class PlacedPath(NamedTuple):
    """A path of ``ignore`` with the glob over source-refs of its rule, and the place it comes from."""

    path: str
    match: str | None
    origin: Origin


class Unmatched(NamedTuple):
    """A glob that matches no desired entry, or a path that matches no field of one, and the warning about it."""

    glob: str
    problem: Problem
    path: str | None = None
    only_observed: bool = False


def unmatched(patterns: Sequence[PlacedGlob], desired: Iterable[str]) -> tuple[Unmatched, ...]:
    """Return the globs that match no desired source-ref; each warning names the nearest existing prefix."""
    if not patterns:
        return ()
    refs = sorted(desired)
    missed = _without_match({one.text for one in patterns}, refs)
    useless = [one for one in patterns if one.text in missed]
    return tuple(
        Unmatched(one.text, _problem(one, refs, corrected=number < _CORRECTED), None, one.only_observed)
        for number, one in enumerate(useless)
    )


def still_unmatched(found: Sequence[Unmatched], observed: Iterable[str]) -> tuple[Unmatched, ...]:
    """Return the globs of *found* that match no observed source-ref either."""
    globs_ = [one for one in found if one.path is None]
    missed = _without_match({one.glob for one in globs_}, sorted(observed)) if globs_ else ()
    return tuple(one for one in globs_ if one.glob in missed)


def unmatched_paths(
    paths: Sequence[PlacedPath], lines: Callable[[], Iterable[bytes]]
) -> tuple[Unmatched, ...]:
    """
    Return the paths that match no field of any desired entry to which their rule applies.

    A path of a rule that applies to no entry is not among them: the fault is in its ``match``.

    Args:
        lines: Gives the usable desired lines, as far as they are needed.
    """
    found = [(one, _Path(one.path, one.match)) for one in paths]
    left = _not_in([path for _, path in found], lines)
    return tuple(
        Unmatched(one.match or "**", _no_field(one, path), one.path)
        for one, path in found
        if path in left and path.samples
    )


def still_unmatched_paths(
    found: Sequence[Unmatched], lines: Callable[[], Iterable[bytes]]
) -> tuple[Unmatched, ...]:
    """Return the paths of *found* that match no field of any observed entry either."""
    paths = [(one, _Path(one.path, one.glob)) for one in found if one.path is not None]
    left = _not_in([path for _, path in paths], lines)
    return tuple(one for one, path in paths if path in left)


class _Path:
    """A path that is searched for in lines."""

    def __init__(self, text: str, match: str | None) -> None:
        self.steps = pointer(text)
        self._words = [step.encode() for step in self.steps if _PLAIN.fullmatch(step) and step != _OPTIONAL]
        self._applies = glob(match or "**").match
        self.samples: list[Fields] = []

    def is_in(self, raw: bytes) -> bool:
        """Return whether a line has such a field; parse it only if it may."""
        enough = len(self.samples) == _SAMPLES
        if enough and b"\\" not in raw and not all(word in raw for word in self._words):
            return False
        fields = without_service_keys(parse_observed(raw))
        if not self._applies(str(fields.get(SOURCE_REF))):
            return False
        fields = {
            key: {_OPTIONAL: "", **value} if key.endswith(METADATA) and isinstance(value, dict) else value
            for key, value in fields.items()
        }
        if not enough:
            self.samples.append(fields)
        return next(places(fields, self.steps), None) is not None


def _not_in(paths: list[_Path], lines: Callable[[], Iterable[bytes]]) -> list[_Path]:
    """Return the paths that are found in no line."""
    for raw in lines() if paths else ():
        paths = [path for path in paths if not path.is_in(raw)]
        if not paths:
            break
    return paths


def _no_field(one: PlacedPath, path: _Path) -> Problem:
    text = f"ignore.paths “{one.path}” matches no field of any desired entry"
    if near := nearest(path.steps, path.samples):
        text += f"; the nearest path that exists is {text_of(near)}"
    return Problem(Severity.WARNING, UNMATCHED, text, one.origin)


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
    """Yield every number within any of the ranges, once."""
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
    return Problem(Severity.WARNING, UNMATCHED, text, one.origin)


def nearest_prefix(text: str, refs: Sequence[str], *, corrected: bool = True) -> tuple[str, int]:
    """
    Return the existing folder nearest to a glob's literal prefix, and the number of source-refs below it.

    Args:
        refs: Sorted, at least one.
        corrected: Whether a missing folder may be replaced by an existing one with a similar name.
    """
    folder = "s3://"
    for name in _SCHEME.sub("", literal_prefix(text), count=1).split("/"):
        wanted = f"{folder}{name}/"
        if not _below(refs, wanted):
            if not name:
                continue
            close = _similar(name, islice(_folders(refs, folder), _COMPARED)) if corrected else None
            if close is None:
                break
            wanted = f"{folder}{close}/"
        folder = wanted
    if folder == "s3://":
        folder = shared_directory(refs)
    return folder, _below(refs, folder)


def _similar(name: str, folders: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # only a hint needs it

    known = {folder.lower(): folder for folder in folders}
    close = get_close_matches(name.lower(), known, 1)
    return known[close[0]] if close else None


def _below(refs: Sequence[str], folder: str) -> int:
    return bisect_left(refs, folder + _AFTER) - bisect_left(refs, folder)


def _folders(refs: Sequence[str], parent: str) -> Iterator[str]:
    """Yield the names of the first folders directly below *parent*, skipping a bounded number of files."""
    row, end = bisect_left(refs, parent), bisect_left(refs, parent + _AFTER)
    for _ in range(_COMPARED * 2):
        if row >= end:
            return
        name, slash, _ = refs[row][len(parent) :].partition("/")
        if slash:
            yield name
        row = bisect_left(refs, f"{parent}{name}/{_AFTER}") if slash else row + 1
