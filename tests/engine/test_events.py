"""The page of log events, docs/logs.md, matches the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.core.spec.choices import DriftClass

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "logs.md").read_text("utf-8").splitlines()
    if line.startswith("| `")
]
COMMON = {row[0].strip("`") for row in ROWS if len(row) == 2}
LEVEL = {row[0].strip("`"): row[1] for row in ROWS if len(row) == 4}
KEYS = {row[0].strip("`"): set(re.findall("`(.*?)`", row[3])) for row in ROWS if len(row) == 4}
LEVELS = ("debug", "info", "warning", "error", "exception")

CONTRACT = """
cycle.started cycle.finished cycle.failed source.updated source.notice source.unavailable spec.invalid spec.skipped
observe.fingerprint
observe.finished observe.incomplete
observe.restarted plan.computed plan.blocked update.submitted update.finished update.failed
update.resumed bisect.started bisect.finished entry.quarantined entry.released entry.dropped entry.rejected
verify.finished drift.detected drift.cleared guard.tripped condition.changed aws.throttled process.started
process.stopping process.stopped update.awaited
"""

ADDED = """
apply.fenced plan.superseded source.stale request.refused lease.unreleased state.damaged status.unsaved
spec.unmatched dataset.suspended dataset.resumed partition.acquired partition.lost partition.released
partition.unknown status.unpublished plan.images notify.failing notify.recovered notify.dropped event.foreign
event.ignored event.unreadable dataset.failed events.listening events.unavailable manifest.download
"""


def calls() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Every call of a logger in the package: level, event, and the literal keys."""
    for path in (ROOT / "reconciler").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level)) if level in LEVELS:
                    (event,) = node.args
                    assert isinstance(event, ast.Constant), f"{path}:{node.lineno}: an event is a constant"
                    yield level, event.value, frozenset(k.arg for k in node.keywords if k.arg)


def test_every_event_in_the_source_is_on_the_page():
    """Every event in the source is on the page, and the reverse; by name, for those who look one up."""
    assert sorted({event for _, event, _ in calls()}) == list(LEVEL)


def test_the_page_is_the_public_contract():
    """The names of events are public: none is added or removed unnoticed."""
    assert {*CONTRACT.split(), *ADDED.split()} == set(LEVEL)


def test_every_key_in_the_source_is_on_the_page():
    """Every key logged in the source is on the page; those of drift are its classes."""
    known = {name: {*keys, *COMMON, "exc_info"} for name, keys in KEYS.items()}

    assert [] == [(event, keys - known[event]) for _, event, keys in calls() if keys - known[event]]
    assert set(DriftClass) == KEYS["drift.detected"]


def test_the_level_is_the_most_severe_one():
    """Who filters by level misses nothing that the page names with it."""
    severity = {level: min(number, 3) for number, level in enumerate(LEVELS)}
    found: dict[str, int] = {}
    for level, event, _ in calls():
        found[event] = max(severity[level], found.get(event, 0))

    assert {event: LEVELS[number] for event, number in found.items()} == LEVEL
