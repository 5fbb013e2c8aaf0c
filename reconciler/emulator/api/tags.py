"""TagResource, UntagResource, ListTagsForResource: for projects, models and, presumably, datasets."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from reconciler.emulator.access import Caller
from reconciler.emulator.errors import ServiceError, not_found
from reconciler.emulator.storage.context import Context

Params = dict[str, Any]

_MAX_TAGS: Final = 200


def attach(db: sqlite3.Connection, arn: str, tags: Mapping[str, str]) -> None:
    db.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", [(arn, k, v) for k, v in tags.items()])


def tag_resource(context: Context, caller: Caller, params: Params) -> Params:
    arn = _own(context, caller, params["ResourceArn"])
    if len(_tags(context, arn).keys() | params["Tags"].keys()) > _MAX_TAGS:
        raise ServiceError("ServiceQuotaExceededException", f"A resource has at most {_MAX_TAGS} tags.")
    with context.store.transaction() as db:
        attach(db, arn, params["Tags"])
    return {}


def untag_resource(context: Context, caller: Caller, params: Params) -> Params:
    arn = _own(context, caller, params["ResourceArn"])
    with context.store.transaction() as db:
        db.executemany(
            "DELETE FROM tags WHERE arn = ? AND key = ?", [(arn, key) for key in params["TagKeys"]]
        )
    return {}


def list_tags_for_resource(context: Context, caller: Caller, params: Params) -> Params:
    return {"Tags": _tags(context, _own(context, caller, params["ResourceArn"]))}


def _tags(context: Context, arn: str) -> dict[str, str]:
    rows = context.store.all("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", arn)
    return {row["key"]: row["value"] for row in rows}


def _own(context: Context, caller: Caller, arn: str) -> str:
    known = context.store.one(
        "SELECT 1 FROM projects p LEFT JOIN datasets d ON d.project = p.id"
        " LEFT JOIN versions v ON v.project = p.id"
        " WHERE (p.arn = ?1 OR d.arn = ?1 OR v.arn = ?1) AND p.account = ?2 AND p.region = ?3",
        arn,
        *caller.owner,
    )
    if known is None:
        raise not_found(arn)
    return arn
