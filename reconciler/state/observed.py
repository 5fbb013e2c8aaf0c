"""
The entries of each dataset as they were last observed, in compressed blocks.

250,000 entries take about 5 MB. A block that cannot be read is damage of the file, as in every other table.
"""

from __future__ import annotations

import secrets
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from reconciler.core.planning.remembered import RememberedBlock, Replaced
from reconciler.ports import ObservedHead, Recollection
from reconciler.state.database import Database
from reconciler.state.schema import CHECKED, insertion

_COLUMNS = "arn, scope, description, scanned_at, are_applied, desired"
_decoder = msgspec.msgpack.Decoder(RememberedBlock)
_encoder = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class _Recollection:
    """`ports.Recollection`; its blocks stay compressed until they are needed."""

    head: ObservedHead
    serial: int
    bodies: Sequence[bytes]
    database: Database

    def blocks(self) -> Iterator[RememberedBlock]:
        for body in self.bodies:
            with self.database.decoding():
                block = _decoded(body)
            yield block


class ObservedEntries:
    """`ports.ObservedEntries`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, dataset: str) -> Recollection | None:
        def make(*row: Any) -> tuple[Any, ...]:
            return row

        # One statement sees one state: another process may be replacing the blocks.
        rows = self._db.rows(
            make,
            f"SELECT serial, {_COLUMNS}, body FROM observed LEFT JOIN observed_block USING (dataset)"  # noqa: S608  constant
            " WHERE dataset = ? ORDER BY first",
            dataset,
        )
        if not rows:
            return None
        serial, *head, _ = rows[0]
        bodies = [row[-1] for row in rows if row[-1] is not None]
        return _Recollection(_head(*head), serial, bodies, self._db)

    def head_of(self, dataset: str) -> ObservedHead | None:
        query = f"SELECT {_COLUMNS} FROM observed WHERE dataset = ?"  # noqa: S608  constant
        return self._db.row(_head, query, dataset)

    def replace(self, dataset: str, head: ObservedHead, blocks: Iterable[RememberedBlock]) -> None:
        with self._db.writing() as connection:
            connection.execute("DELETE FROM observed_block WHERE dataset = ?", (dataset,))
            _put(connection, dataset, head, blocks)

    def update(
        self, dataset: str, before: Recollection, head: ObservedHead, changed: Iterable[Replaced]
    ) -> None:
        with self._db.writing() as connection:
            query = "SELECT serial FROM observed WHERE dataset = ?"
            known = connection.execute(query, (dataset,)).fetchone()
            if not isinstance(before, _Recollection) or known != (before.serial,):
                _forget(connection, dataset)
                return
            blocks: list[RememberedBlock] = []
            for replaced in changed:
                connection.execute(
                    "DELETE FROM observed_block WHERE dataset = ? AND first = ?", (dataset, replaced.first)
                )
                blocks += replaced.blocks
            _put(connection, dataset, head, blocks)

    def invalidate(self, dataset: str) -> None:
        with self._db.writing() as connection:
            connection.execute("UPDATE observed SET description = '' WHERE dataset = ?", (dataset,))
            query = f"UPDATE observed SET checksum = row_checksum({CHECKED['observed']}) WHERE dataset = ?"  # noqa: S608
            connection.execute(query, (dataset,))

    def forget(self, dataset: str) -> None:
        with self._db.writing() as connection:
            _forget(connection, dataset)


def _head(
    arn: str, scope: bytes, description: str, scanned_at: float, are_applied: int, desired: bytes
) -> ObservedHead:
    return ObservedHead(arn, scope, description, scanned_at, bool(are_applied), desired)


def _decoded(body: bytes) -> RememberedBlock:
    try:
        return _decoder.decode(zlib.decompress(body))
    except msgspec.DecodeError as exc:
        raise ValueError(f"a block of observed entries is not one: {exc}") from exc


def _put(
    connection: sqlite3.Connection, dataset: str, head: ObservedHead, blocks: Iterable[RememberedBlock]
) -> None:
    row = (dataset, secrets.randbits(62), *head[:4], int(head.are_applied), head.desired)
    connection.execute(insertion("observed"), row)
    connection.executemany(
        insertion("observed_block"),
        ((dataset, block.refs[0], zlib.compress(_encoder.encode(block), 1)) for block in blocks),
    )


def _forget(connection: sqlite3.Connection, dataset: str) -> None:
    connection.execute("DELETE FROM observed WHERE dataset = ?", (dataset,))
    connection.execute("DELETE FROM observed_block WHERE dataset = ?", (dataset,))
