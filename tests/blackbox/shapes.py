"""The JSON documents of the contract, key by key: nothing missing, nothing of another type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], None]


class Wrong(AssertionError):
    """A document is not as promised."""


def _need(condition: object, where: str, value: Any) -> None:
    if not condition:
        raise Wrong(f"{where}: {value!r}")


def text(value: Any, where: str) -> None:
    _need(isinstance(value, str), where, value)


def some_text(value: Any, where: str) -> None:
    _need(isinstance(value, str) and value, where, value)


def whole(value: Any, where: str) -> None:
    _need(isinstance(value, int) and not isinstance(value, bool) and value >= 0, where, value)


def yes_no(value: Any, where: str) -> None:
    _need(isinstance(value, bool), where, value)


def anything(value: Any, where: str) -> None:
    """Take any JSON."""


def matching(pattern: str) -> Check:
    return lambda value, where: _need(isinstance(value, str) and re.fullmatch(pattern, value), where, value)


def one_of(*values: Any) -> Check:
    return lambda value, where: _need(value in values, where, value)


def or_null(check: Check) -> Check:
    return lambda value, where: None if value is None else check(value, where)


def each(check: Check) -> Check:
    def inner(value: Any, where: str) -> None:
        _need(isinstance(value, list), where, value)
        for number, item in enumerate(value):
            check(item, f"{where}[{number}]")

    return inner


def record(fields: Mapping[str, Check]) -> Check:
    """Check an object with exactly these keys; those that end in ? may be absent."""

    def inner(value: Any, where: str) -> None:
        _need(isinstance(value, dict), where, value)
        known = {key.removesuffix("?"): check for key, check in fields.items()}
        required = {key for key in fields if not key.endswith("?")}
        _need(required <= value.keys() <= known.keys(), f"{where} keys", sorted(value))
        for key, item in value.items():
            known[key](item, f"{where}.{key}")

    return inner


# How a dataset was observed, and in how many calls.
observed: Mapping[str, Check] = {
    "observation": anything,
    "listed_at": anything,
    "calls": record({"made": anything, "forecast": anything, "forecast_seconds": anything}),
}

place = matching(r".+:\d+")
code = matching(r"[A-Z][A-Z0-9_]+")
error = record({"code": code, "message": some_text, "origin?": place})
field = record({"path": matching(r"(/.*)?"), "before": anything, "after": anything})
cause = one_of(
    "spec_added", "spec_changed", "drift_modified", "drift_removed", "conflict", "unattributed", "orphan"
)
trouble = record(
    {"source_ref": some_text, "origin": or_null(place), "reason": some_text, "codes": each(some_text)}
)
withheld = record({"source_ref": some_text, "origin": or_null(place), "cause": cause, "reason": some_text})
arn = or_null(matching(r"arn:aws:rekognition:[a-z0-9-]+:\d{12}:project/.+/dataset/.+"))

PLAN = record(
    {
        "format": one_of("plan/v1"),
        "digest": matching(r"[0-9a-f]{16,128}"),
        "revision": or_null(matching(r"[0-9a-f]{40,64}")),
        "errors?": each(error),
        "datasets": each(
            record(
                {
                    "name": some_text,
                    "arn": arn,
                    "mode": one_of("observe", "create-only", "upsert"),
                    "applyable": yes_no,
                    "complete": yes_no,
                    "gap?": some_text,
                    "errors": each(error),
                    "counts": record(
                        dict.fromkeys(
                            ("desired", "observed", "add", "update", "orphan", "unchanged", "ignored"), whole
                        )
                        | {"not_selected?": whole}
                    ),
                    "changes": each(
                        record(
                            {
                                "action": one_of("add", "update", "orphan"),
                                "source_ref": some_text,
                                "cause": cause,
                                "origin": or_null(place),
                                "fields": each(field),
                                "withheld?": some_text,
                                "quarantined?": anything,
                                "blanked?": one_of(True),
                                "image_problems?": anything,
                            }
                        )
                    ),
                    "batches": each(record({"entries": whole, "bytes": whole})),
                    "guards": each(record({"code": code, "message": some_text})),
                    "images_by_label?": each(record({"label": some_text, "before": whole, "after": whole})),
                    "boxes_by_label?": each(record({"label": some_text, "before": whole, "after": whole})),
                    **observed,
                    "creation?": anything,
                }
            )
        ),
    }
)
APPLY = record(
    {
        "format": one_of("apply/v1"),
        "errors?": each(error),
        "datasets": each(
            record(
                {
                    "name": some_text,
                    "arn": arn,
                    "verdict": one_of(
                        "converged", "withheld", "partial", "blocked", "failed", "unknown", "observed"
                    ),
                    "counts": record(
                        {"added": whole, "updated": whole, "withheld": whole, "not_selected?": whole}
                    ),
                    "entries": or_null(record({"desired": whole, "in_place": whole, "blocked": whole})),
                    "updates": whole,
                    "verified": yes_no,
                    "complete": yes_no,
                    "quarantined": each(trouble),
                    "dropped": each(trouble),
                    "rejected": each(trouble),
                    "withheld": each(withheld),
                    **observed,
                    "errors": each(error),
                }
            )
        ),
    }
)
VALIDATE = record(
    {
        "format": one_of("validate/v1"),
        "datasets": whole,
        "entries": whole,
        "skipped": whole,
        "problems": each(
            record(
                {
                    "severity": one_of("error", "warning"),
                    "code": matching(r"(ERROR|WARNING)_[A-Z_]+|RKD\d{4}"),
                    "message": some_text,
                    "file": or_null(some_text),
                    "line": or_null(whole),
                    "column": or_null(whole),
                    "source_ref": or_null(text),
                }
            )
        ),
    }
)


def check(document: Any) -> None:
    """Hold a document against the shape that its format names."""
    shape = {"plan/v1": PLAN, "apply/v1": APPLY, "validate/v1": VALIDATE}[document["format"]]
    shape(document, "$")
    if document["format"] == "plan/v1":
        for dataset in document["datasets"]:
            _plan_adds_up(dataset)
    elif document["format"] == "apply/v1":
        for dataset in document["datasets"]:
            _apply_adds_up(dataset)


def _plan_adds_up(dataset: Any) -> None:
    refs = [change["source_ref"] for change in dataset["changes"]]
    _need(refs == sorted(refs), "changes are sorted", refs[:5])
    counts = dataset["counts"]
    by_action = [change["action"] for change in dataset["changes"]]
    for action in ("add", "update", "orphan"):
        _need(by_action.count(action) == counts[action], f"count of {action}", counts)
    parts = sum(counts[part] for part in ("add", "update", "unchanged", "ignored"))
    _need(counts["desired"] == parts, "the parts of desired", counts)


def _apply_adds_up(dataset: Any) -> None:
    counts = dataset["counts"]
    refs = [entry["source_ref"] for entry in dataset["withheld"]]
    _need(refs == sorted(refs), "withheld is sorted", refs[:5])
    _need(len(refs) == min(counts["withheld"], 1_000), "count of withheld", counts)
    _need(dataset["verdict"] != "converged" or not refs, "nothing is withheld of what converged", refs[:5])
    if (entries := dataset["entries"]) is not None:
        lists = dataset["quarantined"] + dataset["dropped"]
        named = sum(entry["origin"] is not None for entry in lists)
        parts = (
            named
            + entries["in_place"]
            + counts["withheld"]
            + entries["blocked"]
            + counts.get("not_selected", 0)
        )
        _need(entries["desired"] == parts, "the parts of desired", dataset)
