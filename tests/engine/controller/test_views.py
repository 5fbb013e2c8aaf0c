"""What the controller keeps of an observation for reports, and what that costs."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from reconciler.core.drift.report import Coverage, DatasetDrift, DriftItem, DriftVerdict
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.spec.choices import DriftClass
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


def test_an_unmanaged_image_that_was_blanked_was_not_set_back(months: Months):
    """It is gone from the drift, but git never held what it should be set back to."""
    months.write("roses", *"abc", policy="orphans: blank")
    months.settle()
    months.settle()
    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("z", "daisy")))
    move(months, "b")

    told = months.dataset_state("roses").drift_view
    assert told is not None
    assert told.drift is not None
    assert (["s3://b/b.jpg", "s3://b/z.jpg"], 1) == (
        sorted(item.source_ref for item in told.drift.items),
        told.set_back,
    )


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
    assert 10_000 == views.MAX_IMAGES
    monkeypatch.setattr(views, "MAX_IMAGES", 3)
    months.write("roses", *"abcd")
    months.write("tulips", *"abc")

    months.settle()

    assert views.DriftView(None, 4) == months.dataset_state("roses").drift_view
    kept = months.dataset_state("tulips").drift_view
    assert kept is not None
    assert kept.drift is not None


def test_entries_with_errors_count_towards_the_bound(monkeypatch: pytest.MonkeyPatch):
    """One that differs and one that AWS holds with an error are two images."""
    monkeypatch.setattr(views, "MAX_IMAGES", 1)
    planned: Any = SimpleNamespace(plan=SimpleNamespace(changes=["a"], errored=["b"]))

    assert views.DriftView(None, 2) == views.drift_view(cast(Any, None), planned)


def test_beyond_a_bound_of_characters_images_are_shown_without_their_lines(
    months: Months, monkeypatch: pytest.MonkeyPatch
):
    """The first ones keep theirs, whatever their number; the fields and the drawing of all stay."""
    months.write("roses", *"abcd", policy="onDrift: report")
    months.settle()
    for entry in "abc":
        move(months, entry)
    lines = [item.lines for item in items_of(months)]
    sizes = [len(one.desired or "") + len(one.observed or "") for one in lines if one]
    assert 3 == len(sizes)

    for bound, shown in ((sum(sizes), 3), (sum(sizes) - 1, 2), (sizes[0] + sizes[1], 2), (0, 0)):
        monkeypatch.setattr(views, "MAX_LINE_CHARACTERS", bound)
        months.forget()
        months.settle()
        items = items_of(months)
        assert [True] * shown + [False] * (3 - shown) == [item.lines is not None for item in items]
        assert all(item.fields and item.view for item in items)


def items_of(months: Months) -> tuple[DriftItem, ...]:
    view = months.dataset_state("roses").drift_view
    assert view is not None
    assert view.drift is not None
    return view.drift.items


DIGEST = b"digest"


def test_of_quarantined_entries_those_are_shown_that_are_tried_again_first(monkeypatch: pytest.MonkeyPatch):
    """Those of one time in order of their names; all are counted."""
    monkeypatch.setattr(views, "MAX_QUARANTINED", 2)
    entries = [
        Quarantined(name, DIGEST, QuarantineReason.ISOLATED, "why", 1, 0.0, until)
        for name, until in (("a", 9.0), ("c", 5.0), ("b", 5.0))
    ]

    found = views.quarantine_view(entries)

    assert (["b", "c"], 3) == ([one.source_ref for one in found.first], found.number)
    assert ((), 0) == views.quarantine_view([]) == views.QuarantineView()


def item(name: str, cause: Cause, *codes: str) -> DriftItem:
    return DriftItem(name, (DriftClass.RELABELLED,), cause, codes=codes)


def test_after_an_apply_the_drift_that_it_reverted_is_counted():
    """Neither orphans, nor what is in error, nor what still differs was set back."""
    items = (
        item("added", Cause.SPEC_ADDED),
        item("changed", Cause.SPEC_CHANGED),
        item("left", Cause.SPEC_CHANGED),
        item("reverted", Cause.DRIFT_MODIFIED),
        item("unreverted", Cause.DRIFT_REMOVED),
        item("orphan", Cause.ORPHAN),
        item("errored", Cause.DRIFT_MODIFIED, "ERROR_X"),
        item("unattributed", Cause.UNATTRIBUTED),
    )
    drift = DatasetDrift("roses", "arn", items=items, coverage=Coverage(10, 21, 3, 5))

    found = views.view_after_apply(views.DriftView(drift, 7), frozenset({"left", "unreverted", "orphan"}))

    assert found.drift is not None
    assert ["left", "reverted", "unreverted", "orphan", "errored", "unattributed"] == [
        one.source_ref for one in found.drift.items
    ]
    assert (6, 1, 1) == (found.differing, found.set_back, found.updated)
    assert Coverage(desired=10, observed=22, in_place=5, managed=6) == found.drift.coverage


def test_what_was_too_much_to_be_kept_is_so_after_an_apply():
    before = views.DriftView(None, 20_000)

    assert before is views.view_after_apply(before, frozenset())


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
