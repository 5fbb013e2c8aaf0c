"""Mark acknowledged drift, which stays in the report but raises no alarm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from reconciler.core.drift.report import DatasetDrift, DriftItem, Lapsed
from reconciler.core.entries.pattern import globs
from reconciler.core.spec.documents import Acknowledgement


class _Known(NamedTuple):
    """An acknowledgement for this dataset, and whether it is still valid."""

    one: Acknowledgement
    holds: bool


def acknowledged(drift: DatasetDrift, known: Iterable[Acknowledgement]) -> DatasetDrift:
    """
    Return the drift with its acknowledged items marked.

    An image of several classes is acknowledged only if every class is. An acknowledgement that expired before
    the observation does not count; an item that it would have covered gets it as `lapsed`.
    """
    at = drift.observed_at
    if at is None:
        return drift
    mine = [_Known(one, _holds(one, at)) for one in known if one.dataset == drift.name]
    if not mine:
        return drift
    patterns = globs(known.one.match or "**" for known in mine)
    judged = (_judged(item, [mine[n] for n in patterns.which(item.source_ref)]) for item in drift.items)
    return replace(drift, items=tuple(judged))


def _judged(item: DriftItem, concerned: Sequence[_Known]) -> DriftItem:
    if item.is_pending:
        return item
    valid = [known.one for known in concerned if known.holds]
    if _covers(valid, item):
        reasons = dict.fromkeys(
            one.reason for one in valid if not one.classes or set(one.classes) & set(item.classes)
        )
        return replace(item, acknowledged="; ".join(reasons))
    if _covers([known.one for known in concerned], item):
        last = max((known.one for known in concerned if not known.holds), key=lambda one: one.until)
        return replace(item, lapsed=Lapsed(last.until, last.reason))
    return item


def _covers(known: Iterable[Acknowledgement], item: DriftItem) -> bool:
    return {kind for one in known for kind in one.classes or item.classes}.issuperset(item.classes)


def _holds(one: Acknowledgement, at_seconds: float) -> bool:
    """Return whether an acknowledgement is valid: it expires at the end of its last day, in UTC."""
    end = date.fromisoformat(one.until) + timedelta(days=1)
    return at_seconds < datetime(end.year, end.month, end.day, tzinfo=UTC).timestamp()
