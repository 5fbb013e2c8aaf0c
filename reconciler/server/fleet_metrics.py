"""Metrics of this replica's part in its fleet, and of its status objects."""

from __future__ import annotations

from collections import Counter
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from reconciler.engine.controller.fleet.member import Fleet
from reconciler.engine.controller.registry import Registry

STATES: Final = ("state",)
MOVES: Final = ("move",)


def families() -> dict[str, GaugeMetricFamily]:
    """Return the gauges, empty."""
    return {
        "partitions": GaugeMetricFamily(
            "reconciler_partitions",
            "Partitions of the specs: owned by this replica, by another one, or by none.",
            labels=STATES,
        ),
        "unpublished": GaugeMetricFamily(
            "reconciler_status_objects_unpublished",
            "Status objects of this replica that are not up to date.",
            labels=(),
        ),
    }


def fill(families: dict[str, GaugeMetricFamily], registry: Registry) -> None:
    """Fill the gauges, as far as there is a fleet and status objects are written."""
    if registry.unpublished is not None:
        families["unpublished"].add_metric((), registry.unpublished)
    if (fleet := registry.fleet) is None:
        return
    leadership = fleet.leadership()
    owned = Counter(
        "owned" if o == fleet.identity else "elsewhere" if o else "unowned" for _, o in leadership.owners
    )
    for state in ("owned", "elsewhere", "unowned"):
        families["partitions"].add_metric([state], owned[state])


def moves(fleet: Fleet | None) -> CounterMetricFamily:
    """Return how partitions came and went."""
    family = CounterMetricFamily(
        "reconciler_partition_moves",
        "Partitions that this replica acquired, released or lost.",
        labels=MOVES,
    )
    if fleet is not None:
        for move in ("acquired", "released", "lost"):
            family.add_metric([move], fleet.moves[move])
    return family
