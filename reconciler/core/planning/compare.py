"""
Compare desired and observed entries, keyed by source-ref; `diff` has the result.

The comparison is one pass over the observed lines. A line whose raw text equals the desired one, as it is or
without its spaces, needs no parsing. Other lines are parsed on both sides and compared by canonical text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Final

import orjson

from reconciler.core.entries.entry import (
    SOURCE_REF,
    BadLine,
    Fields,
    are_same,
    canonical,
    digest,
    error_codes,
)
from reconciler.core.entries.equality import Equality
from reconciler.core.entries.index import Index, Place
from reconciler.core.entries.lines import Line
from reconciler.core.entries.listed_form import Form, hash_listed
from reconciler.core.entries.observed_line import UNREADABLE, parse_observed
from reconciler.core.planning.diff import Action, Change, Diff, place_of
from reconciler.errors import ListingMoved, UnknownAnswer

_TOGETHER: Final = 256  # listed lines that are compared at once
_IN_A_RUN: Final = 64  # desired lines that are read at once where their texts are needed


def compare(
    desired: Index,
    observed: Iterable[Line],
    read_desired: Callable[[str, Place], bytes],
    equality: Equality,
) -> Diff:
    """
    Compare all desired and observed entries, in linear time.

    Args:
        read_desired: Returns the raw desired line of a source-ref at its place; called where texts differ.

    Raises:
        UnknownAnswer: A listed line is not a JSON object, and names no image.
        ListingMoved: An image is listed twice.
    """
    comparison = _Comparison(desired, read_desired, equality)
    comparison.compare(observed)
    return comparison.diff()


def compare_some(
    desired: Index,
    source_refs: Collection[str],
    observed: Iterable[Line],
    read_desired: Callable[[str, Place], bytes],
    equality: Equality,
) -> Diff:
    """
    Compare some entries only. Other listed entries are ignored, and an entry may be listed more than once.

    Args:
        source_refs: The entries to compare. One that is not in *observed* is absent.

    Raises:
        UnknownAnswer: A listed line is not a JSON object, and names no image.
        ListingMoved: One entry is listed with different content.
    """
    lines: dict[str, Line] = {}
    for line in observed:
        fields = parse_observed(line[0])
        source_ref = fields.get(SOURCE_REF)
        if not isinstance(source_ref, str) or source_ref not in source_refs:
            continue
        known = lines.setdefault(source_ref, line)
        if known is not line and _canonical(parse_observed(known[0])) != _canonical(fields):
            raise ListingMoved(f"{source_ref} is listed twice: the listing is not one state")
    comparison = _Comparison(desired, read_desired, equality)
    comparison.compare(lines.values(), by_hash=desired.hashes_pay(len(lines)))
    return comparison.diff(source_refs)


class _Comparison:
    """The state of one comparison."""

    def __init__(
        self, desired: Index, read_desired: Callable[[str, Place], bytes], equality: Equality
    ) -> None:
        self._desired = desired
        self._read = read_desired
        self._equality = equality
        self._seen = bytearray(len(desired))
        self._elsewhere: set[str] = set()
        self._changes: list[Change] = []
        self._errored: list[tuple[str, tuple[str, ...]]] = []
        self._ignored: list[tuple[str, bytes, bytes]] = []
        self._others: list[tuple[str, Place]] = []
        self._unchanged = self._observed = 0
        self._form: Form | None = None  # of the last line that was listed otherwise than it was sent

    def compare(self, observed: Iterable[Line], *, by_hash: bool = True) -> None:
        lines, expected = iter(observed), 0
        while part := list(islice(lines, _TOGETHER)):
            self._observed += len(part)
            if by_hash:
                expected = self._compare_texts(part, expected)
            else:
                for line in part:
                    self._compare_parsed(line)

    def _compare_texts(self, part: Sequence[Line], expected: int) -> int:
        """Compare lines, the first with the row *expected*; return the row that is expected after them."""
        desired, seen, done = self._desired, self._seen, 0
        raws = [raw for raw, _, _ in part]
        hashed: Sequence[int] = ()
        while done < len(part):
            if self._form is not None:
                equal = desired.formed_in_order(raws[done : done + _IN_A_RUN], expected, self._form)
            else:
                hashed = hashed or hash_listed(raws)
                equal = desired.listed_in_order(hashed[done:], expected)
            if equal and not any(seen[expected : expected + equal]):
                seen[expected : expected + equal] = b"\1" * equal
                self._unchanged += equal
                expected, done = expected + equal, done + equal
                continue
            row, form = desired.row_listed(raws[done], self._read)
            if row is None or seen[row]:
                self._compare_parsed(part[done])
            else:
                seen[row], expected, self._form = 1, row, form
                self._unchanged += 1
            expected, done = expected + 1, done + 1
        return expected

    def _compare_parsed(self, line: Line) -> None:
        fields = parse_observed(line[0])
        source_ref = fields.get(SOURCE_REF)
        if not isinstance(source_ref, str):
            self._observed -= 1  # it holds only errors: of which image is not known
            return
        row = self._desired.row(source_ref)
        if source_ref in self._elsewhere or (row is not None and self._seen[row]):
            raise ListingMoved(f"{source_ref} is listed twice: the listing is not one state")
        codes = error_codes(fields) if _may_complain(line[0]) or UNREADABLE in fields else ()
        if row is None:
            self._elsewhere.add(source_ref)
            if source_ref not in self._desired.void:
                before = digest(_canonical(fields))
                orphan = Change(Action.ORPHAN, source_ref, None, place_of(line), before, codes=codes)
                self._changes.append(orphan)
            else:
                self._others.append((source_ref, place_of(line)))
            return
        self._seen[row] = 1
        if codes:
            self._errored.append((source_ref, codes))
            self._others.append((source_ref, place_of(line)))
        self._compare_fields(row, source_ref, fields, line)

    def _compare_fields(self, row: int, source_ref: str, fields: Fields, observed: Line) -> None:
        place = self._desired.place(row)
        raw = self._read(source_ref, place)
        wanted = orjson.loads(raw)
        is_readable = UNREADABLE not in fields
        if is_readable and are_same((raw, wanted), (observed[0], fields)):
            self._unchanged += 1
            return
        after, before = digest(canonical(wanted)), digest(_canonical(fields))
        text = self._equality.text
        if is_readable and not self._equality.is_exact and text(wanted) == text(fields):
            self._ignored.append((source_ref, after, before))
        else:
            change = Change(Action.UPDATE, source_ref, place, place_of(observed), before, after)
            self._changes.append(change)

    def diff(self, source_refs: Iterable[str] | None = None) -> Diff:
        """Return the diff. Entries not observed, of *source_refs* or of all desired entries, become adds."""
        if source_refs is None:
            source_refs = self._desired.source_refs if self._seen.count(1) < len(self._desired) else ()
        for source_ref in source_refs:
            row = self._desired.row(source_ref)
            if row is not None and not self._seen[row]:
                place = self._desired.place(row)
                self._changes.append(Change(Action.ADD, source_ref, place, None))
        self._changes.sort(key=lambda change: change.source_ref)
        return Diff(
            changes=tuple(self._changes),
            desired=len(self._desired),
            observed=self._observed,
            unchanged=self._unchanged,
            ignored=tuple(self._ignored),
            errored=tuple(sorted(self._errored)),
            others=tuple(self._others),
        )


def _canonical(fields: Fields) -> bytes:
    """Return the canonical text of a listed line."""
    try:
        return canonical(fields)
    except BadLine as exc:
        raise UnknownAnswer(f"a listed line cannot be compared: {exc}") from exc


def _may_complain(raw: bytes) -> bool:
    """Return whether a listed line may contain an error list, whose key may be written with escapes."""
    return b'errors"' in raw or b"\\u" in raw
