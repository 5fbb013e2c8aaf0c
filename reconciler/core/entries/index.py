"""An index from source-ref to the location of the desired line: about 200 bytes an entry, without text."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, KeysView
from struct import Struct
from typing import Final, NamedTuple

import orjson
from msgspec.json import format as without_spaces

from reconciler.core.entries.entry import names_lists

_HEAD: Final = b'{"source-ref":"'
_REF_FROM: Final = len(_HEAD)
_KEY: Final = b'"source-ref":"'
_SERVICE_KEY: Final = b'"cl-metadata":{'
_BRACE: Final = ord("}")

_LABELED: Final = b',"cl-metadata":{"is_labeled":true}}'
_BEFORE_LABELED: Final = -len(_LABELED)
# The possible ends of a listed line without errors, written by the service or by a tool that saves listings.
_ENDS: Final = (
    _LABELED,
    b',"cl-metadata":{"is_labeled":false}}',
    b', "cl-metadata": {"is_labeled": true}}',
    b', "cl-metadata": {"is_labeled": false}}',
    b"}",
)

_PLACE: Final = Struct("<IQII")
_START: Final = Struct("<IQ")
_pack: Final = _PLACE.pack


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

    __slots__ = ("_all_compact", "_prints", "_rows", "_table", "void")

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._table = bytearray()  # packed `Place` records: one append instead of four
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
            place: The fields of a `Place`.
            clean: Whether the line is known to hold no service key; True skips that check.
        """
        prints = self._prints
        row = len(prints)
        if (self.void and source_ref in self.void) or self._rows.setdefault(source_ref, row) != row:
            return False
        self._table += _pack(*place)
        if raw[:_REF_FROM] != _HEAD:
            self._all_compact = False
        # The service appends its keys before the last brace, so that is left out of the hash. A line that
        # already holds service keys is never listed verbatim.
        prints.append(hash(raw[:-1] if raw[-1] == _BRACE and (clean or _is_clean(raw)) else raw))
        return True

    def discard(self, source_ref: str) -> None:
        """Remove one entry and mark its source-ref as void."""
        self._rows.pop(source_ref, None)
        self.void.add(source_ref)

    def row(self, source_ref: str) -> int | None:
        """Return the row number of an entry: stable and below `rows`; None if absent."""
        return self._rows.get(source_ref)

    @property
    def rows(self) -> int:
        """The number of rows, including those of discarded entries."""
        return len(self._prints)

    def place(self, row: int) -> Place:
        return Place(*_PLACE.unpack_from(self._table, row * _PLACE.size))

    def is_in(self, row: int, file: int, offset: int) -> bool:
        """Return whether the line of *row* stands there."""
        return _START.unpack_from(self._table, row * _PLACE.size) == (file, offset)

    def print(self, row: int) -> int:
        """
        Return a 64-bit hash of the line's text; two texts collide with probability 2**-64.

        Python keys its hashes differently in each process: never store one.
        """
        return self._prints[row]

    def is_at(self, row: int, raw: bytes) -> bool:
        """Return whether *raw* is the text of the line in *row*."""
        return self._prints[row] == hash(raw) or (raw[-1:] == b"}" and self._prints[row] == hash(raw[:-1]))

    def listed_as(self, raw: bytes, expected: int = 0) -> int | None:
        """
        Return the row whose text equals this listed line, apart from the keys that the service appends.

        None leaves open whether the entries are equal. Nothing is parsed: a wrongly located source-ref does
        no harm because the hash of the whole text is compared. Equal texts are equal entries, and prove that
        the service holds no error lists.

        Args:
            expected: The row to try first: most listings keep the order in which the dataset was filled.
        """
        body = raw[:_BEFORE_LABELED] if raw.endswith(_LABELED) else _body(raw)
        prints, printed = self._prints, hash(body)
        if expected < len(prints) and prints[expected] == printed and not self.void:
            return expected
        row = self._rows.get(_named(raw))
        return row if row is not None and prints[row] == printed else None

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
