"""Prometheus metrics: counted as things happen, and read from the registry at each scrape."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

from reconciler.core.status.conditions import Reason, Truth
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.fleet.leadership import KIND
from reconciler.engine.controller.registry import Registry
from reconciler.server import fleet_metrics

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_CYCLE_SECONDS: Final = (0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
_UPDATE_SECONDS: Final = (1, 5, 15, 30, 60, 120, 300, 900, 1800, 3600)
_CALL_SECONDS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_THROTTLES: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
    }
)


_SOURCE_STATES: Final = {Reason.NOT_YET: "unread", Reason.SOURCE_STALE: "stale"}

LABELS: Final = {
    "reconciler_aws_request_duration_seconds": ("operation",),
    "reconciler_aws_requests": ("operation", "code"),
    "reconciler_aws_throttles": ("operation",),
    "reconciler_build_info": ("version", "python"),
    "reconciler_condition": ("dataset", "type", "status"),
    "reconciler_consecutive_failures": ("dataset",),
    "reconciler_cycle_duration_seconds": ("dataset",),
    "reconciler_cycles": ("dataset", "verdict"),
    "reconciler_drift_entries": ("dataset", "class"),
    "reconciler_entries": ("dataset", "state"),
    "reconciler_events": ("outcome",),
    "reconciler_events_listening": (),
    "reconciler_last_full_scan_timestamp_seconds": ("dataset",),
    "reconciler_last_success_timestamp_seconds": ("dataset",),
    "reconciler_notifications": ("channel", "result"),
    "reconciler_notifications_waiting": ("channel",),
    "reconciler_partition_moves": fleet_metrics.MOVES,
    "reconciler_partitions": fleet_metrics.STATES,
    "reconciler_quarantined_entries": ("dataset",),
    "reconciler_source_confirmed_timestamp_seconds": (),
    "reconciler_source_state": ("state",),
    "reconciler_status_objects_unpublished": (),
    "reconciler_update_bytes": ("dataset",),
    "reconciler_update_duration_seconds": ("dataset",),
    "reconciler_updates": ("dataset", "result"),
}


class Metrics:
    """
    All metrics of one process, in a registry of their own. Safe for threads.

    It is the `Listener` of the engine, the `Meter` of the gateway and the `Tally` of notifications.
    """

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second, unused series for each counter
        self.registry = CollectorRegistry(auto_describe=True)
        r = self.registry
        info = Gauge(
            "reconciler_build_info",
            "Always 1; its labels say what runs.",
            LABELS["reconciler_build_info"],
            registry=r,
        )
        info.labels(version, platform.python_version()).set(1)
        self._count_cycles(r)
        self._count_requests(r)
        self._count_messages(r)

    def _count_messages(self, r: CollectorRegistry) -> None:
        self._events = Counter(
            "reconciler_events_total",
            "Messages of the queue of --events, by what became of them.",
            LABELS["reconciler_events"],
            registry=r,
        )
        self._notifications = Counter(
            "reconciler_notifications_total",
            "Attempts to send a notification or commit status: sent, failed or refused; and messages dropped.",
            LABELS["reconciler_notifications"],
            registry=r,
        )
        self._waiting = Gauge(
            "reconciler_notifications_waiting",
            "Notifications and commit states that are still to be sent.",
            LABELS["reconciler_notifications_waiting"],
            registry=r,
        )

    def _count_cycles(self, r: CollectorRegistry) -> None:
        self._cycles = Counter(
            "reconciler_cycles_total",
            "Cycles that ended, by verdict.",
            LABELS["reconciler_cycles"],
            registry=r,
        )
        self._cycle_seconds = Histogram(
            "reconciler_cycle_duration_seconds",
            "How long a cycle took.",
            LABELS["reconciler_cycle_duration_seconds"],
            registry=r,
            buckets=_CYCLE_SECONDS,
        )
        self._updates = Counter(
            "reconciler_updates_total",
            "Updates, by result: submitted, then finished or failed.",
            LABELS["reconciler_updates"],
            registry=r,
        )
        self._update_bytes = Counter(
            "reconciler_update_bytes_total",
            "Bytes sent in updates.",
            LABELS["reconciler_update_bytes"],
            registry=r,
        )
        self._update_seconds = Histogram(
            "reconciler_update_duration_seconds",
            "From the call to the end of the update.",
            LABELS["reconciler_update_duration_seconds"],
            registry=r,
            buckets=_UPDATE_SECONDS,
        )

    def _count_requests(self, r: CollectorRegistry) -> None:
        self._requests = Counter(
            "reconciler_aws_requests_total",
            "Attempts to call AWS, retries included, by the code of the answer.",
            LABELS["reconciler_aws_requests"],
            registry=r,
        )
        self._request_seconds = Histogram(
            "reconciler_aws_request_duration_seconds",
            "How long one attempt took.",
            LABELS["reconciler_aws_request_duration_seconds"],
            registry=r,
            buckets=_CALL_SECONDS,
        )
        self._throttles = Counter(
            "reconciler_aws_throttles_total",
            "Attempts that AWS throttled.",
            LABELS["reconciler_aws_throttles"],
            registry=r,
        )

    def event(self, outcome: str) -> None:
        self._events.labels(outcome).inc()

    def cycle(self, dataset: str, verdict: str, seconds: float) -> None:
        self._cycles.labels(dataset, verdict).inc()
        self._cycle_seconds.labels(dataset).observe(seconds)

    def update(self, dataset: str, result: str, size_bytes: int, seconds: float) -> None:
        self._updates.labels(dataset, result).inc()
        if result == "submitted":
            self._update_bytes.labels(dataset).inc(size_bytes)
        else:
            self._update_seconds.labels(dataset).observe(seconds)

    def request(self, operation: str, code: str, seconds: float) -> None:
        self._requests.labels(operation, code).inc()
        self._request_seconds.labels(operation).observe(seconds)
        if code in _THROTTLES:
            self._throttles.labels(operation).inc()

    def notification(self, channel: str, result: str) -> None:
        self._notifications.labels(channel, result).inc()

    def waiting(self, channel: str, messages: int) -> None:
        self._waiting.labels(channel).set(messages)

    def watch(self, registry: Registry) -> None:
        """Read the state of every dataset from *registry* at each scrape: what is gone has no series."""
        self.registry.register(_OfRegistry(registry))

    def families(self) -> list[Metric]:
        """Return every family, the empty ones included."""
        return list(self.registry.collect())

    def text(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return generate_latest(self.registry)


class _OfRegistry:
    """A collector that asks the registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def describe(self) -> Iterable[Metric]:
        return [*_families().values(), fleet_metrics.moves(None)]

    def collect(self) -> Iterator[Metric]:
        families = _families()
        now = self._registry.wall()
        with self._registry.lock:
            _fill_source(families, self._registry)
            for state in self._registry.states.values():
                if not state.is_elsewhere:
                    _fill(families, state, now)
            if self._registry.fleet is not None:
                _fill_condition(families, "", KIND, self._registry.fleet.leadership().status)
            fleet_metrics.fill(families, self._registry)
        yield from families.values()
        yield fleet_metrics.moves(self._registry.fleet)


def _families() -> dict[str, GaugeMetricFamily]:
    return _source_families() | _dataset_families() | fleet_metrics.families()


def _gauge(name: str, documentation: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, labels=LABELS[name])


def _source_families() -> dict[str, GaugeMetricFamily]:
    return {
        "source_state": _gauge(
            "reconciler_source_state",
            "1 for the state that the source has: unread, ready, stale or unavailable.",
        ),
        "listening": _gauge(
            "reconciler_events_listening",
            "1 if the queue of --events can be read, else 0; absent without it.",
        ),
        "source_confirmed": _gauge(
            "reconciler_source_confirmed_timestamp_seconds",
            "When it was last confirmed that the specs in use are the newest.",
        ),
    }


def _dataset_families() -> dict[str, GaugeMetricFamily]:
    return {
        "success": _gauge(
            "reconciler_last_success_timestamp_seconds",
            "When the dataset was last seen to be as the policy allows.",
        ),
        "scan": _gauge(
            "reconciler_last_full_scan_timestamp_seconds", "When the last complete listing ended."
        ),
        "failures": _gauge("reconciler_consecutive_failures", "Cycles in a row that failed."),
        "entries": _gauge("reconciler_entries", "Entries, by what they are."),
        "drift": _gauge("reconciler_drift_entries", "Entries that left what was applied."),
        "quarantined": _gauge("reconciler_quarantined_entries", "Entries that are not sent for now."),
        "condition": _gauge("reconciler_condition", "1 for the status that each condition has."),
    }


def _fill_source(families: dict[str, GaugeMetricFamily], registry: Registry) -> None:
    failure = registry.source_failure
    now = "ready" if failure is None else _SOURCE_STATES.get(failure.reason, "unavailable")
    for state in ("unread", "ready", "stale", "unavailable"):
        families["source_state"].add_metric([state], float(state == now))
    if registry.queue is not None:
        families["listening"].add_metric([], float(registry.queue.is_listening))
    if registry.source_confirmed_at is not None:
        families["source_confirmed"].add_metric([], registry.source_confirmed_at)


def _fill(families: dict[str, GaugeMetricFamily], state: DatasetState, now: float) -> None:
    name = state.name
    if state.succeeded_at is not None:
        families["success"].add_metric([name], state.succeeded_at)
    if state.scanned_at is not None:
        families["scan"].add_metric([name], state.scanned_at)
    families["failures"].add_metric([name], state.failures)
    if (summary := state.known) is not None:
        for kind, count in summary.counts.items():
            families["entries"].add_metric([name, kind], count)
        for kind, count in summary.drift.items():
            families["drift"].add_metric([name, kind], count)
        quarantined = summary.counts.get("quarantined", 0)
        families["quarantined"].add_metric([name], quarantined)
    for condition in state.believed(now):
        _fill_condition(families, name, condition.kind.value, condition.status)


def _fill_condition(families: dict[str, GaugeMetricFamily], name: str, kind: str, holds: Truth) -> None:
    for status in Truth:
        families["condition"].add_metric([name, kind, status.value], float(holds is status))
