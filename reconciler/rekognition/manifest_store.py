"""Read the manifests that specs pin by digest from S3, in pieces, and go on where a connection broke."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.runtime.quotas import MAX_MANIFEST_BYTES
from reconciler.core.spec.choices import PinnedObject
from reconciler.errors import (
    Denied,
    Exit,
    GatewayError,
    ManifestDenied,
    ManifestUnavailable,
    ManifestUnusable,
    NotFound,
    Unavailable,
    UnknownAnswer,
)
from reconciler.rekognition.image_store import CHANGED, REDIRECTS, code_of, region_of
from reconciler.rekognition.translate import translated

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client

_PIECE_BYTES: Final = 1 << 20
_MAX_FAILURES: Final = 5
"""Broken connections in a row, without a whole piece between them; the SDK repeats each request itself."""


class ManifestStore:
    """
    Reads objects through one client.

    Args:
        make_client: Called at each download; raises our errors.
    """

    def __init__(self, make_client: Callable[[], S3Client]) -> None:
        self._make_client = make_client

    def download(self, pinned: PinnedObject, into: Callable[[bytes], object]) -> None:
        """
        Pass an object to *into*, in order and in pieces.

        Raises:
            ManifestUnavailable: It cannot be read.
        """
        try:
            reading, failures = _Reading(self._make_client(), pinned), 0
            while True:
                try:
                    for piece in reading.rest():
                        failures = 0 if len(piece) == _PIECE_BYTES else failures
                        into(piece)
                    return
                except (Unavailable, UnknownAnswer):
                    failures += 1
                    if not reading.at or failures >= _MAX_FAILURES:
                        raise
        except GatewayError as exc:
            raise _explained(pinned, exc) from exc


class _Reading:
    """
    One object while it is read.

    Attributes:
        at: How many bytes were read.
    """

    def __init__(self, client: S3Client, pinned: PinnedObject) -> None:
        self._client = client
        self._pinned = pinned
        self._etag = ""
        self.at = 0

    def rest(self) -> Iterator[bytes]:
        """Yield what was not read yet, in pieces."""
        skipped, body = self._open()
        with body:
            while True:
                with translated("GetObject"):
                    piece: bytes = body.read(min(skipped, _PIECE_BYTES) or _PIECE_BYTES)
                if not piece:
                    return
                if skipped:
                    skipped -= len(piece)
                else:
                    self.at += len(piece)
                    yield piece

    def _open(self) -> tuple[int, StreamingBody]:
        """Return the body of an answer, and how many of its bytes were read before."""
        pinned = self._pinned
        named: dict[str, Any] = {"Bucket": pinned.bucket, "Key": pinned.key}
        if pinned.version_id:
            named["VersionId"] = pinned.version_id
        if self.at:
            named |= {"Range": f"bytes={self.at}-", "IfMatch": self._etag}
        with translated("GetObject"):
            answer: Mapping[str, Any] = self._client.get_object(**named)
            self._etag, body = str(answer["ETag"]), answer["Body"]
            skipped = self.at if "ContentRange" not in answer else 0  # by a server that ignores ranges
            size = self.at - skipped + int(answer["ContentLength"])
        if size > MAX_MANIFEST_BYTES:
            body.close()
            raise ManifestUnusable(
                f"{pinned} has {size:,} bytes; AWS takes manifests of at most {MAX_MANIFEST_BYTES:,}"
            )
        return skipped, body


def _explained(pinned: PinnedObject, exc: GatewayError) -> ManifestUnavailable:
    """Return the error for a manifest, with what S3 does not say itself."""
    code = code_of(exc)
    text = f"{pinned} cannot be read: {exc}"
    if code in REDIRECTS:
        region = region_of(exc)
        return ManifestUnavailable(f"{text} (the bucket is in {region or 'another Region'})")
    if code == "InvalidObjectState":
        return ManifestUnavailable(f"{text} (the object is archived: restore it first)")
    if code in CHANGED:
        return ManifestUnavailable(f"{pinned} was replaced while it was read")
    if isinstance(exc, Denied) and code == "AccessDenied":
        return ManifestDenied(f"{text} (without s3:ListBucket S3 says so of a missing object too)")
    if isinstance(exc, NotFound) and pinned.version_id and code == "NoSuchKey":
        return ManifestUnavailable(f"{text} (perhaps the version alone is missing)")
    return ManifestDenied(text) if exc.exit_code is Exit.DENIED else ManifestUnavailable(text)
