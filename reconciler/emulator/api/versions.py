"""CreateProjectVersion, DescribeProjectVersions, CopyProjectVersion, DeleteProjectVersion."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

from reconciler.emulator.access import Caller
from reconciler.emulator.api.projects import attach, find
from reconciler.emulator.behaviour.faults import Kind
from reconciler.emulator.http import in_use, invalid_parameter, limit_exceeded, not_found
from reconciler.emulator.storage import bodies, entries, objects
from reconciler.emulator.storage.context import Context
from reconciler.emulator.training import work

Params = dict[str, Any]

_MAX_VERSIONS: Final = 100  # of a project (quotas page)
_IN_PROGRESS: Final = ("TRAINING_IN_PROGRESS", "COPYING_IN_PROGRESS")
_TRAINED: Final = ("TRAINING_COMPLETED", "COPYING_COMPLETED")
_EVALUATION: Final = "EvaluationResultSummary"
# Invented; not documented.
_MESSAGES: Final = {
    "TRAINING_IN_PROGRESS": "The model is being trained.",
    "COPYING_IN_PROGRESS": "The model is being copied.",
}


def create_project_version(context: Context, caller: Caller, params: Params) -> Params:
    project = _custom_labels_project(context, caller, params["ProjectArn"])
    _require_new(context, project, params["VersionName"])
    running = context.store.all(
        "SELECT 1 FROM versions v JOIN projects p ON p.id = v.project WHERE p.account = ? AND p.region = ?"
        " AND v.status = 'TRAINING_IN_PROGRESS'",
        *caller.owner,
    )
    if len(running) >= context.settings.max_trainings:
        raise limit_exceeded(f"{context.settings.max_trainings} models are in training already.")
    if "FeatureConfig" in params:
        raise invalid_parameter()  # of content moderation alone
    manifests, size = _manifests(context, caller, project, params)
    settings = {
        "training": params.get("TrainingData", {}),
        "testing": {"AutoCreate": False, **params.get("TestingData", {})},
        **_faults(context, project["arn"]),
    }
    return _insert(context, project, params, "TRAINING_IN_PROGRESS", settings, manifests, size)


def describe_project_versions(context: Context, caller: Caller, params: Params) -> Params:
    """List the versions, latest first, and the trainings that the console user has started."""
    project = find(context, caller, params["ProjectArn"])
    names = params.get("VersionNames")
    listing = ("DescribeProjectVersions", project["arn"], names)
    start = context.store.place_of(listing, params.get("NextToken"))
    rows = context.store.all("SELECT * FROM versions WHERE project = ? ORDER BY id DESC", project["id"])
    found = [*_of_console(context, project), *((row["name"], _description(row)) for row in rows)]
    wanted = [description for name, description in found if names is None or name in names]
    end = start + params.get("MaxResults", 100)
    more = end if len(wanted) > end else None
    return {"ProjectVersionDescriptions": wanted[start:end], **context.next_token(listing, more)}


def copy_project_version(context: Context, caller: Caller, params: Params) -> Params:
    source_project = find(context, caller, params["SourceProjectArn"])
    source = find(context, caller, params["SourceProjectVersionArn"], "versions")
    target = _custom_labels_project(context, caller, params["DestinationProjectArn"])
    if source["project"] != source_project["id"] or source["status"] not in _TRAINED:
        raise invalid_parameter()
    _require_new(context, target, params["VersionName"])
    settings = {"source": source["arn"], "failure": None, "slower_by": 0.0}
    return _insert(context, target, params, "COPYING_IN_PROGRESS", settings, (None, None), 0)


def delete_project_version(context: Context, caller: Caller, params: Params) -> Params:
    version = find(context, caller, params["ProjectVersionArn"], "versions")
    if version["status"] in _IN_PROGRESS:
        raise in_use()
    if version["status"] != "DELETING":
        context.store.db.execute(
            "UPDATE versions SET status = 'DELETING', due = ? WHERE id = ?",
            (context.clock.now() + context.settings.delete_seconds, version["id"]),
        )
    return {"Status": "DELETING"}


def _custom_labels_project(context: Context, caller: Caller, arn: str) -> sqlite3.Row:
    project = find(context, caller, arn)
    if project["status"] != "CREATED":
        raise not_found(arn)
    if project["feature"] != "CUSTOM_LABELS":
        raise invalid_parameter()
    return project


def _require_new(context: Context, project: sqlite3.Row, name: str) -> None:
    rows = context.store.all("SELECT name FROM versions WHERE project = ?", project["id"])
    if name in {row["name"] for row in rows} | {known for known, _ in _of_console(context, project)}:
        raise in_use()
    if len(rows) >= _MAX_VERSIONS:
        raise limit_exceeded(f"The project has {_MAX_VERSIONS} models already.")


def _manifests(
    context: Context, caller: Caller, project: sqlite3.Row, params: Params
) -> tuple[tuple[int | None, int | None], int]:
    """
    Return the bodies of the two manifests as they are now, and their size in bytes.

    Raises:
        ServiceError: The project lacks a dataset, has datasets beside the manifests given, or they are busy.
    """
    datasets = {
        row["type"]: row
        for row in context.store.all("SELECT * FROM datasets WHERE project = ?", project["id"])
    }
    given = params.keys() & {"TrainingData", "TestingData"}
    if given:
        if datasets or len(given) == 1:
            raise invalid_parameter()
        parts = [_external(context, caller, params[name]) for name in ("TrainingData", "TestingData")]
    else:
        if datasets.keys() != {"TRAIN", "TEST"}:
            raise invalid_parameter()
        if any(row["status"].endswith("_IN_PROGRESS") for row in datasets.values()):
            raise in_use()
        parts = [_lines(context, datasets[kind]["id"]) for kind in ("TRAIN", "TEST")]
    with context.store.transaction() as db:
        for body, _ in parts:
            if body is not None:
                bodies.adopt(db, body)
    (train, train_size), (test, test_size) = parts
    return (train, test), train_size + test_size


def _lines(context: Context, dataset: int) -> tuple[int, int]:
    """Store the lines of a dataset as they are now."""
    text = "".join(f"{line}\n" for line in entries.lines(context.store, dataset)).encode()
    return bodies.write(context.store, text), len(text)


def _external(context: Context, caller: Caller, data: Params) -> tuple[int | None, int]:
    """Refer to a manifest in S3; None if it does not exist, which fails the training."""
    match data.get("Assets"):
        case [{"GroundTruthManifest": {"S3Object": {"Bucket": bucket, "Name": key, **rest}}}]:
            version = str(rest["Version"]) if "Version" in rest else None
            found = objects.manifest(context.store, caller.owner, str(bucket), str(key), version)
            if found is None:
                return None, 0
            return bodies.join(context.store.db, [(found.body, found.size)]), found.size
        case None | [] if data.get("AutoCreate"):
            return None, 0
        case _:
            raise invalid_parameter()


def _faults(context: Context, project: str) -> Params:
    """Return the effects of the armed faults on a training."""
    operation = "CreateProjectVersion"
    slow = context.faults.strike([Kind.SLOW], operation, project)
    failed = context.faults.strike([Kind.FAIL_SERVICE], operation, project)
    return {
        "slower_by": sum(fault.seconds for fault in slow),
        "failure": work.SERVICE_ISSUE if failed else None,
    }


def _insert(
    context: Context,
    project: sqlite3.Row,
    params: Params,
    status: str,
    settings: Params,
    manifests: tuple[int | None, int | None],
    size: int,
) -> Params:
    """Add a version whose training or copy is in progress."""
    kept = settings | _output(params)
    name, now = params["VersionName"], context.clock.now()
    with context.store.transaction() as db:
        number = context.store.unique_milliseconds(now)
        arn = f"{project['arn'].rpartition('/')[0]}/version/{name}/{number}"
        db.execute(
            "INSERT INTO versions (project, name, arn, created, status, message, due, train, test, size,"
            " settings, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}')",
            (
                project["id"],
                name,
                arn,
                number / 1000,
                status,
                _MESSAGES[status],
                now + context.settings.training_seconds + settings["slower_by"],
                *manifests,
                size,
                json.dumps(kept),
            ),
        )
        attach(db, arn, params.get("Tags", {}))
    return {"ProjectVersionArn": arn}


def _output(params: Params) -> Params:
    """Return the settings that trainings and copies have in common."""
    output = params["OutputConfig"]
    if "S3Bucket" not in output:
        raise invalid_parameter()
    return {
        "bucket": output["S3Bucket"],
        "prefix": output.get("S3KeyPrefix", ""),
        "description": params.get("VersionDescription"),
        "kms": params.get("KmsKeyId"),
    }


def _of_console(context: Context, project: sqlite3.Row) -> list[tuple[str, Params]]:
    """Return name and description of the trainings that the console user has started."""
    stem, _, number = project["arn"].rpartition("/")
    return [
        (name, {"ProjectVersionArn": f"{stem}/version/{name}/{number}", "Status": "TRAINING_IN_PROGRESS"})
        for name in context.trainings.get(project["arn"], ())
    ]


def _description(version: sqlite3.Row) -> Params:
    settings, result = json.loads(version["settings"]), json.loads(version["result"])
    description: Params = {
        "ProjectVersionArn": version["arn"],
        "CreationTimestamp": version["created"],
        "Status": version["status"],
        "StatusMessage": version["message"],
        "OutputConfig": {"S3Bucket": settings["bucket"], "S3KeyPrefix": settings["prefix"]},
        "Feature": "CUSTOM_LABELS",
        **_results(version, settings, result),
    }
    optional = {
        "VersionDescription": settings["description"],
        "KmsKeyId": settings["kms"],
        "SourceProjectVersionArn": settings.get("source"),
        "TrainingEndTimestamp": version["ended"],
    }
    description.update({name: value for name, value in optional.items() if value is not None})
    if version["status"] == "TRAINING_COMPLETED":
        description["BillableTrainingTimeInSeconds"] = round(version["ended"] - version["created"])
    return description


def _results(version: sqlite3.Row, settings: Params, result: Params) -> Params:
    """Return the members for what a training has found, with the places of its files."""
    if not result:
        return {}
    project = version["arn"].split("/")[1]

    def place(name: str) -> Params:
        key = work.file_key(settings["prefix"], name, project, version["name"])
        return {"S3Object": {"Bucket": settings["bucket"], "Name": key}}

    files = result.pop("files")
    for part, more in (("Training", {}), ("Testing", {"AutoCreate": False})):
        data = result.get(f"{part}DataResult")
        if data is not None and f"{part}GroundTruth" in files:
            data["Output"] = {"Assets": [{"GroundTruthManifest": place(f"{part}GroundTruth")}], **more}
        if data is not None and f"{part}ManifestWithValidation" in files:
            manifest = place(f"{part}ManifestWithValidation")
            data["Validation"] = {"Assets": [{"GroundTruthManifest": manifest}]}
    if "ManifestSummary" in files:
        result["ManifestSummary"] = place("ManifestSummary")
    if _EVALUATION in files:
        result["EvaluationResult"]["Summary"] = place(_EVALUATION)
    return result
