"""Drift for build servers: JUnit XML, by ElementTree alone: junit-xml and junitparser only name its attributes."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from reconciler.core.drift.report import DatasetDrift, Drift, DriftVerdict
from reconciler.reports.drift import words
from reconciler.reports.registry import RenderOptions
from reconciler.reports.visible import visible


def render(drift: Drift, _options: RenderOptions) -> Iterator[bytes]:
    """Yield a test suite for each dataset: one case for its verdict, and one for each image that differs."""
    suites = Element("testsuites", name="reconciler drift")
    for dataset in drift.datasets:
        _suite(SubElement(suites, "testsuite"), dataset)
    yield tostring(suites, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(suite: Element, dataset: DatasetDrift) -> None:
    # A failure asks for attention; a dataset that cannot be observed is an error, in JUnit's sense.
    unknown = dataset.verdict is DriftVerdict.UNKNOWN or bool(dataset.error_code)
    incomplete = dataset.gap is not None and not unknown
    alarms = sum(item.alarms for item in dataset.items)
    suite.attrib.update(
        name=visible(dataset.name),
        tests=str(len(dataset.items) + 1),
        failures=str(alarms),
        errors=str(int(unknown)),
        skipped=str(len(dataset.items) - alarms + incomplete),
    )
    verdict = SubElement(suite, "testcase", name="observed completely", classname=visible(dataset.name))
    if unknown:
        reasons = "\n".join(f"{error.code}: {visible(error.message)}" for error in dataset.errors)
        SubElement(verdict, "error", message=words.headline(dataset)).text = reasons
    if incomplete:
        SubElement(verdict, "skipped", message=visible(f"{dataset.gap}: there may be more"))
    for item in dataset.items:
        case = SubElement(suite, "testcase", name=visible(item.source_ref), classname=visible(dataset.name))
        if item.origin:
            case.attrib.update(file=visible(item.origin.file), line=str(item.origin.line))
        kinds = ", ".join(words.CLASSES[kind] for kind in item.classes)
        if item.alarms:
            SubElement(case, "failure", type=item.classes[0].value, message=kinds).text = words.one_line(item)
        else:
            why = item.acknowledged if item.acknowledged is not None else words.cause(item)
            SubElement(case, "skipped", message=visible(why))
