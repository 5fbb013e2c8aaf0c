"""What is known of images in S3, for as long as their ETags do not change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from reconciler.core.images.header import Header
from reconciler.core.images.judgement import CheckedImage
from reconciler.state.database import Database
from reconciler.state.schema import CHECKED_WHEN_READ, insertion

_SOUND: Final = f"checksum = row_checksum({CHECKED_WHEN_READ['image']})"
_ONE: Final = (
    "SELECT etag, size_bytes, form, width, height, orientation FROM image "  # noqa: S608  constants
    f"WHERE dataset = ? AND source_ref = ? AND {_SOUND}"
)
_SAME: Final = """
SELECT one.source_ref, other.source_ref FROM image AS other
JOIN (
    SELECT etag, size_bytes, min(source_ref) AS source_ref FROM image WHERE dataset = ? GROUP BY etag, size_bytes
) AS one USING (etag, size_bytes)
WHERE other.dataset = ? AND one.source_ref <> other.source_ref ORDER BY other.source_ref
"""


class CheckedImages:
    """`ports.CheckedImages`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, dataset: str, source_refs: Iterable[str]) -> Mapping[str, CheckedImage]:
        connection = self._db.connection
        if connection is None:
            return {}
        found = {}
        with self._db.decoding():
            for source_ref in source_refs:
                if row := connection.execute(_ONE, (dataset, source_ref)).fetchone():
                    etag, size_bytes, *header = row
                    found[source_ref] = CheckedImage(etag, size_bytes, Header(*header))
        return found

    def put(self, dataset: str, images: Mapping[str, CheckedImage]) -> None:
        rows = ((dataset, ref, image.etag, image.size_bytes, *image.header) for ref, image in images.items())
        with self._db.writing() as connection:
            connection.executemany(insertion("image"), rows)

    def retain(self, dataset: str, source_refs: Collection[str]) -> None:
        with self._db.writing() as connection:
            known = connection.execute("SELECT source_ref FROM image WHERE dataset = ?", (dataset,))
            gone = [(dataset, ref) for (ref,) in known if ref not in source_refs]
            connection.executemany("DELETE FROM image WHERE dataset = ? AND source_ref = ?", gone)

    def same_content(self, one: str, other: str) -> Iterator[tuple[str, str]]:
        connection = self._db.connection
        if connection is None:
            return
        with self._db.decoding():
            yield from connection.execute(_SAME, (one, other))
