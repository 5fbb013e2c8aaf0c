"""What is noted of a drifted image: since when and how often, and an acknowledgement, which silences the alarm."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

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


# The record of an image that is back in sync is dropped this long after its last drift.
FORGOTTEN_AFTER_SECONDS: Final = 90 * 24 * 3_600.0


class Sighting(NamedTuple):
    """
    The drift history of one image. Times are in seconds since the epoch.

    Attributes:
        since: When the current drift was first observed.
        last: When drift was last observed.
        times: How many times it has drifted: 2 if it was in sync in between.
        gone: Whether it is back in sync.
    """

    source_ref: str
    since: float
    last: float
    times: int
    gone: bool = False


def sighted(before: Mapping[str, Sighting], drifted: Collection[str], now: float) -> Iterator[Sighting]:
    """Yield all sightings after a complete observation; those not yielded are to be dropped."""
    for source_ref in drifted:
        match before.get(source_ref):
            case None:
                yield Sighting(source_ref, now, now, 1)
            case Sighting(gone=True) as known:
                yield Sighting(source_ref, now, now, known.times + 1)
            case known:
                yield known._replace(last=now)
    here = frozenset(drifted)
    for source_ref, known in before.items():
        if source_ref not in here and now - known.last < FORGOTTEN_AFTER_SECONDS:
            yield known._replace(gone=True)
