"""CreateProject, DescribeProjects, DeleteProject."""

from __future__ import annotations

import sqlite3
from typing import Any

from reconciler.emulator.access import Caller
from reconciler.emulator.api.tags import attach
from reconciler.emulator.behaviour.switches import LastToken
from reconciler.emulator.errors import in_use, limit_exceeded, not_found
from reconciler.emulator.storage.context import Context

Params = dict[str, Any]

_MAX_PROJECTS = 100


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
    answer: Params = {"ProjectDescriptions": [_description(context, row) for row in rows[:size]]}
    if len(rows) > size:
        answer["NextToken"] = context.store.token_of(listing, rows[size - 1]["id"])
    elif context.settings.switches.last_token is LastToken.EMPTY:
        answer["NextToken"] = ""
    return answer


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


def find(context: Context, caller: Caller, arn: str) -> sqlite3.Row:
    """
    Return a project of the caller.

    Raises:
        ServiceError: It does not exist, or belongs to another account or Region.
    """
    row = context.store.one(
        "SELECT * FROM projects WHERE arn = ? AND account = ? AND region = ?", arn, *caller.owner
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
