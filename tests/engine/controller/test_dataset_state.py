"""What the controller says of one dataset, from what it knows of it."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from reconciler.core.drift.foreign_calls import AddressClass, ForeignCall, PrincipalKind
from reconciler.core.planning.plan import PlanError
from reconciler.core.status.conditions import FailureReason, Reason, Truth
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary, summary_of_failure
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.errors import Exit
from reconciler.ports import BrokenDataset, LoadedDataset
from tests.sources.builders import LINE, dataset, loaded, write

HOUR = 3_600.0
ORIGIN = Origin("specs/a.yaml", 4)
SUMMARY = Summary(Verdict.CONVERGED, seen=True)


@pytest.fixture
def spec(tmp_path: Path) -> LoadedDataset:
    """A dataset that is listed every two hours, and observed every minute."""
    schedule = "  schedule: {interval: 1m, fullScanMaxAge: 2h, jitter: 0.5}\n"
    write(tmp_path, a_yaml=dataset() + schedule, train_jsonl=LINE)
    return loaded(tmp_path).datasets[0]


def broken(*problems: tuple[Severity, str]) -> DatasetState:
    found = tuple(Problem(severity, "RKD1001", message, ORIGIN) for severity, message in problems)
    return DatasetState("a", None, BrokenDataset("a", ORIGIN, found))


def test_of_a_dataset_that_was_never_observed_nothing_is_known():
    """Its document has every field, and no number but zero."""
    state = DatasetState("roses", None)
    document = state.document(100.0, None)

    assert document == {
        "name": "roses",
        "verdict": "unknown",
        "revisions": {"attempted": None, "applied": None, "verified": None},
        **dict.fromkeys(("arn", "at", "revision", "observation", "observed_at", "scanned_at")),
        **dict.fromkeys(("complete", "believed_until", "suspension", "next_visit_at")),
        "counts": {},
        "drift": {},
        "consecutive_failures": 0,
        "calls": {"made": {}, "forecast": {}, "forecast_seconds": 0},
        **{name: [] for name in ("errors", "partners", "conditions", "history")},
    }
    assert (0, 0, 0) == (state.added, state.updated, state.updates)


def test_a_dataset_without_a_usable_spec_keeps_the_schedule_of_one_that_says_nothing():
    """Every five minutes, spread by a tenth of that, and with no window that opens."""
    state = DatasetState("roses", None)

    assert (300.0, 0.1, inf, "") == (state.interval, state.jitter, state.until_turn(5.0), state.place)
    assert state.stale_at is None
    assert not state.is_only_to_be_listed(1e9)


def test_a_dataset_has_a_cycle_a_second_after_it_opens(spec: LoadedDataset):
    """Not before: the clock of the cycle may be behind by a part of a second."""
    freeze = {"until": "1970-01-01T02:00:00", "reason": "the season"}
    assert inf == DatasetState("a", spec).until_turn(0.0)

    state = DatasetState("a", with_policy(spec, freeze=freeze))

    assert [7_201.0, 1.5] == [state.until_turn(now) for now in (0.0, 7_199.5)]
    assert inf == state.until_turn(7_200.0)


def with_policy(spec: LoadedDataset, **changes: Any) -> LoadedDataset:
    body = spec.spec.model_dump(by_alias=True, mode="json", exclude_none=True)
    body["spec"]["policy"] |= changes
    return structs.replace(spec, spec=type(spec.spec).model_validate(body))


def test_datasets_of_one_role_and_region_share_their_threads(spec: LoadedDataset):
    def place(**changes: str) -> str:
        body = spec.spec.model_dump(by_alias=True, mode="json", exclude_none=True)
        body["spec"]["target"] |= changes
        return DatasetState("a", structs.replace(spec, spec=type(spec.spec).model_validate(body))).place

    role = "arn:aws:iam::111122223333:role/labels"
    assert ["", "eu-west-1", role, f"{role} eu-west-1"] == [
        place(),
        place(region="eu-west-1"),
        place(roleArn=role),
        place(roleArn=role, region="eu-west-1"),
    ]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (DatasetState("a", None), False),
        (DatasetState("a", None, observed_at=0.0), True),
        (DatasetState("a", None, is_elsewhere=True), True),
        (broken(), True),
        (DatasetState("a", None, summary=summary_of_failure(FailureReason(Reason.INVALID, "no"))), True),
        (DatasetState("a", None, summary=summary_of_failure(FailureReason(Reason.DENIED, "no"))), False),
        (DatasetState("a", None, summary=SUMMARY), False),
    ],
    ids=["new", "observed", "elsewhere", "broken", "invalid", "denied", "without an observation"],
)
def test_a_process_is_ready_once_each_dataset_was_observed_or_need_not_be(
    state: DatasetState, expected: bool
):
    assert expected is state.was_observed


def test_the_first_error_of_a_broken_document_is_the_reason():
    """A warning before it is none; without one there is a reason all the same."""
    state = broken(
        (Severity.WARNING, "an odd name"), (Severity.ERROR, "no kind"), (Severity.ERROR, "no name")
    )

    found = state.unreadable()
    assert ("SpecInvalid", "specs/a.yaml:4: no kind", Exit.INVALID) == (*found.failure, found.exit_code)
    assert ["no kind", "no name"] == [error["message"] for error in state.document(0.0, None)["errors"]]
    for without in (broken(), DatasetState("a", None)):
        assert "cannot be read" == without.unreadable().failure.message


def test_the_error_of_a_dataset_that_another_replica_reports_is_not_repeated():
    """Whatever is wrong with the document, the owner of the dataset says so."""
    state = broken((Severity.ERROR, "no kind"))
    state.judge(None, 0.0)
    assert Reason.INVALID in {condition.reason for condition in state.conditions}

    state.is_elsewhere, state.summary = (
        True,
        summary_of_failure(FailureReason(Reason.STANDBY, "replica-2 owns it")),
    )
    state.judge(None, 0.0)

    assert Reason.INVALID not in {condition.reason for condition in state.conditions}


def test_a_verdict_is_unknown_from_the_moment_on_at_which_the_listing_is_too_old(spec: LoadedDataset):
    """An unknown verdict, and that the specs are invalid, do not depend on a listing."""
    state = DatasetState("a", spec, summary=SUMMARY, scanned_at=1_000.0)

    assert 1_000 + 2 * HOUR == state.stale_at
    assert [Verdict.CONVERGED, Verdict.UNKNOWN, Verdict.UNKNOWN] == [
        state.verdict(1_000 + 2 * HOUR + late) for late in (-1, 0, 1)
    ]
    state.summary = summary_of_failure(FailureReason(Reason.INVALID, "no"), Exit.INVALID)
    assert state.summary.verdict is state.verdict(1e9)


def test_of_datasets_that_are_due_those_that_are_only_to_be_listed_come_last(spec: LoadedDataset):
    """The most overdue listing first of them; a spec that was edited is no listing."""
    now = 1_000 + 2 * HOUR

    def state(name: str, **facts: Any) -> DatasetState:
        return DatasetState(name, spec, **({"scanned_at": 1_000.0} | facts))

    states = [
        state("listed", due=1.0),
        state("long ago", due=3.0, scanned_at=900.0),
        state("edited", due=2.0, edited=True),
        state("new", due=4.0, scanned_at=None),
        state("fresh", due=5.0, scanned_at=now - 60),
    ]

    assert ["edited", "new", "fresh", "long ago", "listed"] == [
        one.name for one in sorted(states, key=lambda one: one.urgency(now))
    ]


def test_the_trend_shows_what_was_found_or_is_left():
    """Whichever is more, for each of the last twenty cycles; before a verdict, InSync is unknown."""
    state = DatasetState("a", None, summary=replace(SUMMARY, drift={"relabelled": 2, "unmanaged": 9}))
    for found in (0, 1, 3):
        state.remember({"found": found})

    assert [(Truth.UNKNOWN, 2), (Truth.UNKNOWN, 2), (Truth.UNKNOWN, 3)] == list(state.trend)
    assert [0, 1, 3] == [line["found"] for line in state.history]

    state.summary = None
    state.judge(None, 0.0)
    for found in range(25):
        state.remember({"found": found})
    assert (20, 20, {"found": 5}) == (len(state.history), len(state.trend), state.history[0])
    assert (Truth.UNKNOWN, 24) == state.trend[-1]


@pytest.mark.parametrize(
    ("summary", "expected"),
    [(SUMMARY, True), (replace(SUMMARY, gap="5 of 6 entries"), False), (replace(SUMMARY, seen=False), None)],
)
def test_whether_all_was_seen_is_only_known_of_what_was_observed(summary: Summary, expected: bool | None):
    assert expected is DatasetState("a", None, summary=summary).document(0.0, None)["complete"]


def test_the_document_has_the_ten_newest_calls_of_others():
    """Without any it has no such field."""
    calls = tuple(
        ForeignCall(f"{number}", "UpdateDatasetEntries", "ada", PrincipalKind.USER, AddressClass.PUBLIC, 1.0)
        for number in range(12)
    )
    state = DatasetState("a", None)
    assert "foreign_calls" not in state.document(0.0, None)

    state.foreign_calls = calls

    shown = [call["event_id"] for call in state.document(0.0, None)["foreign_calls"]]
    assert [f"{number}" for number in range(10)] == shown


def test_an_error_without_a_place_has_none():
    summary = summary_of_failure(FailureReason(Reason.DENIED, "no"), errors=(PlanError("DENIED", "no"),))

    assert [{"code": "DENIED", "message": "no", "origin": None}] == DatasetState(
        "a", None, summary=summary
    ).document(0.0, None)["errors"]


def test_a_large_dataset_is_listed_so_early_that_it_stays_known(spec: LoadedDataset):
    """A listing of 250,000 entries takes 500 s at best, and the dataset would be unknown while it runs."""
    summary = Summary(Verdict.CONVERGED, {"observed": 250_000})
    large = DatasetState("a", spec, summary=summary, scanned_at=0.0)
    small = DatasetState("a", spec, summary=SUMMARY, scanned_at=0.0)
    begin = 2 * HOUR - 90 - 2 * 500

    assert (False, True) == (large.is_only_to_be_listed(begin - 1), large.is_only_to_be_listed(begin))
    assert not small.is_only_to_be_listed(2 * HOUR - 91)

    late = [large.until_postponed_listing(2 * HOUR - before) for before in (1_091, 1_090, 700, 500, 1)]
    assert [inf, 295.0, 100.0, 0.0, 0.0] == late

    large.ahead_seconds = 300.0
    assert (False, True) == (large.is_only_to_be_listed(begin - 301), large.is_only_to_be_listed(begin - 300))
