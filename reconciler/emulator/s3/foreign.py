"""Manifests from another S3: AWS's own, MinIO, or any server that speaks its API."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any, Final

from reconciler.emulator.access import Caller
from reconciler.emulator.errors import bad_s3_object
from reconciler.emulator.storage import objects
from reconciler.emulator.storage.context import Context
from reconciler.emulator.storage.objects import Content

# No bucket of a client can have a name with a slash.
_PREFIX: Final = "foreign/"

_log = logging.getLogger(__name__)


def fetch(context: Context, caller: Caller, place: dict[str, str]) -> None:
    """
    Copy the manifest that CreateDataset names from the other S3, for `fetched`. It may take long; hold no lock.

    Raises:
        ServiceError: It is not there, is too large, or the server does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # slow to import, and seldom needed

    named = {"Bucket": place["Bucket"], "Key": place["Name"]}
    if "Version" in place:
        named["VersionId"] = place["Version"]
    try:
        answer = _client(str(context.s3_endpoint), caller.region).get_object(**named)
        if answer["ContentLength"] > context.settings.max_object_bytes:
            raise bad_s3_object()
        data = answer["Body"].read()
    except (BotoCoreError, ClientError) as exc:
        _log.warning("%s: s3://%s/%s: %s", context.s3_endpoint, named["Bucket"], named["Key"], exc)
        raise bad_s3_object() from exc
    new = objects.content(context.store, data)
    with context.store.transaction() as db:
        objects.put(db, _PREFIX + place["Bucket"], place["Name"], new, context.clock.now())


def fetched(context: Context, bucket: str, key: str) -> Content | None:
    """Return the manifest that `fetch` has copied."""
    row = objects.find(context.store, _PREFIX + bucket, key)
    return None if row is None else Content(row["body"], row["size"], row["etag"])


@cache
def _client(endpoint: str, region: str) -> Any:
    """Create a client with the credentials of this process."""
    from botocore.config import Config
    from botocore.session import Session

    config = Config(
        s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2}
    )
    return Session().create_client("s3", region_name=region, endpoint_url=endpoint, config=config)
