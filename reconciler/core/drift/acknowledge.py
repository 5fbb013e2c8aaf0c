"""Drift that somebody expects: it stays in the report, and raises no alarm."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from reconciler.core.drift.report import DatasetDrift, DriftItem
from reconciler.core.pattern import glob
from reconciler.core.spec import Acknowledgement


def acknowledged(drift: DatasetDrift, known: Iterable[Acknowledgement]) -> DatasetDrift:
    """
    Return the drift with the reasons why some of it is expected.

    An image of two classes is expected only if both are. What expired before the observation does not count.
    """
    if drift.observed_at is None:
        return drift
    valid = [one for one in known if one.dataset == drift.name and _holds(one, drift.observed_at)]
    if not valid:
        return drift
    matching = [(one, glob(one.match) if one.match else None) for one in valid]

    def judged(item: DriftItem) -> DriftItem:
        found = [one for one, match in matching if match is None or match.fullmatch(item.source_ref)]
        expected = {kind for one in found for kind in one.classes or item.classes}
        if item.is_pending or not expected.issuperset(item.classes):
            return item
        reasons = dict.fromkeys(
            one.reason for one in found if not one.classes or set(one.classes) & set(item.classes)
        )
        return replace(item, acknowledged="; ".join(reasons))

    return replace(drift, items=tuple(map(judged, drift.items)))


def _holds(one: Acknowledgement, at_seconds: float) -> bool:
    """Tell whether the last day of an acknowledgement is not over, in UTC."""
    end = date.fromisoformat(one.until) + timedelta(days=1)
    return at_seconds < datetime(end.year, end.month, end.day, tzinfo=UTC).timestamp()
