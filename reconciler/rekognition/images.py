"""Read images from S3 for thumbnails in a report; an unreadable image is omitted, never an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from botocore.config import Config

from reconciler.core.entries.entry import bucket_and_key
from reconciler.errors import GatewayError
from reconciler.rekognition import NAME
from reconciler.rekognition.translate import translated

if TYPE_CHECKING:
    from types_boto3_rekognition import RekognitionClient
    from types_boto3_s3 import S3Client

_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn")

# After so many consecutive failures the other images are not tried.
_MAX_FAILURES: Final = 3


def image_config() -> Config:
    """Return SDK settings with which an unreachable image costs seconds, not minutes."""
    return Config(
        retries={"mode": "standard", "total_max_attempts": 2},
        connect_timeout=3,
        read_timeout=10,
        user_agent_extra=NAME,
    )


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
