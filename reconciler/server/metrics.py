"""Prometheus metrics: counted as things happen, and read from the registry at each scrape."""

from __future__ import annotations

import platform
from collections import Counter as Numbers
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

from reconciler.core.status.conditions import Reason, Truth
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.fleet import Fleet
from reconciler.engine.controller.leadership import KIND
from reconciler.engine.controller.registry import Registry

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_PREFIX: Final = "reconciler_"
_THROTTLES: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
    }
)
_SOURCE_STATES: Final = {Reason.NOT_YET: "unread", Reason.SOURCE_STALE: "stale"}


class _Described(NamedTuple):
    """What a metric says, its labels, and the upper bounds of a histogram in seconds."""

    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_COUNTERS: Final = {
    "aws_requests": _Described(
        "Attempts to call AWS, retries included, by the code of the answer.", ("operation", "code")
    ),
    "aws_throttles": _Described("Attempts that AWS throttled.", ("operation",)),
    "cycles": _Described("Cycles that ended, by verdict.", ("dataset", "verdict")),
    "events": _Described("Messages of the queue of --events, by what became of them.", ("outcome",)),
    "notifications": _Described(
        "Attempts to send a notification or commit status: sent, failed or refused; and messages dropped.",
        ("channel", "result"),
    ),
    "update_bytes": _Described("Bytes sent in updates.", ("dataset",)),
    "updates": _Described("Updates, by result: submitted, then finished or failed.", ("dataset", "result")),
}
_HISTOGRAMS: Final = {
    "aws_request_duration_seconds": _Described(
        "How long one attempt took.", ("operation",), (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
    ),
    "cycle_duration_seconds": _Described(
        "How long a cycle took.", ("dataset",), (0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
    ),
    "update_duration_seconds": _Described(
        "From the call to the end of the update.",
        ("dataset",),
        (1, 5, 15, 30, 60, 120, 300, 900, 1800, 3600),
    ),
}
_GAUGES: Final = {
    "build_info": _Described("Always 1; its labels say what runs.", ("version", "python")),
    "notifications_waiting": _Described(
        "Notifications and commit states that are still to be sent.", ("channel",)
    ),
}
_READ: Final = {
    "condition": _Described("1 for the status that each condition has.", ("dataset", "type", "status")),
    "consecutive_failures": _Described("Cycles in a row that failed.", ("dataset",)),
    "drift_entries": _Described("Entries that left what was applied.", ("dataset", "class")),
    "entries": _Described("Entries, by what they are.", ("dataset", "state")),
    "events_listening": _Described("1 if the queue of --events can be read, else 0; absent without it."),
    "last_full_scan_timestamp_seconds": _Described("When the last complete listing ended.", ("dataset",)),
    "last_success_timestamp_seconds": _Described(
        "When the dataset was last seen to be as the policy allows.", ("dataset",)
    ),
    "partitions": _Described(
        "Partitions of the specs: owned by this replica, by another one, or by none.", ("state",)
    ),
    "quarantined_entries": _Described("Entries that are not sent for now.", ("dataset",)),
    "source_confirmed_timestamp_seconds": _Described(
        "When it was last confirmed that the specs in use are the newest."
    ),
    "source_state": _Described(
        "1 for the state that the source has: unread, ready, stale or unavailable.", ("state",)
    ),
    "status_objects_unpublished": _Described("Status objects of this replica that are not up to date."),
}
"""Gauges that are read from the registry."""

_READ_COUNTERS: Final = {
    "partition_moves": _Described("Partitions that this replica acquired, released or lost.", ("move",)),
}

LABELS: Final = {
    f"{_PREFIX}{name}": described.labels
    for kind in (_COUNTERS, _HISTOGRAMS, _GAUGES, _READ, _READ_COUNTERS)
    for name, described in kind.items()
}


class Metrics:
    """
    All metrics of one process, in a registry of their own. Safe for threads.

    It is the `Listener` of the engine, the `UpdateMeter` of the gateway and the `DeliveryTally` of notifications.
    """

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second, unused series for each counter
        self.registry = CollectorRegistry(auto_describe=True)
        self._counters = {
            name: Counter(f"{_PREFIX}{name}", text, labels, registry=self.registry)
            for name, (text, labels, _) in _COUNTERS.items()
        }
        self._histograms = {
            name: Histogram(f"{_PREFIX}{name}", text, labels, registry=self.registry, buckets=buckets)
            for name, (text, labels, buckets) in _HISTOGRAMS.items()
        }
        self._gauges = {
            name: Gauge(f"{_PREFIX}{name}", text, labels, registry=self.registry)
            for name, (text, labels, _) in _GAUGES.items()
        }
        self._gauges["build_info"].labels(version, platform.python_version()).set(1)

    def event(self, outcome: str) -> None:
        self._counters["events"].labels(outcome).inc()

    def cycle(self, dataset: str, verdict: str, seconds: float) -> None:
        self._counters["cycles"].labels(dataset, verdict).inc()
        self._histograms["cycle_duration_seconds"].labels(dataset).observe(seconds)

    def update(self, dataset: str, result: str, size_bytes: int, seconds: float) -> None:
        self._counters["updates"].labels(dataset, result).inc()
        if result == "submitted":
            self._counters["update_bytes"].labels(dataset).inc(size_bytes)
        else:
            self._histograms["update_duration_seconds"].labels(dataset).observe(seconds)

    def request(self, operation: str, code: str, seconds: float) -> None:
        self._counters["aws_requests"].labels(operation, code).inc()
        self._histograms["aws_request_duration_seconds"].labels(operation).observe(seconds)
        if code in _THROTTLES:
            self._counters["aws_throttles"].labels(operation).inc()

    def notification(self, channel: str, result: str) -> None:
        self._counters["notifications"].labels(channel, result).inc()

    def waiting(self, channel: str, messages: int) -> None:
        self._gauges["notifications_waiting"].labels(channel).set(messages)

    def watch(self, registry: Registry) -> None:
        """Read the state of every dataset from *registry* at each scrape: what is gone has no series."""
        self.registry.register(_OfRegistry(registry))

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _OfRegistry:
    """A collector that asks the registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def describe(self) -> Iterable[Metric]:
        return [*_families().values(), _moves(None)]

    def collect(self) -> Iterator[Metric]:
        families = _families()
        now = self._registry.wall()
        with self._registry.lock:
            _fill_source(families, self._registry)
            for state in self._registry.states.values():
                if not state.is_elsewhere:
                    _fill(families, state, now)
            if self._registry.fleet is not None:
                _fill_fleet(families, self._registry.fleet)
            if self._registry.unpublished is not None:
                families["status_objects_unpublished"].add_metric((), self._registry.unpublished)
        yield from families.values()
        yield _moves(self._registry.fleet)


def _families() -> dict[str, GaugeMetricFamily]:
    return {
        name: GaugeMetricFamily(f"{_PREFIX}{name}", text, labels=labels)
        for name, (text, labels, _) in _READ.items()
    }


def _fill_source(families: dict[str, GaugeMetricFamily], registry: Registry) -> None:
    failure = registry.source_failure
    now = "ready" if failure is None else _SOURCE_STATES.get(failure.reason, "unavailable")
    for state in ("unread", "ready", "stale", "unavailable"):
        families["source_state"].add_metric([state], float(state == now))
    if registry.queue is not None:
        families["events_listening"].add_metric([], float(registry.queue.is_listening))
    if registry.source_confirmed_at is not None:
        families["source_confirmed_timestamp_seconds"].add_metric([], registry.source_confirmed_at)


def _fill(families: dict[str, GaugeMetricFamily], state: DatasetState, now: float) -> None:
    name = state.name
    if state.succeeded_at is not None:
        families["last_success_timestamp_seconds"].add_metric([name], state.succeeded_at)
    if state.scanned_at is not None:
        families["last_full_scan_timestamp_seconds"].add_metric([name], state.scanned_at)
    families["consecutive_failures"].add_metric([name], state.failures)
    if (summary := state.known) is not None:
        for kind, count in summary.counts.items():
            families["entries"].add_metric([name, kind], count)
        for kind, count in summary.drift.items():
            families["drift_entries"].add_metric([name, kind], count)
        families["quarantined_entries"].add_metric([name], summary.counts.get("quarantined", 0))
    for condition in state.believed(now):
        _fill_condition(families, name, condition.kind.value, condition.status)


def _fill_condition(families: dict[str, GaugeMetricFamily], name: str, kind: str, holds: Truth) -> None:
    for status in Truth:
        families["condition"].add_metric([name, kind, status.value], float(holds is status))


def _fill_fleet(families: dict[str, GaugeMetricFamily], fleet: Fleet) -> None:
    leadership = fleet.leadership()
    _fill_condition(families, "", KIND, leadership.status)
    owned = Numbers(
        "owned" if o == fleet.identity else "elsewhere" if o else "unowned" for _, o in leadership.owners
    )
    for state in ("owned", "elsewhere", "unowned"):
        families["partitions"].add_metric([state], owned[state])


def _moves(fleet: Fleet | None) -> CounterMetricFamily:
    text, labels, _ = _READ_COUNTERS["partition_moves"]
    family = CounterMetricFamily(f"{_PREFIX}partition_moves", text, labels=labels)
    if fleet is not None:
        for move in ("acquired", "released", "lost"):
            family.add_metric([move], fleet.moves[move])
    return family
