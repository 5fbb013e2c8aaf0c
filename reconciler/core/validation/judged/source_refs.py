"""
The source-refs of the lines of a file, as one text for as long as only some of them are asked for.

A check after an edit asks for those of the lines that changed. To make a string of each of 250,000 would cost it
more than to read the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, overload

from msgspec import Struct

_NONE: Final = b"\xff"  # never part of UTF-8
_MAX_BYTES: Final = (1 << 32) - 1
_FEW: Final = 20
"""One line in as many: with fewer it costs less to decode each than all at once."""


class StoredRefs(Struct, array_like=True, frozen=True):
    """
    Source-refs as they are stored.

    Attributes:
        ends: Where each of them ends in `text`, as 32-bit integers in the order of this machine.
        text: All of them, one after the other, in UTF-8.
    """

    ends: memoryview = memoryview(b"")
    text: memoryview = memoryview(b"")


class SourceRefs(Sequence[str | None]):
    """
    The source-ref of each line; None of a line without.

    Raises:
        ValueError: What is stored does not hold together.
    """

    def __init__(self, stored: StoredRefs | None = None) -> None:
        self._list: list[str | None] | None = [] if stored is None else None
        self._stored = stored is not None  # whether these are all of them
        self._ends, self._text = array("I"), memoryview(b"")
        if stored is not None:
            self._ends.frombytes(stored.ends)
            self._text = stored.text
            if (self._ends[-1] if self._ends else 0) != len(stored.text):
                raise ValueError("the remembered source-refs of a file do not hold together")

    def __reduce__(self) -> tuple[Callable[..., SourceRefs], tuple[object, ...]]:
        """Go to another process as one text if that is possible: it makes strings only of what it asks for."""
        if self.stored() is None:
            return _listed, (self._list,)
        return _restored, (self._ends.tobytes(), bytes(self._text))

    def __len__(self) -> int:
        return len(self._ends) if self._list is None else len(self._list)

    def __iter__(self) -> Iterator[str | None]:
        return iter(self._whole())

    @overload
    def __getitem__(self, at: int) -> str | None: ...
    @overload
    def __getitem__(self, at: slice) -> list[str | None]: ...
    def __getitem__(self, at: int | slice) -> str | list[str | None] | None:
        if self._list is not None:
            return self._list[at]
        if isinstance(at, slice):
            return self.at(range(*at.indices(len(self))))
        return self._decoded(range(len(self))[at])

    def _decoded(self, row: int) -> str | None:
        piece = bytes(self._text[self._ends[row - 1] if row else 0 : self._ends[row]])
        return None if piece == _NONE else piece.decode(errors="surrogatepass")

    def at(self, rows: Sequence[int]) -> list[str | None]:
        """Return those of some lines."""
        if self._list is not None:
            return [*map(self._list.__getitem__, rows)]
        if len(rows) * _FEW < len(self):
            return [*map(self._decoded, rows)]
        ends = self._ends
        try:
            text = str(self._text, "ascii")  # so that a place in the text is one in the bytes
        except UnicodeDecodeError:
            return [*map(self._decoded, rows)]
        return [text[ends[row - 1] if row else 0 : ends[row]] for row in rows]

    def extend(self, refs: Iterable[str | None]) -> None:
        self._whole().extend(refs)
        self._stored = False

    def _whole(self) -> list[str | None]:
        if self._list is None:
            self._list = self[:]
        return self._list

    def stored(self) -> StoredRefs | None:
        """Return what to store; None if that is too much."""
        if not self._stored:
            text, sizes = _encoded(self._whole())
            if len(text) > _MAX_BYTES:
                return None
            self._ends, self._text = array("I", accumulate(sizes)), memoryview(text)
            self._stored = True
        return StoredRefs(memoryview(self._ends).cast("B"), self._text)


def _encoded(refs: Sequence[str | None]) -> tuple[bytes, Iterable[int]]:
    """Return all refs as one text, and the bytes of each in it."""
    known = [ref for ref in refs if ref is not None]
    if len(known) == len(refs) and (text := "".join(known)).isascii():
        return text.encode(), map(len, known)
    parts = [_NONE if ref is None else ref.encode(errors="surrogatepass") for ref in refs]
    return b"".join(parts), map(len, parts)


def _restored(ends: bytes, text: bytes) -> SourceRefs:
    return SourceRefs(StoredRefs(memoryview(ends), memoryview(text)))


def _listed(refs: list[str | None]) -> SourceRefs:
    found = SourceRefs()
    found.extend(refs)
    return found
