"""The state as one JSON document: written for a later start, or for a test that wants to begin with data."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from reconciler.emulator.api.projects import attach, tags_of
from reconciler.emulator.behaviour.judge import Entry, judge_line
from reconciler.emulator.storage import contents, entries, objects
from reconciler.emulator.storage.context import Context

Fields = Mapping[str, Any]
T = TypeVar("T")

_TYPES: Final = ("TRAIN", "TEST")
_PROJECT: Final = ("name", "account", "region", "arn", "created", "feature", "tags", "datasets")
_REGION: Final = "us-east-1"


def dump(context: Context) -> dict[str, Any]:
    """Return all projects, datasets, buckets and objects, for `seed`."""
    store = context.store
    with store.snapshot():
        return {
            "projects": [_project(context, row) for row in store.all("SELECT * FROM projects ORDER BY id")],
            "buckets": [_bucket(context, row) for row in store.all("SELECT * FROM buckets ORDER BY name")],
        }


def seed(context: Context, state: Fields) -> dict[str, Any]:
    """
    Add what a `dump` holds, or a shorter document written by hand: only names, types and lines are required.

    Returns:
        The ARNs of the projects and datasets that were made.

    Raises:
        ValueError: Something is missing, wrong, or there already. Nothing is added.
    """
    _require_known(state, "a state", ("projects", "buckets"))
    made: list[str] = []
    try:
        with context.store.transaction() as db:
            for project in _list(state, "projects"):
                made += _add_project(context, db, project)
            for bucket in _list(state, "buckets"):
                _add_bucket(context, db, bucket)
    except sqlite3.IntegrityError as exc:
        raise ValueError(f"something of the state is there already: {exc}") from exc
    return {"arns": made}


def _project(context: Context, row: sqlite3.Row) -> dict[str, Any]:
    datasets = context.store.all("SELECT * FROM datasets WHERE project = ? ORDER BY id", row["id"])
    return {
        "name": row["name"],
        **{key: row[key] for key in ("account", "region", "arn", "created", "feature")},
        "tags": tags_of(context, row["arn"]),
        "datasets": [_dataset(context, dataset) for dataset in datasets],
    }


def _dataset(context: Context, row: sqlite3.Row) -> dict[str, Any]:
    return {
        **{key: row[key] for key in ("type", "arn", "created", "updated", "status", "message", "code")},
        "tags": tags_of(context, row["arn"]),
        "labels": entries.declared(context.store, row["id"]),
        "lines": entries.lines(context.store, row["id"]),
    }


def _bucket(context: Context, row: sqlite3.Row) -> dict[str, Any]:
    found = objects.page(context.store, row["name"], "", "", "", 2**31).objects
    return {
        **{key: row[key] for key in ("name", "account", "region", "versioning")},
        "objects": [_object(context, row["name"], each["key"]) for each in found],
    }


def _object(context: Context, bucket: str, key: str) -> dict[str, Any]:
    row = objects.find(context.store, bucket, key)
    assert row is not None  # noqa: S101  listed in the same snapshot
    body = objects.body(context.store, row)
    return {
        "key": key,
        "type": row["type"],
        "metadata": json.loads(row["metadata"]),
        "base64": base64.b64encode(body).decode(),
    }


def _add_project(context: Context, db: sqlite3.Connection, given: Fields) -> list[str]:
    _require_known(given, "a project", _PROJECT)
    name, account = _get(given, "name", str), _get(given, "account", str, context.account)
    region = _get(given, "region", str, _REGION)
    number = context.store.unique_milliseconds(context.clock.now())
    arn = _get(given, "arn", str, f"arn:aws:rekognition:{region}:{account}:project/{name}/{number}")
    if context.store.one(
        "SELECT 1 FROM projects WHERE (account, region, name) = (?, ?, ?)", account, region, name
    ):
        raise ValueError(f"there is a project {name} already")
    created = _get(given, "created", float, number / 1000)
    (project,) = db.execute(
        "INSERT INTO projects (account, region, name, arn, created, status, feature)"
        " VALUES (?, ?, ?, ?, ?, 'CREATED', ?) RETURNING id",
        (account, region, name, arn, created, _get(given, "feature", str, "CUSTOM_LABELS")),
    ).fetchone()
    attach(db, arn, _get(given, "tags", dict, {}))
    return [arn, *(_add_dataset(context, db, project, arn, each) for each in _list(given, "datasets"))]


def _add_dataset(
    context: Context, db: sqlite3.Connection, project: int, project_arn: str, given: Fields
) -> str:
    keys = ("type", "arn", "created", "updated", "status", "message", "code", "tags", "labels", "lines")
    _require_known(given, "a dataset", keys)
    kind = _get(given, "type", str)
    if kind not in _TYPES:
        raise ValueError(f"type: {kind!r} is neither TRAIN nor TEST")
    number = context.store.unique_milliseconds(context.clock.now())
    arn = _get(given, "arn", str, f"{project_arn.rpartition('/')[0]}/dataset/{kind.lower()}/{number}")
    status = _get(given, "status", str, "CREATE_COMPLETE")
    if status.endswith("_IN_PROGRESS"):  # the operation is not part of the document
        status = "CREATE_COMPLETE" if status.startswith("CREATE") else "UPDATE_COMPLETE"
    created = _get(given, "created", float, number / 1000)
    (dataset,) = db.execute(
        "INSERT INTO datasets (project, arn, type, created, updated, status, message, code, content)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (project, arn, kind, created, _get(given, "updated", float, created), status,
         _get(given, "message", str, ""), _get(given, "code", str, "SUCCESS"), contents.new(db)),
    ).fetchone()  # fmt: skip
    attach(db, arn, _get(given, "tags", dict, {}))
    entries.put(context.store, dataset, _entries(context, given))
    for label in _list(given, "labels"):
        entries.declare(context.store, dataset, label)
    return arn


def _entries(context: Context, given: Fields) -> Iterable[Entry]:
    for number, line in enumerate(_list(given, "lines"), 1):
        raw = line if isinstance(line, str) else json.dumps(line)
        entry = judge_line(raw.encode(), context.settings.switches)
        if entry is None:
            raise ValueError(f"line {number} would be dropped: {raw[:200]}")
        yield entry


def _add_bucket(context: Context, db: sqlite3.Connection, given: Fields) -> None:
    _require_known(given, "a bucket", ("name", "account", "region", "versioning", "objects"))
    name, now = _get(given, "name", str), context.clock.now()
    row = (_get(given, "account", str, context.account), _get(given, "region", str, _REGION))
    db.execute(
        "INSERT INTO buckets (name, account, region, created, versioning) VALUES (?, ?, ?, ?, ?)",
        (name, *row, now, _get(given, "versioning", str, "")),
    )
    for each in _list(given, "objects"):
        _require_known(each, "an object", ("key", "type", "metadata", "text", "base64"))
        try:
            body = base64.b64decode(_get(each, "base64", str, ""), validate=True)
        except binascii.Error as exc:
            raise ValueError(f"base64: of {_get(each, 'key', str)}: {exc}") from exc
        body = _get(each, "text", str, "").encode() or body
        kind, metadata = _get(each, "type", str, "binary/octet-stream"), _get(each, "metadata", dict, {})
        objects.put(
            db, name, _get(each, "key", str), objects.content(context.store, body, kind, metadata), now
        )


def _require_known(given: Any, what: str, known: Iterable[str]) -> None:
    if not isinstance(given, Mapping):
        raise ValueError(f"{what} must be a JSON object")
    if unknown := given.keys() - set(known):
        raise ValueError(f"{what} has no {', '.join(sorted(unknown))}")


def _list(given: Fields, name: str) -> list[Any]:
    return _get(given, name, list, [])


def _get(given: Fields, name: str, kind: type[T], default: T | None = None) -> T:
    """Return a member of a document, of the type *kind*; a member without a default is required."""
    value = given.get(name, default)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind):
        raise ValueError(f"{name}: {value!r} is not what is expected here")
    return value
