"""An index from source-ref to the location of the desired line: about 200 bytes an entry, without text."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, KeysView, Sequence
from itertools import compress, count
from operator import ne
from typing import BinaryIO, Final, NamedTuple

from reconciler.core.entries.entry import names_lists
from reconciler.core.entries.lines import TEXT_DIGEST_BYTES, text_digest
from reconciler.core.entries.listed_form import (
    HEAD,
    Form,
    body_of,
    is_sorted,
    is_without_spaces,
    named_first,
    named_further_on,
)

_MAX_BYTES: Final = 1 << 20  # from one line to the last that is read with it


class Place(NamedTuple):
    """
    The location of a line.

    Attributes:
        file: Number of its file, in the order in which the files were read.
        offset: Bytes before the line.
        length: Bytes of the line without its newline.
        line: Number of the line in that file, from 1.
    """

    file: int
    offset: int
    length: int
    line: int


class IndexedLines(NamedTuple):
    """
    The usable lines of one file, in its order; one sequence for each fact.

    Attributes:
        offsets, lengths, numbers: As in `Place`.
        hashes: As `Index.text_hash` returns them; None if they are computed when they are asked for.
    """

    source_refs: Sequence[str]
    offsets: Iterable[int]
    lengths: Iterable[int]
    numbers: Iterable[int]
    hashes: Iterable[int] | None


class Index:
    """
    The desired entries, in the order in which they were read.

    A desired source-ref whose line cannot be used is *void*: its content is unknown, so it is neither sent
    nor treated as an orphan.

    Args:
        files: No source-ref is in two of their lines, nor in *void*.
        texts: The text digests of all lines, in order; empty if they are not known.
        is_compact: Whether the source-ref is the first key of all lines that have hashes.
    """

    def __init__(
        self,
        files: Iterable[IndexedLines] = (),
        void: Collection[str] = (),
        texts: bytes = b"",
        *,
        is_compact: bool = True,
    ) -> None:
        self._rows: dict[str, int] = {}
        # A place, by row: one array a field.
        self._offsets, self._lengths, self._numbers = array("Q"), array("I"), array("I")
        self._starts = array("I")  # by file: its first row
        self._hashes: array[int] | None = array("q")
        self._is_compact = is_compact
        self.void, self.texts = frozenset(void), texts
        self.read_hashes: Callable[[], tuple[array[int], bool]] | None = None
        self.open_file: Callable[[int], BinaryIO] | None = None  # by its number
        for lines in files:
            self._starts.append(row := len(self._rows))
            self._rows |= zip(lines.source_refs, count(row), strict=False)
            self._offsets.extend(lines.offsets)
            self._lengths.extend(lines.lengths)
            self._numbers.extend(lines.numbers)
            if lines.hashes is None or self._hashes is None:
                self._hashes = None
            else:
                self._hashes.extend(lines.hashes)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, source_ref: str) -> bool:
        return source_ref in self._rows

    @property
    def source_refs(self) -> KeysView[str]:
        return self._rows.keys()

    def row(self, source_ref: str) -> int | None:
        """Return the row number of an entry: from 0, in the order in which they were read; None if absent."""
        return self._rows.get(source_ref)

    def rows_of(self, source_refs: Sequence[str]) -> list[int | None]:
        """Return what `row` gives for each."""
        return list(map(self._rows.get, source_refs))

    @property
    def size(self) -> int:
        """The bytes of all lines, without newlines."""
        return sum(self._lengths)

    def place(self, row: int) -> Place:
        file = bisect_right(self._starts, row) - 1
        return Place(file, self._offsets[row], self._lengths[row], self._numbers[row])

    def is_in(self, row: int, file: int, offset: int) -> bool:
        """Return whether the line of *row* stands there."""
        return self._offsets[row] == offset and bisect_right(self._starts, row) - 1 == file

    def is_at(self, row: int, raw: bytes) -> bool:
        """Return whether *raw* is the text of the line in *row*."""
        if self._hashes is None and self.texts:
            at = row * TEXT_DIGEST_BYTES
            return self.texts[at : at + TEXT_DIGEST_BYTES] == text_digest(raw)
        hashed = self._text_hashes[row]
        return hashed == hash(raw) or (raw[-1:] == b"}" and hashed == hash(raw[:-1]))

    def text_hash(self, row: int) -> int:
        """
        Return a 64-bit hash of the line's text; two texts collide with probability 2**-64.

        Python keys its hashes differently in each process: never store one.
        """
        return self._text_hashes[row]

    def hashes_pay(self, listed: int) -> bool:
        """Return whether comparing so many listed lines by hashes pays, which may have to be read first."""
        return self._hashes is not None or listed > len(self) // 16

    @property
    def _text_hashes(self) -> array[int]:
        if self._hashes is None:
            if self.read_hashes is None:
                raise ValueError("the texts of the lines are not known")
            self._hashes, self._is_compact = self.read_hashes()
        return self._hashes

    def listed_as(self, raw: bytes, expected: int = 0) -> int | None:
        """
        Return the row whose text equals this listed line, apart from the keys that the service appends.

        None leaves open whether the entries are equal. Nothing is parsed: a wrongly located source-ref does
        no harm because the hash of the whole text is compared. Equal texts are equal entries, and prove that
        the service holds no error lists.

        Args:
            expected: The row to try first: most listings keep the order in which the dataset was filled.
        """
        hashes, hashed = self._text_hashes, hash(body_of(raw))
        if expected < len(hashes) and hashes[expected] == hashed:
            return expected
        row = self._rows.get(named_first(raw))
        return row if row is not None and hashes[row] == hashed else None

    def row_listed(self, raw: bytes, read: Callable[[str, Place], bytes]) -> tuple[int | None, Form | None]:
        """
        Do the same as `listed_as`, and where that leaves it open, as the two below.

        Returns:
            The row, and the form of the listed line if that is not how it was sent.
        """
        if (row := self.listed_as(raw)) is not None:
            return row, None
        if (row := self.listed_without_spaces(raw, read)) is not None:
            return row, is_without_spaces
        return self.listed_sorted(raw, read), is_sorted

    def listed_in_order(self, hashed: Sequence[int], expected: int) -> int:
        """
        Return how many listed lines, from the first on, are those of the rows from *expected* on.

        Args:
            hashed: Of each listed line, as `hash_listed` returns it.
        """
        rows = self._text_hashes[expected : expected + len(hashed)]
        differs = map(ne, hashed, rows)
        return next(compress(count(), differs), len(rows))

    def formed_in_order(self, raws: Sequence[bytes], expected: int, form: Form) -> int:
        """Do the same as `listed_in_order` for lines in another form; 0 if the files cannot be opened."""
        if self.open_file is None or expected >= len(self):
            return 0
        hashes = self._text_hashes[expected : expected + len(raws)]
        texts = self._texts(expected, len(raws), self.open_file)
        rows = 0
        for raw, text, hashed in zip(raws, texts, hashes, strict=False):
            if hashed != hash(text[:-1]) or not form(text, raw):
                break  # it has changed, holds service keys, or is another line
            rows += 1
        return rows

    def _texts(self, start: int, most: int, open_file: Callable[[int], BinaryIO]) -> Iterator[bytes]:
        """Yield the texts of rows that stand in one file, read together: a third of the cost of one by one."""
        file = bisect_right(self._starts, start) - 1
        end = self._starts[file + 1] if file + 1 < len(self._starts) else len(self)
        first, stop = self._offsets[start], min(start + most, end)
        stop = bisect_left(self._offsets, first + _MAX_BYTES, start + 1, stop)
        stream = open_file(file)
        stream.seek(first)
        whole = stream.read(self._offsets[stop - 1] + self._lengths[stop - 1] - first)
        for offset, length in zip(self._offsets[start:stop], self._lengths[start:stop], strict=True):
            yield whole[offset - first : offset - first + length]

    def listed_without_spaces(self, raw: bytes, read: Callable[[str, Place], bytes]) -> int | None:
        """
        Do the same as `listed_as` for a desired line with spaces, which is sent and listed without them.

        Args:
            read: Returns the text of a desired line.
        """
        if self._is_compact or (row := self._rows.get(source_ref := named_first(raw))) is None:
            return None
        text = read(source_ref, self.place(row))
        if self._text_hashes[row] != hash(text[:-1]):
            return None  # it holds service keys
        return row if is_without_spaces(text, raw) else None

    def listed_sorted(self, raw: bytes, read: Callable[[str, Place], bytes]) -> int | None:
        """
        Do the same as `listed_as` for a service that sorts the keys of the lines it lists.

        Args:
            read: Returns the text of a desired line.
        """
        if raw.startswith(HEAD) or names_lists(raw):
            return None
        source_ref = named_further_on(raw)
        if (row := self._rows.get(source_ref)) is None:
            return None
        return row if is_sorted(read(source_ref, self.place(row)), raw) else None

    def items(self) -> Iterator[tuple[str, Place]]:
        """Yield every usable entry, ordered by source-ref."""
        for source_ref in sorted(self._rows):
            yield source_ref, self.place(self._rows[source_ref])
