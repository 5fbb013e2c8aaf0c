"""The data of one dataset for the pages: taken under the registry's lock, and rendered without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from reconciler.core.drift.foreign_calls import MAX_SHOWN, ForeignCall
from reconciler.core.spec.choices import DriftClass, Mode, OnDrift
from reconciler.core.status.conditions import Condition, ConditionType, Health, Reason, Truth, health_of
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary
from reconciler.engine.controller.dataset_state import HISTORY, DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.reports.drift.words import CLASSES

BAR_PITCH: Final = 7
BAR_HEIGHT: Final = 24
_MIN_BAR: Final = 4


_REASONS: Final[Mapping[Health, ConditionType]] = MappingProxyType(
    {
        Health.DRIFTED: ConditionType.DRIFTED,
        Health.WORKING: ConditionType.RECONCILING,
        Health.DIFFERS: ConditionType.IN_SYNC,
        Health.SUSPENDED: ConditionType.SUSPENDED,
    }
)
_BAD: Final = frozenset({Verdict.PARTIAL, Verdict.BLOCKED, Verdict.FAILED})


class CycleBar(NamedTuple):
    """
    One cycle in the trend; colour shows its kind, and height its drift.

    Attributes:
        set_back: Height of the part that the cycle reverted.
    """

    x: int
    height: int
    kind: str
    set_back: int


class HistoryLine(NamedTuple):
    """
    Cycles in a row with the same result.

    Attributes:
        line: The newest of them, as in status/v1.
        drifted: Images that had drifted.
        number: How many they are.
        since: When the oldest ended, in ISO 8601.
    """

    line: Mapping[str, Any]
    drifted: int
    number: int
    since: str


@dataclass(frozen=True, slots=True)
class DatasetView:
    """
    One dataset as the pages show it.

    Attributes:
        state: As it was when it was taken.
        why: The message of the condition that the health follows from, apart from a failure of the source.
        drifted: Images that left what was applied; None if that is not known.
        strays: Images that AWS holds and git does not know.
        left_by: The setting of the policy by which drift is only reported; None if there is no drift, or it is
            reverted.
        next_at: Seconds since the epoch; None if it is suspended, or a cycle is running.
        lines: The history, the newest first.
        labels: Of the spec.
        foreign_calls: The newest calls of other principals.
    """

    name: str
    state: DatasetState
    health: Health
    why: str
    mode: str | None
    next_at: float | None
    counts: Mapping[str, int]
    drift: tuple[tuple[str, int], ...]
    drifted: int | None
    strays: int
    left_by: str | None
    conditions: tuple[Condition, ...]
    bars: tuple[CycleBar, ...]
    lines: tuple[HistoryLine, ...]
    labels: Mapping[str, str]
    foreign_calls: tuple[ForeignCall, ...] = ()

    def mentions(self, text: str) -> bool:
        """Return whether the name or the revision holds this text, in letters of either case."""
        return text.lower() in self.name.lower() or (self.state.revision or "").startswith(text.lower())

    @property
    def trend(self) -> str:
        """Return the trend in words, for screen readers."""
        known = [bar for bar in self.bars if bar.kind != "unknown"]
        drifted = sum(bar.kind == "drifted" for bar in known)
        cycles = f"{len(self.bars)} cycle" + ("s" if len(self.bars) != 1 else "")
        unseen = len(self.bars) - len(known)
        return f"Last {cycles}: drift in {drifted}" + (f", nothing known of {unseen}" if unseen else "")


def dataset_views(registry: Registry) -> tuple[DatasetView, ...]:
    """Return all datasets, the gravest first."""
    now, ahead = registry.wall(), registry.wall() - registry.monotonic()
    with registry.lock:
        states = registry.states.values()
        most = max((drifted for state in states for _, drifted in state.trend), default=0)
        found = [dataset_view(state, now, ahead, most) for state in states]
    order = list(Health)
    return tuple(sorted(found, key=lambda one: (order.index(one.health), one.name)))


def dataset_view(state: DatasetState, now: float, ahead: float, most: int) -> DatasetView:
    """
    Return one dataset; the caller holds the lock.

    Args:
        ahead: How many seconds the wall's clock is ahead of the monotonic one.
        most: The largest number of drifted images in any trend: all trends have one scale.
    """
    believed = state.believed(now)
    health_now, why = _health_and_reason(state.believed_apart_from_source(now))
    known = _is_observed(believed)
    summary = state.known if known else None
    drift = summary.drift if summary else {}
    waits = not state.running and not state.suspended
    return DatasetView(
        name=state.name,
        state=replace(state, work=replace(state.work) if state.work else None),
        health=health_now,
        why=why,
        mode=state.loaded.policy.mode.value if state.loaded else None,
        next_at=max(now, state.due + ahead) if waits else None,
        counts=dict(summary.counts) if summary else {},
        drift=tuple((CLASSES[kind], drift[kind]) for kind in DriftClass if drift.get(kind)),
        drifted=_drifted(summary) if known else None,
        strays=drift.get(DriftClass.UNMANAGED, 0),
        left_by=_left_by(state) if summary and summary.left else None,
        conditions=believed,
        bars=_bars(state, most),
        lines=_lines(state),
        labels=dict(state.loaded.spec.metadata.labels) if state.loaded else {},
        foreign_calls=state.foreign_calls[:MAX_SHOWN],
    )


def _drifted(summary: Summary | None) -> int | None:
    """Return how many images drifted; None if some differ, and no record says which side changed."""
    if summary is None:
        return 0
    return None if summary.unattributed and not summary.left else summary.left


def _is_observed(believed: tuple[Condition, ...]) -> bool:
    """Return whether the dataset was observed, completely or not, and that is not too old."""
    observed = next((one for one in believed if one.kind is ConditionType.OBSERVED), None)
    return observed is not None and (observed.status is Truth.TRUE or observed.reason is Reason.INCOMPLETE)


def _health_and_reason(believed: tuple[Condition, ...]) -> tuple[Health, str]:
    health_now = health_of(believed)
    if health_now is Health.UNKNOWN:
        unknown = (one.message for one in believed if one.status is Truth.UNKNOWN)
        return health_now, next(unknown, "not observed yet")
    reason = _REASONS.get(health_now, ConditionType.READY)
    return health_now, next((one.message for one in believed if one.kind is reason), "not observed yet")


def _left_by(state: DatasetState) -> str | None:
    if state.loaded is None:
        return None
    policy = state.loaded.policy
    if policy.mode is not Mode.UPSERT:
        return f"mode: {policy.mode.value}"
    return f"onDrift: {policy.on_drift.value}" if policy.on_drift is OnDrift.REPORT else None


def _lines(state: DatasetState) -> tuple[HistoryLine, ...]:
    both = zip(reversed(state.history), reversed(state.trend), strict=True)
    pairs = ((line, drifted) for line, (_, drifted) in both)
    groups = (list(group) for _, group in groupby(pairs, key=_result))
    return tuple(HistoryLine(*group[0], len(group), group[-1][0]["at"]) for group in groups)


def _result(pair: tuple[Mapping[str, Any], int]) -> tuple[object, ...]:
    """Return the key of a cycle: consecutive cycles with one key are listed as one."""
    line, drifted = pair
    return drifted, *(value for key, value in sorted(line.items()) if key != "at")


def _bars(state: DatasetState, most: int) -> tuple[CycleBar, ...]:
    first = HISTORY - len(state.trend)
    return tuple(
        CycleBar(
            number * BAR_PITCH,
            height := _height(drifted, most),
            _kind(line["verdict"], truth, drifted),
            height * min(line["set_back"], drifted) // drifted if drifted else 0,
        )
        for number, ((truth, drifted), line) in enumerate(
            zip(state.trend, state.history, strict=True), start=first
        )
    )


def _height(drifted: int, most: int) -> int:
    return _MIN_BAR + round((BAR_HEIGHT - _MIN_BAR) * drifted / most) if most else _MIN_BAR


def _kind(verdict: str, in_sync: Truth, drifted: int) -> str:
    if in_sync is Truth.UNKNOWN:
        return "unknown"
    if drifted:
        return "drifted"
    if verdict in _BAD:
        return "failing"
    return "in_sync" if in_sync is Truth.TRUE else "differs"
