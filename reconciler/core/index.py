"""Where each desired line stands, by source-ref: some 200 bytes an entry, never its text."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, KeysView
from struct import Struct
from typing import Final, NamedTuple

import orjson

from reconciler.core.entry import without_service_keys

# How the service ends a line that it stored without complaint; the last brace is the line's own.
_LABELED: Final = b',"cl-metadata":{"is_labeled":true}}'
_UNLABELED: Final = b',"cl-metadata":{"is_labeled":false}}'
_HEAD: Final = b'{"source-ref":"'
# Anything that might be a key of the service: a needless look costs time, a missed one the truth.
_SERVICE_KEYS: Final = (b'errors"', b'warnings"', b'"cl-')
_BEFORE_LABELED: Final = -len(_LABELED)
_BEFORE_UNLABELED: Final = -len(_UNLABELED)
_REF_FROM: Final = len(_HEAD)


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
    if not any(key in raw for key in _SERVICE_KEYS):
        return _print_of_clean(raw)
    # Written with spaces, or in another order, or with the service's keys in it: none of that is sent.
    return hash(orjson.dumps(without_service_keys(orjson.loads(raw)))[:-1])


def _print_of_clean(raw: bytes) -> int:
    """Return the fingerprint of a line that holds no key of the service."""
    if raw.startswith(_HEAD) and raw.endswith(b"}"):
        return hash(raw[:-1])
    return hash(orjson.dumps(orjson.loads(raw))[:-1])


def _body(raw: bytes) -> bytes:
    """Return a listed line up to where its author's part ends: before the last brace, or the service's keys."""
    if raw.endswith(_LABELED):
        return raw[:_BEFORE_LABELED]
    if raw.endswith(_UNLABELED):
        return raw[:_BEFORE_UNLABELED]
    return raw[:-1] if raw.endswith(b"}") else b""  # a cut line is nobody's


class Index:
    """
    The desired entries, in the order in which they were read.

    A source-ref that is desired, but whose line cannot be used, is *void*: it is neither sent nor called an
    orphan, because nobody can say what it should be.
    """

    __slots__ = ("_prints", "_rows", "_table", "void")

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._table = bytearray()  # of places, packed: one append instead of four
        self._prints = array("q")
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
    ) -> None:
        """
        Note one usable line at a `Place`. The caller has made sure that the source-ref is new.

        Args:
            clean: Whether the line is known to hold no key of the service. Knowing saves the look.
        """
        self._rows[source_ref] = len(self._prints)
        self._table += _pack(*place)
        self._prints.append(_print_of_clean(raw) if clean else fingerprint(raw))

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

    def listed_as(self, raw: bytes) -> int | None:
        """
        Return the row of the entry that this listed line is, word for word. None proves nothing.

        Nothing is parsed: whatever stands where a source-ref is looked for, the text must be that row's own.
        """
        try:
            row = self._rows.get(raw[_REF_FROM : raw.find(b'"', _REF_FROM)].decode())
        except UnicodeDecodeError:
            return None
        if row is None:
            return None
        body = raw[:_BEFORE_LABELED] if raw.endswith(_LABELED) else _body(raw)
        return row if self._prints[row] == hash(body) else None

    def items(self) -> Iterator[tuple[str, Place]]:
        """Give every usable entry, ordered by source-ref."""
        for source_ref in sorted(self._rows):
            yield source_ref, self.place(self._rows[source_ref])
