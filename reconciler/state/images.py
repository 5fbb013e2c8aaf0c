"""What is known of images in S3: table image, and the perceptual hashes of their contents in image_hash."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from reconciler.core.images.header import Header
from reconciler.core.images.judgement import CheckedImage
from reconciler.core.images.lookup import Stored
from reconciler.core.runtime.quotas import MAX_IMAGE_BYTES_READ_LARGELY
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

# Of images in the formats that Custom Labels takes, and no larger.
_UNHASHED: Final = f"""
SELECT source_ref, etag, size_bytes FROM image AS one WHERE dataset = ? AND form IN ('PNG', 'JPEG')
AND size_bytes <= {MAX_IMAGE_BYTES_READ_LARGELY} AND NOT EXISTS (
    SELECT 1 FROM image_hash WHERE (etag, size_bytes) = (one.etag, one.size_bytes)
    AND checksum = row_checksum({CHECKED_WHEN_READ["image_hash"]})
) ORDER BY source_ref
"""  # noqa: S608  constants
_HASHES: Final = """
SELECT source_ref, hash FROM image JOIN image_hash AS found USING (etag, size_bytes) WHERE dataset = ?
AND found.checksum = row_checksum(etag, size_bytes, hash) AND length(hash) = 32
"""
_USELESS: Final = (
    "DELETE FROM image_hash WHERE (etag, size_bytes) NOT IN (SELECT etag, size_bytes FROM image)"
)


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
        if self._db.read_only:  # a plan reads images and writes nothing
            return
        rows = ((dataset, ref, image.etag, image.size_bytes, *image.header) for ref, image in images.items())
        with self._db.writing() as connection:
            connection.executemany(insertion("image"), rows)

    def retain(self, dataset: str, source_refs: Collection[str]) -> None:
        with self._db.writing() as connection:
            known = connection.execute("SELECT source_ref FROM image WHERE dataset = ?", (dataset,))
            gone = [(dataset, ref) for (ref,) in known if ref not in source_refs]
            connection.executemany("DELETE FROM image WHERE dataset = ? AND source_ref = ?", gone)
            connection.execute(_USELESS)

    def unhashed(self, dataset: str) -> Sequence[tuple[str, Stored]]:
        return self._db.rows(lambda ref, *stored: (ref, Stored(*stored)), _UNHASHED, dataset)

    def put_hashes(self, hashes: Mapping[Stored, int | None]) -> None:
        rows = ((*stored, b"" if value is None else value.to_bytes(32)) for stored, value in hashes.items())
        with self._db.writing() as connection:
            connection.executemany(insertion("image_hash"), rows)

    def hashes(self, dataset: str) -> Mapping[str, int]:
        return dict(self._db.rows(lambda ref, value: (ref, int.from_bytes(value)), _HASHES, dataset))

    def same_content(self, one: str, other: str) -> Iterator[tuple[str, str]]:
        if (connection := self._db.connection) is not None:
            with self._db.decoding():
                yield from connection.execute(_SAME, (one, other))
