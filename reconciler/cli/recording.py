"""Remember what came of an apply, for ``reconciler status``."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.cli.clock import SystemClock
from reconciler.core.status.conditions import advanced, judge
from reconciler.core.status.result import DatasetResult
from reconciler.engine.failure_reasons import facts_of
from reconciler.ports import Memory
from reconciler.reports.status import record as kept


def record(memory: Memory, results: Iterable[DatasetResult], revision: str | None) -> None:
    """Keep numbers, reasons and conditions; a condition that did not change keeps its time."""
    at, known = SystemClock().now(), memory.statuses()
    for result in results:
        before = kept.conditions_in(known.get(result.name, {}))
        conditions, _ = advanced(before, judge(facts_of(result)), at)
        memory.record(result.name, kept.record(result, at, revision, conditions))
