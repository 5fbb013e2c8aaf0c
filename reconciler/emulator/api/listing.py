"""ListDatasetEntries and ListDatasetLabels."""

from __future__ import annotations

import sqlite3
from typing import Any

from reconciler.emulator.access import Caller
from reconciler.emulator.api.projects import find
from reconciler.emulator.behaviour.switches import BusyListing
from reconciler.emulator.http import in_use, not_ready
from reconciler.emulator.storage import entries
from reconciler.emulator.storage.context import Context
from reconciler.emulator.storage.entries import Filters

Params = dict[str, Any]


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
