"""What the pages show of one dataset: taken under the registry's lock, and rendered without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from reconciler.core.spec.choices import DriftClass
from reconciler.core.status.conditions import Condition, Kind, Reason, Truth
from reconciler.core.status.result import Verdict
from reconciler.engine.controller.dataset_state import HISTORY, DatasetState
from reconciler.engine.controller.guarded_gateway import Work
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.views import QuarantineView
from reconciler.reports.drift.words import CLASSES
from reconciler.server.health import Health, health_of

BAR_PITCH: Final = 7
BAR_HEIGHT: Final = 24
_LEAST_BAR: Final = 4


_REASONS: Final[Mapping[Health, Kind]] = MappingProxyType(
    {
        Health.DRIFTED: Kind.DRIFTED,
        Health.WORKING: Kind.RECONCILING,
        Health.DIFFERS: Kind.IN_SYNC,
        Health.SUSPENDED: Kind.SUSPENDED,
    }
)
_BAD: Final = frozenset({Verdict.PARTIAL, Verdict.BLOCKED, Verdict.FAILED})


class Bar(NamedTuple):
    """One cycle in the trend; colour shows its kind, and height its drift."""

    x: int
    height: int
    kind: str


@dataclass(frozen=True, slots=True)
class DatasetView:
    """
    One dataset as the pages show it.

    Attributes:
        why: The message of the condition that the health follows from.
        drifted: Images that left what was applied; None if that is not known.
        strays: Images that AWS holds and git does not know.
        next_at: Seconds since the epoch; None if it is suspended, or being visited now.
        lines: The history, the newest first, with how many images had drifted.
    """

    name: str
    health: Health
    why: str
    arn: str | None
    mode: str | None
    revision: str | None
    applied: str | None
    observed_at: float | None
    scanned_at: float | None
    next_at: float | None
    running: bool
    work: Work | None
    failures: int
    counts: Mapping[str, int]
    drift: tuple[tuple[str, int], ...]
    drifted: int | None
    strays: int
    conditions: tuple[Condition, ...]
    quarantined: QuarantineView
    bars: tuple[Bar, ...]
    lines: tuple[tuple[Mapping[str, Any], int], ...]

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
        found = [dataset_view(state, now, ahead) for state in registry.states.values()]
    order = list(Health)
    return tuple(sorted(found, key=lambda one: (order.index(one.health), one.name)))


def dataset_view(state: DatasetState, now: float, ahead: float) -> DatasetView:
    """
    Return one dataset; the caller holds the lock.

    Args:
        ahead: How many seconds the wall's clock is ahead of the steady one.
    """
    believed = state.believed(now)
    health_now, why = _health_and_reason(believed)
    known = any(
        one.kind is Kind.OBSERVED and (one.status is Truth.TRUE or one.reason is Reason.INCOMPLETE)
        for one in believed
    )
    summary = state.known if known else None
    drift = summary.drift if summary else {}
    waits = not state.running and not state.suspended
    return DatasetView(
        name=state.name,
        health=health_now,
        why=why,
        arn=state.arn,
        mode=state.loaded.policy.mode.value if state.loaded else None,
        revision=state.revision,
        applied=state.applied,
        observed_at=state.observed_at,
        scanned_at=state.scanned_at,
        next_at=max(now, state.due + ahead) if waits else None,
        running=state.running,
        work=replace(state.work) if state.work else None,
        failures=state.failures,
        counts=dict(summary.counts) if summary else {},
        drift=tuple((CLASSES[kind], drift[kind]) for kind in DriftClass if drift.get(kind)),
        drifted=(summary.left if summary else 0) if known else None,
        strays=drift.get(DriftClass.UNMANAGED, 0),
        conditions=believed,
        quarantined=state.quarantined,
        bars=_bars(state),
        lines=_lines(state),
    )


def _health_and_reason(believed: tuple[Condition, ...]) -> tuple[Health, str]:
    """Return the health of a dataset, and the reason."""
    health_now = health_of(believed)
    if health_now is Health.UNKNOWN:
        unknown = (one.message for one in believed if one.status is Truth.UNKNOWN)
        return health_now, next(unknown, "not observed yet")
    reason = _REASONS.get(health_now, Kind.READY)
    return health_now, next((one.message for one in believed if one.kind is reason), "not observed yet")


def _lines(state: DatasetState) -> tuple[tuple[Mapping[str, Any], int], ...]:
    both = zip(reversed(state.history), reversed(state.trend), strict=True)
    return tuple((line, drifted) for line, (_, drifted) in both)


def _bars(state: DatasetState) -> tuple[Bar, ...]:
    most = max((drifted for _, drifted in state.trend), default=0)
    first = HISTORY - len(state.trend)
    return tuple(
        Bar(number * BAR_PITCH, _height(drifted, most), _kind(line["verdict"], truth, drifted))
        for number, ((truth, drifted), line) in enumerate(
            zip(state.trend, state.history, strict=True), start=first
        )
    )


def _height(drifted: int, most: int) -> int:
    return _LEAST_BAR + round((BAR_HEIGHT - _LEAST_BAR) * drifted / most) if most else _LEAST_BAR


def _kind(verdict: str, in_sync: Truth, drifted: int) -> str:
    if in_sync is Truth.UNKNOWN:
        return "unknown"
    if drifted:
        return "drifted"
    if verdict in _BAD:
        return "failing"
    return "in_sync" if in_sync is Truth.TRUE else "differs"
