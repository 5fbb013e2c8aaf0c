"""A read-only page for the browser: projects, datasets, what is set, and the last calls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Final

from reconciler.emulator.behaviour.calls import Call
from reconciler.emulator.storage import entries
from reconciler.emulator.storage.context import Context

_CALLS: Final = 50

# The heads of the tables; one that begins with # is over numbers.
_DATASET: Final = (
    "Project", "Account, Region", "Type", "Status", "#Entries", "#Labelled", "#Errors", "Updated", "ARN"
)  # fmt: skip
_FAULT: Final = ("#No.", "Kind", "Operations", "#Hit")
_CALL: Final = ("Time", "Service", "Operation", "Account", "Error", "Resource")

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, caption { color: GrayText; } p { margin: 0; }
div { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid color-mix(in srgb, CanvasText 15%, Canvas); padding: .3rem .75rem .3rem 0;
         text-align: left; vertical-align: top; white-space: nowrap; }
th { font-weight: 600; } td.n, th.n { font-variant-numeric: tabular-nums; text-align: right; }
td.arn { font: 12px/1.6 ui-monospace, monospace; min-width: 18rem; overflow-wrap: anywhere; white-space: normal; }
.bad { color: light-dark(#b3261e, #ff8a80); font-weight: 600; }
"""


def render(context: Context) -> bytes:
    """Return the page as HTML, without scripts."""
    now, calls = context.clock.now(), list(context.calls)
    parts = [
        f"<h1>Rekognition emulator</h1><p>{_time(now)}, {len(calls)} calls in the log. Reload to renew.</p>",
        "<h2>Datasets</h2>",
        _table(_DATASET, _datasets(context), "There is no project yet."),
        "<h2>Armed faults</h2>",
        _table(_FAULT, _faults(context), "No fault is armed."),
        "<h2>Last calls</h2>",
        _table(_CALL, _last(calls), "No call yet."),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Rekognition emulator</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    ).encode()


class _Html(str):
    """Text that is HTML already."""


Cell = str | int | float


def _datasets(context: Context) -> Iterable[tuple[Cell, ...]]:
    for project in context.store.all("SELECT * FROM projects ORDER BY name, id"):
        place = f"{project['account']} {project['region']}"
        datasets = context.store.all("SELECT * FROM datasets WHERE project = ? ORDER BY id", project["id"])
        if not datasets:
            yield (
                project["name"],
                place,
                "",
                project["status"],
                "",
                "",
                "",
                _time(project["created"]),
                project["arn"],
            )
        for row in datasets:
            stats = entries.stats(context.store, row["id"])
            status = _bad(row["status"]) if row["status"].endswith("FAILED") else row["status"]
            counts = (stats.total, stats.labeled, stats.errors)
            yield project["name"], place, row["type"], status, *counts, _time(row["updated"]), row["arn"]


def _faults(context: Context) -> Iterable[tuple[Cell, ...]]:
    for number, fault, hit in context.faults.armed():
        yield number, fault.kind, ", ".join(sorted(fault.operations)) or "all", hit


def _last(calls: list[Call]) -> Iterable[tuple[Cell, ...]]:
    for call in reversed(calls[-_CALLS:]):
        yield _time(call.time), call.service, call.operation, call.account, _bad(call.error), call.resource


def _table(heads: tuple[str, ...], rows: Iterable[tuple[Cell, ...]], empty: str) -> str:
    body = "".join(f"<tr>{''.join(map(_cell, heads, row))}</tr>" for row in rows)
    if not body:
        return f"<p>{empty}</p>"
    top = "".join(f"<th{_class(head)}>{escape(head.removeprefix('#'))}</th>" for head in heads)
    return f"<div><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(head: str, value: Cell) -> str:
    shown = value if isinstance(value, _Html) else escape(str(value))
    return f"<td{_class(head)}>{shown}</td>"


def _class(head: str) -> str:
    if head.startswith("#"):
        return ' class="n"'
    return ' class="arn"' if head in ("ARN", "Resource") else ""


def _bad(text: str | None) -> str:
    return _Html(f'<span class="bad">{escape(text)}</span>') if text else ""


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
