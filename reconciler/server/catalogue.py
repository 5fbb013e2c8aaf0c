"""The page that explains every metric; `docs/metrics.md` is made of this."""

from __future__ import annotations

import time
from typing import Final

from reconciler.engine.controller.registry import Registry
from reconciler.server.metrics import LABELS, Metrics

_HEADER: Final = """\
# Metrics

Served at `/metrics`. Labels are bounded: datasets, small closed sets, operations, and the error codes that
this version knows (all others are `Other`). A dataset that leaves the specs loses its gauges.

This page is rendered by `reconciler/server/catalogue.py`.

| metric | type | labels | what it holds |
|---|---|---|---|
"""


def page() -> str:
    """Render `docs/metrics.md`."""
    metrics = Metrics("version")
    metrics.watch(Registry("source", time.time, time.monotonic))
    rows = []
    for family in metrics.families():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in LABELS[family.name])
        rows.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |\n")
    return _HEADER + "".join(sorted(rows))
