"""The catalogue of events matches the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from reconciler.engine.events import COMMON, EVENTS, page

ROOT = Path(__file__).parents[2]
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


def test_every_event_in_the_source_is_in_the_catalogue():
    """Every event in the source is in the catalogue, and the reverse."""
    assert set(EVENTS) == {event for _, event, _ in calls()}


def test_the_catalogue_is_the_public_contract():
    """The names of events are public: none is added or removed unnoticed."""
    assert {*CONTRACT.split(), *ADDED.split()} == set(EVENTS)


def test_every_key_in_the_source_is_in_the_catalogue():
    """Every key logged in the source is explained in the catalogue."""
    known = {name: {*event.keys, *COMMON, "exc_info"} for name, event in EVENTS.items()}

    assert [] == [(event, keys - known[event]) for _, event, keys in calls() if keys - known[event]]


def test_the_page_is_what_the_catalogue_renders():
    """
    docs/logs.md is generated. To renew it:

    python -c "from reconciler.engine.events import page; print(page(), end='')" > docs/logs.md
    """
    assert page() == (ROOT / "docs" / "logs.md").read_text("utf-8")
