"""The operations on datasets, their listings included."""

from __future__ import annotations

import sqlite3
from pathlib import PurePosixPath
from typing import Any, Final

from reconciler.emulator.access import Caller
from reconciler.emulator.api import finishing, lifecycle, outcome, shapes
from reconciler.emulator.api.constraints import too_long
from reconciler.emulator.api.lifecycle import Work
from reconciler.emulator.api.projects import attach, find
from reconciler.emulator.behaviour.faults import Kind
from reconciler.emulator.behaviour.judge import source_refs
from reconciler.emulator.behaviour.switches import BusyListing, ConcurrentUpdate, CopyOfFailed, Visibility
from reconciler.emulator.http import (
    already_exists,
    bad_s3_object,
    in_use,
    invalid_parameter,
    limit_exceeded,
    not_found,
    not_ready,
)
from reconciler.emulator.s3 import copies
from reconciler.emulator.storage import bodies, contents, entries, objects
from reconciler.emulator.storage.context import Context
from reconciler.emulator.storage.entries import Filters
from reconciler.emulator.storage.objects import Content

Params = dict[str, Any]

_STARTED_BY: Final = {
    Work.UPDATE: "UpdateDatasetEntries",
    Work.DISTRIBUTE: "DistributeDatasetEntries",
    Work.DELETE: "DeleteDataset",
}
_OPEN = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED")


def create_dataset(context: Context, caller: Caller, params: Params) -> Params:
    project = find(context, caller, params["ProjectArn"])
    if project["status"] != "CREATED":
        raise not_found(params["ProjectArn"])
    kind = params["DatasetType"]
    _require_free_slot(context, project["id"], kind)
    work, manifest, arguments = _source(context, caller, params.get("DatasetSource"))
    with context.store.transaction() as db:
        number = context.store.unique_milliseconds(context.clock.now())
        arn = f"{project['arn'].rpartition('/')[0]}/dataset/{kind.lower()}/{number}"
        row = db.execute(
            "INSERT INTO datasets (project, arn, type, created, updated, status, message, code, content)"
            " VALUES (?, ?, ?, ?, ?, '', '', '', ?) RETURNING *",
            (project["id"], arn, kind, number / 1000, number / 1000, contents.new(db)),
        ).fetchone()
        attach(db, arn, params.get("Tags", {}))
        _start(context, row, work, manifest, **arguments)
    return {"DatasetArn": arn}


def describe_dataset(context: Context, caller: Caller, params: Params) -> Params:
    dataset = find(context, caller, params["DatasetArn"], "datasets")
    past = context.shown_description(dataset["id"])
    return {"DatasetDescription": past or _description(context, dataset)}


def _description(context: Context, dataset: sqlite3.Row) -> Params:
    stats = entries.stats(context.store, dataset["id"])
    return {
        "CreationTimestamp": dataset["created"],
        "LastUpdatedTimestamp": dataset["updated"],
        "Status": dataset["status"],
        "StatusMessage": dataset["message"],
        "StatusMessageCode": dataset["code"],
        "DatasetStats": {
            "LabeledEntries": stats.labeled,
            "TotalEntries": stats.total + context.settings.switches.count_excess,
            "TotalLabels": stats.labels,
            "ErrorEntries": stats.errors,
        },
    }


def update_dataset_entries(context: Context, caller: Caller, params: Params) -> Params:
    blob = params["Changes"]["GroundTruth"]
    switches = context.settings.switches
    if len(blob) > switches.max_blob_bytes:
        limit = too_long(blob, "changes.groundTruth", switches.max_blob_bytes)
        shapes.refuse([limit], switches.invalid_request)
    dataset = find(context, caller, params["DatasetArn"], "datasets")
    if dataset["status"] not in _OPEN:
        raise _refusal(context, dataset["status"])
    description = _description(context, dataset)
    content = objects.content(context.store, blob)
    due = _start(context, dataset, Work.UPDATE, content)
    context.remember_past(dataset["id"], description, due)
    if switches.visibility is Visibility.AT_ONCE:
        finishing.apply_early(context, dataset["id"])
    return {}


def distribute_dataset_entries(context: Context, caller: Caller, params: Params) -> Params:
    pair = {
        row["type"]: row for row in (find(context, caller, d["Arn"], "datasets") for d in params["Datasets"])
    }
    if pair.keys() != {"TRAIN", "TEST"} or pair["TRAIN"]["project"] != pair["TEST"]["project"]:
        raise invalid_parameter()
    train, test = pair["TRAIN"], pair["TEST"]
    if train["status"] not in _OPEN or test["status"] not in _OPEN:
        raise not_ready()
    if entries.stats(context.store, test["id"]).total:
        raise invalid_parameter()
    with context.store.transaction() as db:
        _start(context, train, Work.DISTRIBUTE, partner=test["id"])
        lifecycle.set_status(db, test["id"], *lifecycle.running(Work.DISTRIBUTE), "SUCCESS")
    return {}


def delete_dataset(context: Context, caller: Caller, params: Params) -> Params:
    dataset = find(context, caller, params["DatasetArn"], "datasets")
    if dataset["status"].endswith("_IN_PROGRESS"):
        raise in_use()
    _start(context, dataset, Work.DELETE)
    return {}


def _source(
    context: Context, caller: Caller, source: Params | None
) -> tuple[Work, Content | None, dict[str, Any]]:
    """Return the work that creates a dataset, its payload and its arguments."""
    match source:
        case None:
            return Work.CREATE, None, {}
        case {"GroundTruthManifest": {"S3Object": {"Bucket": name, "Name": key, **rest}}} if (
            "DatasetArn" not in source
        ):
            version = str(rest["Version"]) if "Version" in rest else None
            if context.s3_endpoint is None:
                manifest = objects.manifest(context.store, caller.owner, name, key, version)
            else:
                manifest = copies.fetched(context, name, key)
            if manifest is None:
                raise bad_s3_object()
            return Work.IMPORT, manifest, {"extension": bool(PurePosixPath(key).suffix)}
        case {"DatasetArn": arn} if "GroundTruthManifest" not in source:
            return Work.COPY, None, _copied(context, find(context, caller, arn, "datasets"))
        case _:
            raise invalid_parameter()


def _copied(context: Context, source: sqlite3.Row) -> dict[str, Any]:
    """Return the arguments of a copy."""
    arguments = {"source": source["id"]}
    if source["status"] != "CREATE_FAILED":
        return arguments
    match context.settings.switches.copy_of_failed:
        case CopyOfFailed.REFUSE:
            raise invalid_parameter()
        case CopyOfFailed.FAIL:
            return {**arguments, "failure": outcome.SOURCE_FAILED}
        case CopyOfFailed.ACCEPT:
            return arguments


def _require_free_slot(context: Context, project: int, kind: str) -> None:
    taken = context.store.all("SELECT status FROM datasets WHERE project = ? AND type = ?", project, kind)
    if context.settings.switches.slot_free_while_deleting:
        taken = [row for row in taken if row["status"] != "DELETE_IN_PROGRESS"]
    if taken:
        raise already_exists(f"A dataset of type {kind}")


def _refusal(context: Context, status: str) -> Exception:
    if status == "CREATE_FAILED":
        return invalid_parameter()
    if context.settings.switches.concurrent_update is ConcurrentUpdate.LIMIT_EXCEEDED:
        return limit_exceeded("Too many concurrent operations on the dataset.")
    return in_use()


def _start(
    context: Context, dataset: sqlite3.Row, work: Work, payload: Content | None = None, **arguments: Any
) -> float:
    """Start work on a dataset, and apply the armed faults that match; return when it is due."""
    operation, arn = _STARTED_BY.get(work, "CreateDataset"), dataset["arn"]
    body, size = (payload.body, payload.size) if payload is not None else (None, 0)
    refs = []
    if body is not None and context.faults.armed():
        refs = source_refs(bodies.read(context.store, body, 0, size))
    slow = context.faults.strike([Kind.SLOW], operation, arn, refs)
    kinds = (Kind.FAIL_SERVICE, Kind.FAIL_CLIENT, Kind.POISON, Kind.POISON_TOGETHER)
    failures = context.faults.strike(kinds, operation, arn, refs)
    drops = context.faults.strike([Kind.DROP], operation, arn, refs)
    if failures and failures[0].kind is Kind.FAIL_SERVICE:
        arguments["failure"] = ["SERVICE_ERROR", "Internal server error"]
    elif failures:
        arguments["failure"] = outcome.BAD_MANIFEST
    if drops:
        arguments["drop"] = sorted(frozenset().union(*(fault.source_refs for fault in drops)))
    seconds = sum(fault.seconds for fault in slow)
    if work is Work.UPDATE:
        seconds += context.late_seconds()
    return lifecycle.start(context, dataset["id"], work, body=body, size=size, slower_by=seconds, **arguments)


def list_dataset_entries(context: Context, caller: Caller, params: Params) -> Params:
    arn = params["DatasetArn"]
    content, past = _content(context, caller, arn)
    filters = Filters(
        contains_labels=tuple(params.get("ContainsLabels", ())),
        labeled=params.get("Labeled"),
        source_ref_contains=params.get("SourceRefContains"),
        has_errors=params.get("HasErrors", False),
    )
    listing = ("ListDatasetEntries", arn, tuple(filters), past)
    after = context.store.place_of(listing, params.get("NextToken"))
    lines, more = entries.page(context.store, content, filters, after, params.get("MaxResults", 100))
    return {"DatasetEntries": lines, **context.next_token(listing, more)}


def list_dataset_labels(context: Context, caller: Caller, params: Params) -> Params:
    arn = params["DatasetArn"]
    content, past = _content(context, caller, arn)
    listing = ("ListDatasetLabels", arn, past)
    after = context.store.place_of(listing, params.get("NextToken"))
    counts = entries.label_counts(context.store, content)
    end = after + params.get("MaxResults", 100)
    labels = [
        {
            "LabelName": count.label,
            "LabelStats": {"EntryCount": count.entries}
            | ({"BoundingBoxCount": count.boxed} if count.boxed else {}),
        }
        for count in counts[after:end]
    ]
    more = end if len(counts) > end else None
    return {"DatasetLabelDescriptions": labels, **context.next_token(listing, more)}


def _content(context: Context, caller: Caller, arn: str) -> tuple[int, int | None]:
    """
    Return the content to list, and the same again if it is that of the past.

    Raises:
        ServiceError: The dataset does not exist, or cannot be listed now.
    """
    dataset = find(context, caller, arn, "datasets")
    past = context.shown_content(dataset["id"])
    if past is not None:
        return past, past  # whatever the dataset is busy with
    _require_readable(context, dataset)
    return entries.content_of(context.store, dataset["id"]), None


def _require_readable(context: Context, dataset: sqlite3.Row) -> None:
    busy = context.settings.switches.busy_listing
    match dataset["status"]:
        case "CREATE_IN_PROGRESS" if busy is not BusyListing.STALE:
            raise not_ready()
        case "UPDATE_IN_PROGRESS" if busy is not BusyListing.STALE:
            raise in_use() if busy is BusyListing.IN_USE else not_ready()
        case "CREATE_FAILED":
            raise not_ready()
        case "DELETE_IN_PROGRESS":
            raise in_use()
