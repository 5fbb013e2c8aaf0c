"""Where each desired line stands, by source-ref: some 200 bytes an entry, never its text."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, KeysView
from struct import Struct
from typing import Final, NamedTuple

from msgspec.json import format as without_spaces

from reconciler.core.entries.entry import names_lists

_HEAD: Final = b'{"source-ref":"'
_REF_FROM: Final = len(_HEAD)
_BRACE: Final = ord("}")

_LABELED: Final = b',"cl-metadata":{"is_labeled":true}}'
_BEFORE_LABELED: Final = -len(_LABELED)
# How the service, or who writes down what it lists, ends a line that it stored without complaint.
_ENDS: Final = (
    _LABELED,
    b',"cl-metadata":{"is_labeled":false}}',
    b', "cl-metadata": {"is_labeled": true}}',
    b', "cl-metadata": {"is_labeled": false}}',
    b"}",
)

_PLACE: Final = Struct("<IQII")
_pack: Final = _PLACE.pack


class Place(NamedTuple):
    """
    Where a line stands.

    Attributes:
        file: Number of the file it stands in, in the order in which the files were read.
        offset: Bytes before the line.
        length: Bytes of the line, its end excluded.
        line: Number of the line in that file, from 1.
    """

    file: int
    offset: int
    length: int
    line: int


def _is_clean(raw: bytes) -> bool:
    """Tell whether a line surely holds no key of the service: a needless look costs time, a missed one truth."""
    return not (names_lists(raw) or b'"cl-' in raw)


class Index:
    """
    The desired entries, in the order in which they were read.

    A source-ref that is desired, but whose line cannot be used, is *void*: it is neither sent nor called an
    orphan, because nobody can say what it should be.
    """

    __slots__ = ("_all_compact", "_prints", "_rows", "_table", "void")

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._table = bytearray()  # of places, packed: one append instead of four
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
        Note one usable line at a `Place`; return False, and note nothing, if its source-ref is known already.

        Args:
            clean: Whether the line is known to hold no key of the service. Knowing saves the look.
        """
        prints = self._prints
        row = len(prints)
        if (self.void and source_ref in self.void) or self._rows.setdefault(source_ref, row) != row:
            return False
        self._table += _pack(*place)
        if raw[:_REF_FROM] != _HEAD:
            self._all_compact = False
        # The service goes on where the last brace was. A line that holds keys of its own is never listed as it is.
        prints.append(hash(raw[:-1] if raw[-1] == _BRACE and (clean or _is_clean(raw)) else raw))
        return True

    def discard(self, source_ref: str) -> None:
        """Take one entry out and call its source-ref void."""
        self._rows.pop(source_ref, None)
        self.void.add(source_ref)

    def row(self, source_ref: str) -> int | None:
        """Return the row of an entry: below `rows`, and stable."""
        return self._rows.get(source_ref)

    @property
    def rows(self) -> int:
        """How many rows there are; rows of discarded entries included."""
        return len(self._prints)

    def place(self, row: int) -> Place:
        return Place(*_PLACE.unpack_from(self._table, row * _PLACE.size))

    def print(self, row: int) -> int:
        """
        Return 64 bits that stand for the text of the line; chance errs once in 2**64.

        Hashes are keyed anew in each process; never store one.
        """
        return self._prints[row]

    def is_at(self, row: int, raw: bytes) -> bool:
        """Tell whether this is the text of that line."""
        return self._prints[row] == hash(raw) or (raw[-1:] == b"}" and self._prints[row] == hash(raw[:-1]))

    def listed_as(self, raw: bytes, expected: int = 0) -> int | None:
        """
        Return the row of the entry that this listed line is, word for word. None proves nothing.

        Nothing is parsed: whatever stands where a source-ref is looked for, the text must be that row's own. Equal
        texts are equal entries, and prove that the service holds no error lists.

        Args:
            expected: The row that is looked at first: most listings keep the order in which they were filled.
        """
        body = raw[:_BEFORE_LABELED] if raw.endswith(_LABELED) else _body(raw)
        prints, printed = self._prints, hash(body)
        if expected < len(prints) and prints[expected] == printed and not self.void:
            return expected
        row = self._rows.get(_named(raw))
        return row if row is not None and prints[row] == printed else None

    def listed_without_spaces(self, raw: bytes, read: Callable[[str, Place], bytes]) -> int | None:
        """
        Do the same for a desired line that is written with spaces: it travels, and is listed, without.

        Args:
            read: Gives the text of a desired line.
        """
        if self._all_compact or (row := self._rows.get(source_ref := _named(raw))) is None:
            return None
        text = read(source_ref, self.place(row))
        if self._prints[row] != hash(text[:-1]):
            return None  # it holds keys of the service
        try:
            sent: bytes = without_spaces(text, indent=-1)
        except RecursionError:
            return None
        return row if sent[:-1] == _body(raw) else None

    def items(self) -> Iterator[tuple[str, Place]]:
        """Give every usable entry, ordered by source-ref."""
        for source_ref in sorted(self._rows):
            yield source_ref, self.place(self._rows[source_ref])


def _body(raw: bytes) -> bytes:
    """Return a listed line up to where its author's part ends: the last brace, or the service's keys."""
    for end in _ENDS:
        if raw.endswith(end):
            return raw[: -len(end)]
    return b""  # a cut line is nobody's


def _named(raw: bytes) -> str:
    """Return what stands where a listed line names its image, if it does so first of all."""
    start = raw.find(b'"', _REF_FROM - 1) + 1  # there may be a space behind the colon
    return raw[start : raw.find(b'"', start)].decode(errors="replace")
