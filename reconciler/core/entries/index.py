"""An index from source-ref to the location of the desired line: about 200 bytes an entry, without text."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, KeysView, Sequence
from itertools import compress, count
from operator import ne
from typing import Final, NamedTuple

import orjson
from msgspec.json import format as without_spaces

from reconciler.core.entries.entry import names_lists
from reconciler.core.entries.lines import Block

_HEAD: Final = b'{"source-ref":"'
_REF_FROM: Final = len(_HEAD)
_KEY: Final = b'"source-ref":"'
_SERVICE_KEY: Final = b'"cl-metadata":{'
_BRACE: Final = ord("}")

_LABELED: Final = b',"cl-metadata":{"is_labeled":true}}'
_UNLABELED: Final = b',"cl-metadata":{"is_labeled":false}}'
_BEFORE_LABELED: Final = -len(_LABELED)
_BEFORE_UNLABELED: Final = -len(_UNLABELED)
# The possible ends of a listed line without errors, written by the service or by a tool that saves listings.
_ENDS: Final = (
    _LABELED,
    _UNLABELED,
    b', "cl-metadata": {"is_labeled": true}}',
    b', "cl-metadata": {"is_labeled": false}}',
    b"}",
)


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


def _is_clean(raw: bytes) -> bool:
    """Return whether a line certainly holds no service key. False negatives only cost time."""
    return not (names_lists(raw) or b'"cl-' in raw)


class Index:
    """
    The desired entries, in the order in which they were read.

    A desired source-ref whose line cannot be used is *void*: its content is unknown, so it is neither sent
    nor treated as an orphan.
    """

    __slots__ = ("_all_compact", "_lengths", "_numbers", "_offsets", "_prints", "_rows", "_starts", "void")

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        # A place, by row: one array a field, so that many lines are added at once.
        self._offsets = array("Q")
        self._lengths = array("I")
        self._numbers = array("I")
        self._starts = array("I")  # by file: its first row
        self._prints = array("q")
        self._all_compact = True
        self.void: set[str] = set()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, source_ref: str) -> bool:
        return source_ref in self._rows

    @property
    def source_refs(self) -> KeysView[str]:
        return self._rows.keys()

    def add(
        self, source_ref: str, place: tuple[int, int, int, int], raw: bytes, *, clean: bool = False
    ) -> bool:
        """
        Add one usable line; return False, and add nothing, if its source-ref is present or void.

        Args:
            place: The fields of a `Place`; files come in order.
            clean: Whether the line is known to hold no service key; True skips that check.
        """
        row = self.rows
        if (self.void and source_ref in self.void) or self._rows.setdefault(source_ref, row) != row:
            return False
        file, offset, length, number = place
        self._begin(file)
        self._offsets.append(offset)
        self._lengths.append(length)
        self._numbers.append(number)
        self._prints.append(self._print_of(raw, clean=clean))
        return True

    def extend(
        self, file: int, source_refs: Sequence[str], block: Block, unclean: Sequence[int] = ()
    ) -> bool:
        """
        Add consecutive lines, all usable; return False, and add nothing, if `add` would refuse one.

        Args:
            unclean: The positions in the block of lines that may hold a service key.
        """
        row, rows, texts = self.rows, self._rows, block.texts
        if not rows.keys().isdisjoint(source_refs) or not self.void.isdisjoint(source_refs):
            return False
        added = dict(zip(source_refs, range(row, row + len(texts)), strict=True))
        if len(added) != len(texts):
            return False
        rows |= added
        self._begin(file)
        self._offsets.extend(block.offsets)
        self._lengths.extend(map(len, texts))
        self._numbers.extend(range(block.first, block.first + len(texts)))
        # A line without problems is an object, and ends with its brace.
        self._prints.extend(map(hash, [text[:-1] for text in texts]))
        if self._all_compact:
            self._all_compact = all(text.startswith(_HEAD) for text in texts)
        for position in unclean:
            self._prints[row + position] = self._print_of(texts[position], clean=False)
        return True

    def _begin(self, file: int) -> None:
        """Note the file of the next row."""
        if file >= len(self._starts):
            self._starts.extend([self.rows] * (file + 1 - len(self._starts)))

    def _print_of(self, raw: bytes, *, clean: bool) -> int:
        if raw[:_REF_FROM] != _HEAD:
            self._all_compact = False
        # The service appends its keys before the last brace, so that is left out of the hash. A line that
        # already holds service keys is never listed verbatim.
        return hash(raw[:-1] if raw[-1] == _BRACE and (clean or _is_clean(raw)) else raw)

    def discard(self, source_ref: str) -> None:
        """Remove one entry and mark its source-ref as void."""
        self._rows.pop(source_ref, None)
        self.void.add(source_ref)

    def row(self, source_ref: str) -> int | None:
        """Return the row number of an entry: stable and below `rows`; None if absent."""
        return self._rows.get(source_ref)

    def rows_of(self, source_refs: Sequence[str]) -> list[int | None]:
        """Return what `row` gives for each."""
        return list(map(self._rows.get, source_refs))

    @property
    def rows(self) -> int:
        """The number of rows, including those of discarded entries."""
        return len(self._prints)

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

    def print(self, row: int) -> int:
        """
        Return a 64-bit hash of the line's text; two texts collide with probability 2**-64.

        Python keys its hashes differently in each process: never store one.
        """
        return self._prints[row]

    def is_at(self, row: int, raw: bytes) -> bool:
        """Return whether *raw* is the text of the line in *row*."""
        return self._prints[row] == hash(raw) or (raw[-1:] == b"}" and self._prints[row] == hash(raw[:-1]))

    def listed_as(self, raw: bytes, expected: int = 0, printed: int | None = None) -> int | None:
        """
        Return the row whose text equals this listed line, apart from the keys that the service appends.

        None leaves open whether the entries are equal. Nothing is parsed: a wrongly located source-ref does
        no harm because the hash of the whole text is compared. Equal texts are equal entries, and prove that
        the service holds no error lists.

        Args:
            expected: The row to try first: most listings keep the order in which the dataset was filled.
            printed: What `print_listed` returns of it, if that is known.
        """
        prints = self._prints
        printed = hash(_body(raw)) if printed is None else printed
        if expected < len(prints) and prints[expected] == printed and not self.void:
            return expected
        row = self._rows.get(_named(raw))
        return row if row is not None and prints[row] == printed else None

    def row_listed(self, raw: bytes, printed: int, read: Callable[[str, Place], bytes]) -> int | None:
        """Do the same as `listed_as`, and where that leaves it open, as the two below."""
        row = self.listed_as(raw, printed=printed)
        if row is None:
            row = self.listed_without_spaces(raw, read)
        return self.listed_sorted(raw, read) if row is None else row

    def listed_in_order(self, printed: Sequence[int], expected: int) -> int:
        """
        Return how many listed lines, from the first on, are those of the rows from *expected* on.

        Args:
            printed: Of each listed line, as `print_listed` returns it.
        """
        rows = self._prints[expected : expected + len(printed)]
        differs = map(ne, printed, rows)
        return 0 if self.void else next(compress(count(), differs), len(rows))

    def listed_without_spaces(self, raw: bytes, read: Callable[[str, Place], bytes]) -> int | None:
        """
        Do the same as `listed_as` for a desired line with spaces, which is sent and listed without them.

        Args:
            read: Returns the text of a desired line.
        """
        if self._all_compact or (row := self._rows.get(source_ref := _named(raw))) is None:
            return None
        text = read(source_ref, self.place(row))
        if self._prints[row] != hash(text[:-1]):
            return None  # it holds service keys
        try:
            sent: bytes = without_spaces(text, indent=-1)
        except RecursionError:
            return None
        return row if sent[:-1] == _body(raw) else None

    def listed_sorted(self, raw: bytes, read: Callable[[str, Place], bytes]) -> int | None:
        """
        Do the same as `listed_as` for a service that sorts the keys of the lines it lists.

        The desired line is parsed and written as such a service would: half of the cost of parsing and comparing
        both. The same text proves the same entry, and that the service added no more than its own key.

        Args:
            read: Returns the text of a desired line.
        """
        if raw.startswith(_HEAD) or names_lists(raw):
            return None
        source_ref = raw[raw.find(_KEY) + len(_KEY) :].partition(b'"')[0].decode(errors="replace")
        if (row := self._rows.get(source_ref)) is None:
            return None
        fields = orjson.loads(read(source_ref, self.place(row)))
        if _SERVICE_KEY in raw:
            fields["cl-metadata"] = {"is_labeled": b'"is_labeled":true' in raw}
        return row if orjson.dumps(fields, option=orjson.OPT_SORT_KEYS) == raw else None

    def items(self) -> Iterator[tuple[str, Place]]:
        """Yield every usable entry, ordered by source-ref."""
        for source_ref in sorted(self._rows):
            yield source_ref, self.place(self._rows[source_ref])


def print_listed(raws: Sequence[bytes]) -> Sequence[int]:
    """Return a hash of each listed line, apart from what the service appends; see `Index.print`."""
    bodies = [
        raw[:_BEFORE_LABELED]
        if raw.endswith(_LABELED)
        else raw[:_BEFORE_UNLABELED]
        if raw.endswith(_UNLABELED)
        else _body(raw)
        for raw in raws
    ]
    return list(map(hash, bodies))


def _body(raw: bytes) -> bytes:
    """Return a listed line without its last brace and the service's keys."""
    for end in _ENDS:
        if raw.endswith(end):
            return raw[: -len(end)]
    return b""  # a truncated line equals no entry


def _named(raw: bytes) -> str:
    """Return the source-ref of a listed line, provided that it is the first key; else arbitrary text."""
    start = raw.find(b'"', _REF_FROM - 1) + 1  # a space may follow the colon
    return raw[start : raw.find(b'"', start)].decode(errors="replace")
