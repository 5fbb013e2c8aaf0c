"""What the controller keeps of an observation for reports, and what that costs."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest

from reconciler.core.drift.report import DriftVerdict
from reconciler.core.status.conditions import Truth
from reconciler.engine.controller import views
from tests.builders import classified
from tests.engine.months import Months

MINUTE = 60.0


def move(months: Months, entry: str) -> None:
    """Relabel an image in the console, and let the controller notice."""
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified(entry, "daisy")))
    months.run_for(6 * MINUTE)


def test_what_was_applied_no_longer_waits(months: Months):
    """After the first apply the report shows the result, no longer the pending change."""
    months.write("roses", *"abc")

    months.settle()

    told = months.dataset_state("roses").drift_view
    assert told is not None
    assert told.drift is not None
    assert (DriftVerdict.IN_SYNC, 0, 0) == (told.drift.verdict, told.differing, told.set_back)
    assert (3, 3, 3, 3) == told.drift.coverage


def test_drift_that_is_only_reported_stands(months: Months):
    """With onDrift: report the report shows the drifted image as it is on both sides."""
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    move(months, "b")

    told = months.dataset_state("roses").drift_view
    assert told is not None
    assert told.drift is not None
    (item,) = told.drift.items
    assert ("s3://b/b.jpg", ("relabelled",), 0) == (item.source_ref, item.classes, told.set_back)
    assert (Truth.FALSE, 1) == months.dataset_state("roses").trend[-1]


def test_drift_that_was_reverted_is_still_reported(months: Months):
    """The report still shows drift that the controller has reverted."""
    months.write("roses", *"abc")
    months.settle()
    months.settle()
    move(months, "b")

    told = months.dataset_state("roses").drift_view
    assert told is not None
    assert told.drift is not None
    assert (["s3://b/b.jpg"], 1) == ([item.source_ref for item in told.drift.items], told.set_back)
    assert (Truth.TRUE, 1) in months.dataset_state("roses").trend


def test_a_report_costs_no_call(months: Months):
    """Keeping a report makes no call beyond those of the observation."""
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    months.settle()
    months.calls()
    move(months, "b")

    look = {"DescribeProjects": 1, "DescribeDataset": 3, "ListDatasetEntries": 1}
    assert look == Counter(months.calls())


def test_beyond_a_bound_only_the_number_is_kept(months: Months, monkeypatch: pytest.MonkeyPatch):
    """Beyond a bound the report keeps only the number of images, and says so."""
    monkeypatch.setattr(views, "MOST_IMAGES", 2)
    months.write("roses", *"abc")

    months.settle()

    assert views.DriftView(None, 3) == months.dataset_state("roses").drift_view


def test_nothing_works_between_cycles(months: Months):
    """Progress is reported while a cycle runs and not between cycles."""
    seen = []
    months.write("roses", *"abc")
    months.counted.on_submitted = lambda: seen.append(months.dataset_state("roses").work)

    months.settle()

    (work,) = seen
    assert work is not None
    assert (1, 1, 1, 0, None) == (work.planned, work.sent, work.finished, work.failed, work.in_flight_since)
    assert months.dataset_state("roses").work is None
