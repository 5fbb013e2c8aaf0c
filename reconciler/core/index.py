"""Where each desired line stands, by source-ref: some 200 bytes an entry, never its text."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, KeysView
from struct import Struct
from typing import Final, NamedTuple

import orjson

from reconciler.core.entry import names_lists, without_service_keys


class _Style(NamedTuple):
    """
    A way to write a line.

    Attributes:
        head: What comes before the source-ref.
        labeled, unlabeled: How the service ends a line that it stored without complaint; the last brace is the
            line's own.
    """

    head: bytes
    labeled: bytes
    unlabeled: bytes

    def body(self, raw: bytes) -> bytes:
        """Return a listed line up to where its author's part ends: the last brace, or the service's keys."""
        for end in (self.labeled, self.unlabeled, b"}"):
            if raw.endswith(end):
                return raw[: -len(end)]
        return b""  # a cut line is nobody's


_COMPACT: Final = _Style(
    b'{"source-ref":"', b',"cl-metadata":{"is_labeled":true}}', b',"cl-metadata":{"is_labeled":false}}'
)
_SPACED: Final = _Style(
    b'{"source-ref": "', b', "cl-metadata": {"is_labeled": true}}', b', "cl-metadata": {"is_labeled": false}}'
)
_HEAD: Final = _COMPACT.head
_LABELED: Final = _COMPACT.labeled
_BEFORE_LABELED: Final = -len(_LABELED)
_REF_FROM: Final = len(_HEAD)
_BRACE: Final = ord("}")

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


def fingerprint(raw: bytes) -> int:
    """
    Return 64 bits that stand for the text in which the service lists this line, if it keeps what it is sent.

    Equal fingerprints of one source-ref mean equal entries, and no error lists; chance errs once in 2**64.
    Different ones mean nothing: see `core.entry`. Hashes are keyed anew in each process; never store one.
    """
    clean = _is_clean(raw)
    if clean and raw.startswith(_HEAD) and raw.endswith(b"}"):
        return hash(raw[:-1])
    # Written with spaces, or in another order, or with the service's keys in it: none of that is sent.
    fields = orjson.loads(raw)
    return hash(orjson.dumps(fields if clean else without_service_keys(fields))[:-1])


def _is_clean(raw: bytes) -> bool:
    """Tell whether a line surely holds no key of the service: a needless look costs time, a missed one truth."""
    return not (names_lists(raw) or b'"cl-' in raw)


class Index:
    """
    The desired entries, in the order in which they were read.

    A source-ref that is desired, but whose line cannot be used, is *void*: it is neither sent nor called an
    orphan, because nobody can say what it should be.
    """

    __slots__ = ("_prints", "_rows", "_spaced", "_table", "void")

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._table = bytearray()  # of places, packed: one append instead of four
        self._prints = array("q")
        self._spaced: dict[int, int] = {}  # row -> hash of the line as it stands, where it is not compact
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
        own = raw[-1] == _BRACE and (clean or _is_clean(raw))
        if own and raw[:_REF_FROM] == _HEAD:  # as `fingerprint`, without its calls
            prints.append(hash(raw[:-1]))
            return True
        prints.append(fingerprint(raw))
        if own and raw.startswith(_SPACED.head):
            self._spaced[row] = hash(raw[:-1])
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
        """Return the fingerprint of the line."""
        return self._prints[row]

    def listed_as(self, raw: bytes, expected: int = 0) -> int | None:
        """
        Return the row of the entry that this listed line is, word for word. None proves nothing.

        Nothing is parsed: whatever stands where a source-ref is looked for, the text must be that row's own.

        Args:
            expected: The row that is looked at first: most listings keep the order in which they were filled.
        """
        body = raw[:_BEFORE_LABELED] if raw.endswith(_LABELED) else _COMPACT.body(raw)
        prints, printed = self._prints, hash(body)
        if expected < len(prints) and prints[expected] == printed and not self.void:
            return expected
        end = raw.find(b'"', _REF_FROM)
        if end == _REF_FROM:
            return self._listed_with_spaces(raw)
        try:
            row = self._rows.get(raw[_REF_FROM:end].decode())
        except UnicodeDecodeError:
            return None
        return row if row is not None and prints[row] == printed else None

    def _listed_with_spaces(self, raw: bytes) -> int | None:
        """Do the same for a line with a space behind each colon and comma, as most programs write JSON."""
        start = _REF_FROM + 1
        try:
            row = self._rows.get(raw[start : raw.find(b'"', start)].decode())
        except UnicodeDecodeError:
            return None
        return row if row is not None and self._spaced.get(row) == hash(_SPACED.body(raw)) else None

    def items(self) -> Iterator[tuple[str, Place]]:
        """Give every usable entry, ordered by source-ref."""
        for source_ref in sorted(self._rows):
            yield source_ref, self.place(self._rows[source_ref])
