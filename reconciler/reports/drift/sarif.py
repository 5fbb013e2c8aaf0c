"""Drift for code scanning: SARIF 2.1.0, as plain data; sarif-om would model far more than is written here."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

import orjson

from reconciler import __version__
from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem
from reconciler.core.spec.choices import DriftClass
from reconciler.core.validation.problem import Origin
from reconciler.reports.drift import words
from reconciler.reports.registry import RenderOptions
from reconciler.reports.visible import visible

# GitHub refuses a SARIF run of more than 25,000 results ("SARIF support for code scanning").
MAX_RESULTS: Final = 20_000

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(drift: Drift, _options: RenderOptions) -> Iterator[bytes]:
    """Yield one run. What only waits for an apply is a note, and what is acknowledged is suppressed."""
    results = list(islice(_results(drift), MAX_RESULTS))
    found = sum(len(item.classes) for dataset in drift.datasets for item in dataset.items)
    rules = [{"id": kind.value, "shortDescription": {"text": words.CLASSES[kind]}} for kind in DriftClass]
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "reconciler", "version": __version__, "rules": rules}},
        "results": results,
        "invocations": [
            {
                "executionSuccessful": not any(dataset.error_code for dataset in drift.datasets),
                "toolExecutionNotifications": list(_notifications(drift, found - len(results))),
            }
        ],
    }
    yield orjson.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + b"\n"


def _results(drift: Drift) -> Iterator[dict[str, Any]]:
    for dataset in drift.datasets:
        for item in dataset.items:
            for kind in item.classes:
                yield _result(item, kind, dataset)


def _result(item: DriftItem, kind: DriftClass, dataset: DatasetDrift) -> dict[str, Any]:
    text = f"{item.source_ref}: {words.CLASSES[kind]}, {words.cause(item)}. {words.one_line(item)}"
    found: dict[str, Any] = {
        "ruleId": kind.value,
        "level": "note" if item.is_pending else "error",
        "message": {"text": visible(text)},
        "partialFingerprints": {"image/v1": visible(f"{dataset.name} {kind.value} {item.source_ref}")},
    }
    if place := item.origin or dataset.path:
        found["locations"] = [_location(place)]
    if item.acknowledged is not None:
        found["suppressions"] = [{"kind": "external", "justification": visible(item.acknowledged)}]
    return found


def _location(origin: Origin) -> dict[str, Any]:
    name = quote(origin.file, errors="surrogateescape")
    return {"physicalLocation": {"artifactLocation": {"uri": name}, "region": {"startLine": origin.line}}}


def _notifications(drift: Drift, left_out: int) -> Iterator[dict[str, Any]]:
    for dataset in drift.datasets:
        for error in dataset.errors[:100]:
            text = visible(f"{dataset.name}: {error.message} ({error.code})")
            yield {"level": "error", "message": {"text": text}}
        if dataset.gap is not None:
            text = visible(f"{dataset.name}: incomplete: {dataset.gap}: there may be more")
            yield {"level": "warning", "message": {"text": text}}
    if left_out:
        yield {"level": "warning", "message": {"text": f"{left_out:,} more results are left out"}}
