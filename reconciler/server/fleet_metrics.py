"""Metrics of this replica's part in its fleet."""

from __future__ import annotations

from collections import Counter
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from reconciler.engine.controller.fleet.member import Fleet

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
    }


def fill(families: dict[str, GaugeMetricFamily], fleet: Fleet) -> None:
    """Fill the gauges."""
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
