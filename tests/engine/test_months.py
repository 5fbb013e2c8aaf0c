"""A simulated day of a controller with faults, console edits and commits."""

from __future__ import annotations

import gc
import random
import threading
import tracemalloc
from collections import Counter
from pathlib import Path

import orjson
import pytest
import structlog

from reconciler.emulator.behaviour.faults import Fault, Kind
from tests.builders import classified
from tests.engine.months import Months, make_months

HOUR = 3_600.0
NAMES = ("roses", "tulips", "violets")
KINDS = (
    Kind.THROTTLE,
    Kind.INTERNAL_ERROR,
    Kind.UNAVAILABLE,
    Kind.EXPIRED_CREDENTIALS,
    Kind.CUT_AFTER,
    Kind.EXPIRED_PAGE_TOKEN,
    Kind.FAIL_SERVICE,
    Kind.IN_USE,
)


def disturb(months: Months, chance: random.Random, hour: int) -> None:
    """Plan trouble for the next hour: failing calls, a console edit, or a commit."""
    name = chance.choice(NAMES)
    match chance.randrange(4):
        case 0:
            months.emulator.console.put(months.arn(name), orjson.loads(classified("b", f"daisy{hour}")))
        case 1:
            months.write(name, *"abc", label=f"label{hour}")
        case _:
            kind = chance.choice(KINDS)
            months.emulator.faults.add(Fault(kind=kind, times=chance.randrange(1, 30)))


@pytest.mark.slow
def test_a_day_of_failures_ends_in_sync(tmp_path: Path):
    """After a day of faults and a quiet hour all is as desired, without growth of memory or threads."""
    chance = random.Random(5)  # the same random day in each run
    finished: Counter[str] = Counter()

    def counted(_logger: object, _name: str, event: dict[str, object]) -> dict[str, object]:
        finished[str(event["event"])] += 1
        raise structlog.DropEvent

    structlog.configure(processors=[counted])
    try:
        with make_months(tmp_path) as months:
            for name in NAMES:
                months.write(name, *"abc")
            months.settle()
            months.run_for(HOUR)
            threads = threading.active_count()
            tracemalloc.start()
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for hour in range(22):
                disturb(months, chance, hour)
                months.run_for(HOUR)
                months.emulator.calls.clear()
                assert months.controller.alive
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            months.emulator.faults.clear()
            months.run_for(3 * HOUR)

            assert ["True"] * 3 == [months.conditions(name)["InSync"] for name in NAMES]
            assert ["True"] * 3 == [months.conditions(name)["Ready"] for name in NAMES]
            assert len(months.counted.cycles) == finished["cycle.finished"]
            assert threads >= threading.active_count()
            assert grown < 1_500_000
    finally:
        structlog.reset_defaults()
