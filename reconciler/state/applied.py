"""
What was last applied to each dataset, entry by entry, in blocks of which one change rewrites one.

When the file is opened, the checksum of each row is checked: with a row for each of 250,000 entries that took
most of the CPU of a plan in which nothing changed, beyond its start.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final, TypeVar

import msgspec

from reconciler.core.planning.cause import Applied

# Never to be changed: by these numbers an entry is found in the files of earlier versions.
_BLOCKS: Final = 512
_BLOCKS_OF_FOLDER: Final = 64
"""Few, so that a relabelled folder rewrites few blocks, and enough for a dataset that is one folder."""

_ALL: Final = "SELECT body FROM applied_block WHERE dataset = ?"

T = TypeVar("T")


class _Refs(msgspec.Struct, array_like=True, frozen=True):
    """A block of which only the source-refs are read."""

    refs: list[str]


class _Block(_Refs, array_like=True, frozen=True):
    """A block, with an entry for each source-ref."""

    entries: list[Applied]


_refs_decoder = msgspec.msgpack.Decoder(_Refs)
_decoder = msgspec.msgpack.Decoder(_Block)
_encoder = msgspec.msgpack.Encoder()


class Packer:
    """
    The aggregate `packed` of SQL: the body of a block, of the rows that an earlier version stored.

    Its arguments are the columns of a row and whether its checksum is wrong, which is damage.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Applied] = {}

    def step(self, source_ref: str, desired: bytes, observed: bytes, is_wrong: int | None) -> None:
        if is_wrong:
            raise ValueError("a row differs from its checksum")
        self._entries[source_ref] = Applied(desired, observed)

    def finalize(self) -> bytes:
        return _packed(self._entries)


def block_of(source_ref: str) -> int:
    folder, _, name = source_ref.encode(errors="surrogatepass").rpartition(b"/")
    return (zlib.crc32(folder) + zlib.crc32(name) % _BLOCKS_OF_FOLDER) % _BLOCKS


def read_refs(connection: sqlite3.Connection, dataset: str) -> frozenset[str]:
    """Return the source-refs of all entries; errors as `read_applied`."""
    bodies = connection.execute(_ALL, (dataset,))
    return frozenset(chain.from_iterable(_decoded(_refs_decoder, body).refs for (body,) in bodies))


def read_applied(
    connection: sqlite3.Connection, dataset: str, source_refs: Iterable[str] | None = None
) -> dict[str, Applied]:
    """
    Return the applied entries: those of the source-refs named, or all.

    Raises:
        ValueError: A block is damaged.
    """
    found: dict[str, Applied] = {}
    if source_refs is None:
        for (body,) in connection.execute(_ALL, (dataset,)):
            found |= _unpacked(body)
        return found
    for number, refs in _by_block((ref, None) for ref in source_refs).items():
        entries = _block(connection, dataset, number)
        found |= {ref: entries[ref] for ref in refs if ref in entries}
    return found


def changed_blocks(
    connection: sqlite3.Connection,
    dataset: str,
    proven: Iterable[tuple[str, Applied]],
    gone: Iterable[str],
) -> Iterator[tuple[str, int, bytes]]:
    """
    Yield the rows of the blocks that change: dataset, number and body.

    Args:
        proven: Entries to store.
        gone: Those to forget.

    Raises:
        ValueError: A block is damaged.
    """
    for number, changed in _by_block(chain(proven, ((ref, None) for ref in gone))).items():
        before = _block(connection, dataset, number)
        after = {ref: entry for ref, entry in (before | changed).items() if entry is not None}
        if after != before:
            yield dataset, number, _packed(after)


def _by_block(
    entries: Iterable[tuple[str, Applied | None]],
) -> dict[int, dict[str, Applied | None]]:
    found: dict[int, dict[str, Applied | None]] = {}
    for ref, entry in entries:
        found.setdefault(block_of(ref), {})[ref] = entry
    return found


def _block(connection: sqlite3.Connection, dataset: str, number: int) -> dict[str, Applied]:
    row = connection.execute(f"{_ALL} AND number = ?", (dataset, number)).fetchone()
    return {} if row is None else _unpacked(row[0])


def _packed(entries: Mapping[str, Applied]) -> bytes:
    return _encoder.encode(_Block([*entries], [*entries.values()]))


def _unpacked(body: bytes) -> dict[str, Applied]:
    block = _decoded(_decoder, body)
    return dict(zip(block.refs, block.entries, strict=True))


def _decoded(decoder: msgspec.msgpack.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as exc:
        raise ValueError(f"a block of applied entries is not one: {exc}") from exc
