"""What is known after an apply whose read-back lists only what was sent."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest

from tests.builders import classified
from tests.engine.months import Months

MINUTE = 60.0
MANY = [f"n{number:03}" for number in range(250)]  # three pages, so that a filter is cheaper


@pytest.fixture
def many(months: Months) -> Months:
    months.write("roses", *MANY, policy="orphans: blank")
    months.settle()
    months.settle()
    return months


def _apply(months: Months) -> None:
    """Run one cycle, and assert that its read-back lists only what was sent."""
    months.calls()
    months.run_for(5 * MINUTE + 40)
    calls = Counter(months.calls())
    assert (1, 4) == (calls["UpdateDatasetEntries"], calls["ListDatasetEntries"])


def test_no_observation_from_before_an_update_counts_after_it(many: Months):
    """An entry that was set back is not reported as pending, even if both observations have the same time."""
    many.emulator.console.put(many.arn("roses"), orjson.loads(classified("n007", "daisy")))

    _apply(many)

    summary = many.dataset_state("roses").summary
    assert ("converged", False, {}) == (summary.verdict, summary.pending, summary.drift)
    assert "True" == many.conditions("roses")["InSync"]


def test_a_blanked_orphan_stays_an_orphan_in_every_count(many: Months):
    """A blanked orphan stays an orphan in every count and is never counted as an update."""
    for name in ("x1", "x2", "x3"):
        many.emulator.console.put(many.arn("roses"), orjson.loads(classified(name, "daisy")))

    _apply(many)

    counts = many.dataset_state("roses").summary.counts
    expected = {"desired": 250, "observed": 253, "add": 0, "update": 0, "orphan": 3, "unchanged": 250}
    assert expected == {key: counts[key] for key in expected}
