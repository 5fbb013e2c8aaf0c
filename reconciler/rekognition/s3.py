"""Put and get whole objects in S3, for manifests."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from botocore.config import Config

from reconciler.errors import NotFound
from reconciler.rekognition import NAME
from reconciler.rekognition.translate import translated

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CHUNK_BYTES: Final = 1 << 20


def s3_config(endpoint: str | None) -> Config:
    """Return the SDK settings; a custom endpoint, unlike AWS, has no host name per bucket."""
    return Config(
        retries={"mode": "standard", "total_max_attempts": 8},
        connect_timeout=10,
        read_timeout=60,
        s3={"addressing_style": "path"} if endpoint else None,
        user_agent_extra=NAME,
    )


class S3:
    """
    `ports.Objects`. One call per object: a manifest has at most 1 GB, a call accepts 5 GB.

    Args:
        makes_buckets: Whether to create a missing bucket, as in the emulator.
    """

    def __init__(self, client: S3Client, *, makes_buckets: bool = False) -> None:
        self._client = client
        self._makes_buckets = makes_buckets

    def put(self, bucket: str, key: str, content: BinaryIO) -> None:
        try:
            self._put(bucket, key, content)
        except NotFound:
            if not self._makes_buckets:
                raise
            with translated("CreateBucket"):
                self._client.create_bucket(Bucket=bucket)
            content.seek(0)
            self._put(bucket, key, content)

    def _put(self, bucket: str, key: str, content: BinaryIO) -> None:
        with translated("PutObject"):
            self._client.put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/x-ndjson")

    def open(self, bucket: str, key: str) -> BinaryIO:
        stream = cast(BinaryIO, tempfile.TemporaryFile(prefix="reconciler-"))  # noqa: SIM115  for the caller
        try:
            with translated("GetObject"):
                body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
                shutil.copyfileobj(body, stream, _CHUNK_BYTES)
            stream.seek(0)
        except BaseException:
            stream.close()
            raise
        return stream
