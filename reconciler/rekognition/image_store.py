"""
Look up images in S3, and read their headers by ranges, or whole for thumbnails.

Without an unreadable image a report lacks its thumbnail, which is never an error.
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError

from reconciler.core.entries.entry import bucket_and_key
from reconciler.core.images.header import EMPTY, Header, identify
from reconciler.core.images.judgement import ARCHIVED, CheckedImage
from reconciler.core.images.lookup import Stored
from reconciler.errors import Denied, GatewayError, NotFound
from reconciler.ports import ImagePage
from reconciler.rekognition.settings import sdk_config
from reconciler.rekognition.translate import translated

if TYPE_CHECKING:
    from types_boto3_rekognition import RekognitionClient
    from types_boto3_s3 import S3Client


# Nearly every header is within the first; the second is large enough for any usual colour profile behind it.
_FIRST_BYTES: Final = 64 << 10
_NEXT_BYTES: Final = 1 << 20
# An image has at most 15 MB, so a longer header is damaged.
_MAX_READS: Final = 16

# How S3 answers a client of another Region, where the SDK does not follow to the right one.
REDIRECTS: Final = frozenset({"301", "PermanentRedirect", "AuthorizationHeaderMalformed"})
# How S3 answers to `If-Match` where an object was replaced.
CHANGED: Final = frozenset({"412", "PreconditionFailed"})


class ImageStore:
    """`ports.Images`."""

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self._made: Counter[str] = Counter()
        self._counting = threading.Lock()

    @property
    def region(self) -> str:
        return self._client.meta.region_name

    @property
    def requests(self) -> Mapping[str, int]:
        return dict(self._made)

    def page(self, bucket: str, prefix: str, after: str) -> ImagePage:
        self._count("ListObjectsV2")
        named: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        if after:
            named["StartAfter"] = after
        try:
            with translated("ListObjectsV2"):
                answer: Mapping[str, Any] = self._client.list_objects_v2(**named)
                found = {
                    item["Key"]: _stored(item["ETag"], item["Size"]) for item in answer.get("Contents", ())
                }
                return ImagePage(found, bool(answer["IsTruncated"]), _region(answer))
        except GatewayError as exc:
            if code_of(exc) in REDIRECTS and (region := region_of(exc)) is not None:
                return ImagePage(None, more=False, region=region)
            raise

    def head(self, bucket: str, key: str) -> Stored | None:
        self._count("HeadObject")
        try:
            with translated("HeadObject"):
                answer = self._client.head_object(Bucket=bucket, Key=key)
                return _stored(answer["ETag"], answer["ContentLength"])
        except GatewayError as exc:
            if code_of(exc) in ("404", "NoSuchKey"):  # an answer to HEAD has no body to name it
                return None
            raise

    def content(self, bucket: str, key: str, stored: Stored) -> bytes | None:
        try:
            return self.part(bucket, key, 0, stored.size_bytes, stored.etag)[0]
        except NotFound:
            return None
        except GatewayError as exc:
            if code_of(exc) in CHANGED:
                return None
            raise

    def read(self, bucket: str, key: str, stored: Stored) -> CheckedImage | None:
        if not stored.size_bytes:
            return CheckedImage(*stored, Header(EMPTY))
        try:
            return self._read(bucket, key)
        except NotFound:
            return None
        except Denied as exc:
            if code_of(exc) == "InvalidObjectState":
                return CheckedImage(*stored, Header(ARCHIVED))
            raise
        except GatewayError as exc:
            if code_of(exc) not in CHANGED:
                raise
        return self._read(bucket, key)  # it was replaced between two reads

    def _read(self, bucket: str, key: str) -> CheckedImage:
        stream = _Ranges(self, bucket, key)
        header = identify(cast("BinaryIO", stream))
        return CheckedImage(stream.etag, stream.size_bytes, header)

    def part(self, bucket: str, key: str, start: int, length: int, etag: str) -> tuple[bytes, Stored]:
        """
        Return some bytes of an object, and the object.

        Args:
            etag: Fail if it is not this; empty for any.
        """
        self._count("GetObject")
        matched: dict[str, Any] = {"IfMatch": f'"{etag}"'} if etag else {}
        with translated("GetObject"):
            answer: Mapping[str, Any] = self._client.get_object(
                Bucket=bucket, Key=key, Range=f"bytes={start}-{start + length - 1}", **matched
            )
            with answer["Body"] as body:
                partial = "ContentRange" in answer
                if not partial and start:  # a server that ignores ranges
                    body.read(start)
                data = body.read(length)
            whole = int(answer["ContentRange"].rpartition("/")[2]) if partial else answer["ContentLength"]
            return data, _stored(answer["ETag"], whole)

    def _count(self, operation: str) -> None:
        with self._counting:
            self._made[operation] += 1


class _Ranges(io.RawIOBase):
    """An object as a stream that reads the ranges it needs: what is skipped is not read."""

    def __init__(self, store: ImageStore, bucket: str, key: str) -> None:
        self._store, self._bucket, self._key = store, bucket, key
        self.etag, self.size_bytes = "", 0
        self._at = 0
        self._data, self._start = b"", 0
        self._reads = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = self._at + offset if whence == io.SEEK_CUR else offset
        return self._at

    def readinto(self, target: Any) -> int:
        wanted = len(target)
        if not self._holds(wanted):
            self._fetch(wanted)
        found = self._data[self._at - self._start :][:wanted]
        target[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _holds(self, wanted: int) -> bool:
        if not self.etag:
            return False
        end = self._start + len(self._data)
        return self._start <= self._at and (self._at + wanted <= end or end >= self.size_bytes)

    def _fetch(self, wanted: int) -> None:
        self._reads += 1
        if self._reads > _MAX_READS or (self.etag and self._at >= self.size_bytes):
            raise ValueError("the header is too far behind the start")
        length = max(wanted, _NEXT_BYTES if self.etag else _FIRST_BYTES)
        self._data, stored = self._store.part(self._bucket, self._key, self._at, length, self.etag)
        self._start = self._at
        self.etag, self.size_bytes = stored


def _stored(etag: str, size_bytes: int) -> Stored:
    return Stored(etag.strip('"'), size_bytes)


def _response(exc: GatewayError) -> Mapping[str, Any]:
    cause = exc.__cause__
    return cast("Mapping[str, Any]", cause.response) if isinstance(cause, ClientError) else {}


def code_of(exc: GatewayError) -> str:
    """Return the code that S3 answered with; empty if it did not answer."""
    return str(_response(exc).get("Error", {}).get("Code", ""))


def region_of(exc: GatewayError) -> str | None:
    """Return the Region of a bucket that an error names."""
    return _region(_response(exc))


def _region(answer: Mapping[str, Any]) -> str | None:
    """Return the Region of the bucket, which S3 names in a header, or in an error."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region: str | None = headers.get("x-amz-bucket-region") or answer.get("Error", {}).get("Region")
    return region


_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn")

# Consecutive failures after which the other images are not tried.
_MAX_FAILURES: Final = 3


def image_config() -> Config:
    """Return SDK settings with which an unreachable image costs seconds, not minutes."""
    return sdk_config(attempts=2, connect_seconds=3, read_seconds=10)


class ImageReader:
    """
    Reads images by their source-refs.

    Args:
        rekognition: The client of the dataset. If it talks to an emulator and S3 to AWS, the images are not
            those of the dataset, and none are read.
    """

    def __init__(self, client: S3Client, rekognition: RekognitionClient) -> None:
        self._client = client
        self._failures = 0 if _is_aws(rekognition) or not _is_aws(client) else _MAX_FAILURES

    def read(self, source_ref: str, most_bytes: int) -> bytes | None:
        """Return an image of at most *most_bytes*; None if it is larger, missing, or may not be read."""
        bucket, key = bucket_and_key(source_ref)
        if self._failures >= _MAX_FAILURES or not (bucket and key):
            return None
        try:
            with translated("GetObject"):
                answer = self._client.get_object(Bucket=bucket, Key=key)
                with answer["Body"] as body:
                    data = body.read(most_bytes + 1) if answer["ContentLength"] <= most_bytes else None
        except GatewayError:
            self._failures += 1
            return None
        self._failures = 0
        return data


def _is_aws(client: S3Client | RekognitionClient) -> bool:
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return host.endswith(_AWS)
