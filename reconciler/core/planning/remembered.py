"""
Remember a complete observation entry by entry, so that later specs can be compared without a listing.

Nearly every entry equals a desired line: of such an entry the digest of that line's text is remembered, and a
desired line with the same digest equals it again. Of any other entry the observed line itself is remembered.
An entry whose desired line changed since has neither, and must be read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import BinaryIO, Final, NamedTuple

import msgspec
from msgspec import Struct, field

from reconciler.core.entries.index import Index, Place
from reconciler.core.entries.lines import TEXT_DIGEST_BYTES, iter_lines, text_digest
from reconciler.core.planning.diff import Diff

_NO_TEXT: Final = bytes(TEXT_DIGEST_BYTES)

BLOCK_ENTRIES: Final = 2_000
"""Entries in one block: a change rewrites its block, about 50 kB when compressed."""


def text_digests(index: Index, files: Iterable[BinaryIO]) -> bytes:
    """
    Return the digests of the text of all indexed lines, by row, up to the first that is not as it was indexed.

    They are the same in every process. Takes about 2 µs an entry.

    Args:
        files: The files that were indexed, in order.
    """
    found, row = bytearray(), 0
    for number, file in enumerate(files):
        file.seek(0)
        for raw, offset, _ in iter_lines(file):
            if row < len(index) and index.is_in(row, number, offset):
                if not index.is_at(row, raw):
                    return bytes(found)
                found += text_digest(raw)
                row += 1
    return bytes(found)


class RememberedBlock(msgspec.Struct, array_like=True, frozen=True):
    """
    A run of remembered entries.

    Attributes:
        refs: Their source-refs, ascending.
        texts: The text digest of each one's equal desired line; zeros where the observed line is remembered.
        lines: The observed lines, by source-ref: of entries that equal no desired line, or that the service
            marked with errors.
        ignored: Exact digests, desired then observed, of entries that differ from their desired line in ignored
            fields.
    """

    refs: list[str]
    texts: bytes
    lines: dict[str, bytes]
    ignored: dict[str, bytes]


class Remembered(NamedTuple):
    """One remembered entry; the fields as in `RememberedBlock`."""

    text: bytes = _NO_TEXT
    line: bytes | None = None
    ignored: bytes = b""


class Recalled(Struct):
    """
    What remembered entries say about desired ones.

    Attributes:
        refs: Every remembered source-ref, ascending.
        unchanged: Number of entries that are equal on both sides.
        ignored: As in `Diff`.
        lines: The remembered observed lines of entries to compare again, by source-ref.
        unread: Observed entries whose line must be read.
        absent: Desired entries that were not observed.
    """

    refs: list[str] = field(default_factory=list)
    unchanged: int = 0
    ignored: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    lines: dict[str, bytes] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    @property
    def compared(self) -> frozenset[str]:
        """Return the source-refs that are to be compared again."""
        return frozenset((*self.lines, *self.unread, *self.absent))

    def completed(self, part: Diff, desired: int) -> Diff:
        """
        Return the diff of all entries.

        Args:
            part: The diff of the `compared` ones.
            desired: Number of usable desired entries.
        """
        return Diff(
            changes=part.changes,
            desired=desired,
            observed=len(self.refs),
            unchanged=self.unchanged + part.unchanged,
            ignored=(*self.ignored, *part.ignored),
            errored=part.errored,
            others=part.others,
        )


def recall(blocks: Iterable[RememberedBlock], desired: Index, texts: bytes) -> Recalled:
    """
    Compare remembered entries with desired ones. Reads no line; takes about 1 µs an entry.

    Args:
        texts: The text digests of the desired lines, by row.
    """
    found, size = Recalled(), TEXT_DIGEST_BYTES
    seen = bytearray(len(desired))
    for block in blocks:
        found.refs += block.refs
        rows = desired.rows_of(block.refs)
        if _are_all_equal(block, rows, texts):
            found.unchanged += len(rows)
            for equal in rows:
                seen[equal] = 1  # type: ignore[index]  # none of them is None
            continue
        for at, ref, row in zip(range(0, len(block.texts), size), block.refs, rows, strict=True):
            text = block.texts[at : at + size]
            if row is not None:
                seen[row] = 1
                if text == texts[row * size : row * size + size] and text != _NO_TEXT:
                    if block.ignored and (digests := block.ignored.get(ref)):
                        found.ignored.append((ref, digests[:size], digests[size:]))
                    else:
                        found.unchanged += 1
                    continue
            if (line := block.lines.get(ref)) is not None:
                found.lines[ref] = line
            elif row is not None or ref not in desired.void:
                found.unread.append(ref)
    found.absent += _not_seen(desired, seen)
    return found


def _not_seen(desired: Index, seen: bytearray) -> Iterator[str]:
    if seen.count(1) < len(desired):
        refs = list(desired.source_refs)
        for ref, row in zip(refs, desired.rows_of(refs), strict=True):
            if row is not None and not seen[row]:
                yield ref


def _are_all_equal(block: RememberedBlock, rows: Sequence[int | None], texts: bytes) -> bool:
    """Return whether each remembered entry of a block equals its desired line, none in ignored fields only."""
    if block.lines or block.ignored or None in rows:
        return False
    size = TEXT_DIGEST_BYTES
    starts = (row * size for row in rows if row is not None)
    return b"".join([texts[start : start + size] for start in starts]) == block.texts


class Memories:
    """
    Makes remembered entries of compared ones.

    Args:
        texts: The text digests of the desired lines, by row.
        read: Returns the observed line of a source-ref at its place.
    """

    def __init__(self, desired: Index, texts: bytes, diff: Diff, read: Callable[[str, Place], bytes]) -> None:
        self._desired = desired
        self._texts = texts
        self._read = read
        self._ignored = {ref: after + before for ref, after, before in diff.ignored}
        self._absent = {change.source_ref for change in diff.changes if change.observed is None}
        self._places = {c.source_ref: c.observed for c in diff.changes if c.observed is not None}
        self._places |= dict(diff.others)

    def of(self, source_ref: str) -> Remembered | None:
        """Return an entry in the form in which it is remembered; None if it was not observed."""
        if (place := self._places.get(source_ref)) is not None:
            return Remembered(line=self._read(source_ref, place))
        row = self._desired.row(source_ref)
        if row is None or source_ref in self._absent:
            return None
        at = row * TEXT_DIGEST_BYTES
        text = bytes(self._texts[at : at + TEXT_DIGEST_BYTES])
        return Remembered(text, ignored=self._ignored.get(source_ref, b""))

    def all(self) -> Iterator[tuple[str, Remembered]]:
        """Yield what to remember of every observed entry, ascending."""
        for ref in sorted({*self._desired.source_refs, *self._places}):
            if (entry := self.of(ref)) is not None:
                yield ref, entry


def blocks_of(entries: Iterable[tuple[str, Remembered]]) -> Iterator[RememberedBlock]:
    """Pack entries, ascending by source-ref, into blocks."""
    rest = iter(entries)
    while part := list(islice(rest, BLOCK_ENTRIES)):
        yield RememberedBlock(
            refs=[ref for ref, _ in part],
            texts=b"".join(entry.text for _, entry in part),
            lines={ref: entry.line for ref, entry in part if entry.line is not None},
            ignored={ref: entry.ignored for ref, entry in part if entry.ignored},
        )


class Replaced(NamedTuple):
    """Blocks that replace one block, which its first source-ref names; None for the first blocks of all."""

    first: str | None
    blocks: Sequence[RememberedBlock]


def patched(blocks: Iterable[RememberedBlock], patch: Mapping[str, Remembered | None]) -> Iterator[Replaced]:
    """
    Yield the blocks that change with some entries.

    Args:
        blocks: All of them, ascending.
        patch: The new entries by source-ref; None for one that is no longer observed.
    """
    by_block: dict[int, dict[str, Remembered | None]] = {}
    whole = list(blocks)
    firsts = [block.refs[0] for block in whole]
    for ref, entry in patch.items():
        by_block.setdefault(max(0, bisect_right(firsts, ref) - 1), {})[ref] = entry
    for number, changes in sorted(by_block.items()):
        before = dict(_entries(whole[number])) if whole else {}
        after = before | changes
        kept = sorted((ref, entry) for ref, entry in after.items() if entry is not None)
        if kept != list(before.items()):
            yield Replaced(firsts[number] if whole else None, tuple(blocks_of(kept)))


def _entries(block: RememberedBlock) -> Iterator[tuple[str, Remembered]]:
    for number, ref in enumerate(block.refs):
        at = number * TEXT_DIGEST_BYTES
        text = block.texts[at : at + TEXT_DIGEST_BYTES]
        yield ref, Remembered(text, block.lines.get(ref), block.ignored.get(ref, b""))
