"""Drift for build servers: as JUnit XML, and as SARIF 2.1.0."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, ElementTree, SubElement

import orjson

from reconciler import __version__
from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem, DriftVerdict
from reconciler.core.spec.choices import DriftClass
from reconciler.core.validation.problem import Origin
from reconciler.reports.drift import words
from reconciler.reports.visible import visible

# GitHub refuses a SARIF run of more than 25,000 results ("SARIF support for code scanning").
MOST_RESULTS: Final = 20_000

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def write_junit(drift: Drift, stream: BinaryIO) -> None:
    """Write a test suite for each dataset: one case for its verdict, and one for each image that differs."""
    suites = Element("testsuites", name="reconciler drift")
    for dataset in drift.datasets:
        _suite(SubElement(suites, "testsuite"), dataset)
    ElementTree(suites).write(stream, encoding="utf-8", xml_declaration=True)
    stream.write(b"\n")


def write_sarif(drift: Drift, stream: BinaryIO) -> None:
    """Write one run. What only waits for an apply is a note, and what is acknowledged is suppressed."""
    results = list(islice(_results(drift), MOST_RESULTS))
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
    stream.write(orjson.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}))
    stream.write(b"\n")


def _suite(suite: Element, dataset: DatasetDrift) -> None:
    # A failure says that people should look; what cannot be looked at is an error, as JUnit has it.
    unknown = dataset.verdict is DriftVerdict.UNKNOWN or bool(dataset.error_code)
    alarms = sum(item.alarms for item in dataset.items)
    suite.attrib.update(
        name=visible(dataset.name),
        tests=str(len(dataset.items) + 1),
        failures=str(alarms),
        errors=str(int(unknown)),
        skipped=str(len(dataset.items) - alarms),
    )
    verdict = SubElement(suite, "testcase", name="looked at whole", classname=visible(dataset.name))
    if unknown:
        reasons = "\n".join(f"{error.code}: {visible(error.message)}" for error in dataset.errors)
        SubElement(verdict, "error", message=words.headline(dataset)).text = reasons
    for item in dataset.items:
        case = SubElement(suite, "testcase", name=visible(item.source_ref), classname=visible(dataset.name))
        if item.origin:
            case.attrib.update(file=visible(item.origin.file), line=str(item.origin.line))
        kinds = ", ".join(words.CLASSES[kind] for kind in item.classes)
        if item.alarms:
            SubElement(case, "failure", type=item.classes[0].value, message=kinds).text = _told(item)
        else:
            why = item.acknowledged if item.acknowledged is not None else words.cause(item)
            SubElement(case, "skipped", message=visible(why))


def _results(drift: Drift) -> Iterator[dict[str, Any]]:
    for dataset in drift.datasets:
        for item in dataset.items:
            for kind in item.classes:
                yield _result(item, kind, dataset)


def _result(item: DriftItem, kind: DriftClass, dataset: DatasetDrift) -> dict[str, Any]:
    text = f"{item.source_ref}: {words.CLASSES[kind]}, {words.cause(item)}. {_told(item)}"
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
    if left_out:
        yield {"level": "warning", "message": {"text": f"{left_out:,} more results are left out"}}


def _told(item: DriftItem) -> str:
    """Tell what happened, on one line."""
    told = (f"{event.text} ({event.detail})" if event.detail else event.text for event in words.events(item))
    return visible("; ".join(told))
