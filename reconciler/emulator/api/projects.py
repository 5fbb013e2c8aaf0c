"""
Projects, the tags of resources, and what calls find by an ARN.

Tags are for projects, models and, presumably, datasets.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from reconciler.emulator.access import Caller
from reconciler.emulator.http import ServiceError, in_use, limit_exceeded, not_found
from reconciler.emulator.storage.context import Context

Params = dict[str, Any]

_MAX_PROJECTS: Final = 100
_MAX_TAGS: Final = 200


def create_project(context: Context, caller: Caller, params: Params) -> Params:
    name = params["ProjectName"]
    owned = context.store.all("SELECT name FROM projects WHERE account = ? AND region = ?", *caller.owner)
    if any(row["name"] == name for row in owned):
        raise in_use()
    if len(owned) >= _MAX_PROJECTS:
        raise limit_exceeded(f"The account has {_MAX_PROJECTS} projects already.")
    now = context.clock.now()
    with context.store.transaction() as db:
        number = context.store.unique_milliseconds(now)
        arn = f"arn:aws:rekognition:{caller.region}:{caller.account}:project/{name}/{number}"
        db.execute(
            "INSERT INTO projects (account, region, name, arn, created, status, feature, auto_update)"
            " VALUES (?, ?, ?, ?, ?, 'CREATED', ?, ?)",
            (
                *caller.owner,
                name,
                arn,
                number / 1000,
                params.get("Feature", "CUSTOM_LABELS"),
                params.get("AutoUpdate"),
            ),
        )
        attach(db, arn, params.get("Tags", {}))
    return {"ProjectArn": arn}


def describe_projects(context: Context, caller: Caller, params: Params) -> Params:
    names, features = params.get("ProjectNames"), params.get("Features") or ["CUSTOM_LABELS"]
    listing = ("DescribeProjects", caller.owner, names, features)
    after = context.store.place_of(listing, params.get("NextToken"))
    rows = [
        row
        for row in context.store.all(
            "SELECT * FROM projects WHERE account = ? AND region = ? AND id > ? ORDER BY created, id",
            *caller.owner,
            after,
        )
        if (names is None or row["name"] in names) and row["feature"] in features
    ]
    size = params.get("MaxResults", 100)
    more = rows[size - 1]["id"] if len(rows) > size else None
    descriptions = [_description(context, row) for row in rows[:size]]
    return {"ProjectDescriptions": descriptions, **context.next_token(listing, more)}


def delete_project(context: Context, caller: Caller, params: Params) -> Params:
    row = find(context, caller, params["ProjectArn"])
    datasets = context.store.all("SELECT status FROM datasets WHERE project = ?", row["id"])
    if datasets and context.settings.switches.project_delete_needs_no_datasets:
        raise in_use()
    if any(dataset["status"].endswith("_IN_PROGRESS") for dataset in datasets):
        raise in_use()
    if context.store.one("SELECT 1 FROM versions WHERE project = ?", row["id"]) is not None:
        raise in_use()
    if row["status"] == "CREATED":
        context.store.db.execute(
            "UPDATE projects SET status = 'DELETING', due = ? WHERE id = ?",
            (context.clock.now() + context.settings.delete_seconds, row["id"]),
        )
    return {"Status": "DELETING"}


def find(context: Context, caller: Caller, arn: str, table: str = "projects") -> sqlite3.Row:
    """
    Return a project, dataset or version of the caller.

    Raises:
        ServiceError: It does not exist, or belongs to another account or Region.
    """
    project = "r.id" if table == "projects" else "r.project"
    row = context.store.one(
        f"SELECT r.* FROM {table} r JOIN projects p ON p.id = {project}"  # noqa: S608  constants
        " WHERE r.arn = ? AND p.account = ? AND p.region = ?",
        arn,
        *caller.owner,
    )
    if row is None:
        raise not_found(arn)
    return row


def _description(context: Context, project: sqlite3.Row) -> Params:
    datasets = context.store.all(
        "SELECT * FROM datasets WHERE project = ? ORDER BY created, id", project["id"]
    )
    description: Params = {
        "ProjectArn": project["arn"],
        "CreationTimestamp": project["created"],
        "Status": project["status"],
        "Datasets": [
            {
                "CreationTimestamp": dataset["created"],
                "DatasetType": dataset["type"],
                "DatasetArn": dataset["arn"],
                "Status": dataset["status"],
                "StatusMessage": dataset["message"],
                "StatusMessageCode": dataset["code"],
            }
            for dataset in datasets
        ],
        "Feature": project["feature"],
    }
    if project["auto_update"]:
        description["AutoUpdate"] = project["auto_update"]
    return description


def attach(db: sqlite3.Connection, arn: str, tags: Mapping[str, str]) -> None:
    db.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", [(arn, k, v) for k, v in tags.items()])


def tag_resource(context: Context, caller: Caller, params: Params) -> Params:
    arn = _tagged(context, caller, params["ResourceArn"])
    if len(tags_of(context, arn).keys() | params["Tags"].keys()) > _MAX_TAGS:
        raise ServiceError("ServiceQuotaExceededException", f"A resource has at most {_MAX_TAGS} tags.")
    with context.store.transaction() as db:
        attach(db, arn, params["Tags"])
    return {}


def untag_resource(context: Context, caller: Caller, params: Params) -> Params:
    arn = _tagged(context, caller, params["ResourceArn"])
    with context.store.transaction() as db:
        db.executemany(
            "DELETE FROM tags WHERE arn = ? AND key = ?", [(arn, key) for key in params["TagKeys"]]
        )
    return {}


def list_tags_for_resource(context: Context, caller: Caller, params: Params) -> Params:
    return {"Tags": tags_of(context, _tagged(context, caller, params["ResourceArn"]))}


def tags_of(context: Context, arn: str) -> dict[str, str]:
    rows = context.store.all("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", arn)
    return {row["key"]: row["value"] for row in rows}


def _tagged(context: Context, caller: Caller, arn: str) -> str:
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
