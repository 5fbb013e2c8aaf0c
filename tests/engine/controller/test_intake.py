"""What a message makes the controller do, and what it cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest

from reconciler.core.drift.foreign_calls import suspects
from reconciler.core.moments import moment
from reconciler.core.runtime.backoff import EACH_SECONDS
from reconciler.engine.controller.event_queue import MAX_SECONDS, SOON_SECONDS, Intake
from reconciler.errors import StateError
from reconciler.ports import Message
from tests.builders import classified
from tests.core.drift.records import record
from tests.engine.months import Months

AGENT = "our-program"
HOUR = 3_600.0


@dataclass
class Hearing:
    """A controller with an hour between its cycles, and what takes in its messages."""

    months: Months
    counted: Counter[str] = field(default_factory=Counter)
    number: int = 0

    def __post_init__(self) -> None:
        months = self.months
        calls, hasten = months.state.foreign_calls, months.controller.hasten
        self.intake = Intake(months.registry, calls, hasten, AGENT, lambda it: self.counted.update([it]))
        months.registry.after_cycle = self.intake.after_cycle

    def hear(self, dataset: str = "roses", *, ago: float = 1.0, **changes: Any) -> int | None:
        """Take in the record of a call, each with an ID of its own unless it is given."""
        self.number += 1
        arn = self.months.arn(dataset)
        defaults = {
            "requestParameters": {"datasetArn": arn},
            "eventID": f"event-{self.number}",
            "requestID": f"request-{self.number}",
            "eventTime": moment(self.months.time.wall() - ago),
        }
        return self.take(record(**(defaults | changes)))

    def take(self, body: str) -> int | None:
        return self.intake.take(Message(body, "receipt", 1))

    def edit(self, dataset: str = "roses") -> None:
        """Relabel an image in the console."""
        self.months.emulator.console.put(self.months.arn(dataset), orjson.loads(classified("b", "daisy")))


@pytest.fixture
def hearing(months: Months) -> Hearing:
    months.write("roses", *"abc", interval="1h")
    found = Hearing(months)
    months.settle()
    months.settle()
    months.run_for(300)  # the update of the first apply was long ago
    months.calls()
    return found


def test_a_call_of_another_principal_makes_its_dataset_due_at_once(hearing: Hearing, events: list[Any]):
    """Within two seconds, and not after the hour that is left until the next cycle."""
    hearing.edit()

    assert hearing.hear() is None
    hearing.months.run_for(2)

    assert "drift.cleared" in [event["event"] for event in events]
    (event,) = [event for event in events if event["event"] == "event.foreign"]
    assert ("roses", "Admin/alice", "role") == (event["dataset"], event["principal"], event["principal_kind"])
    assert {"foreign": 1} == hearing.counted


def test_the_call_is_known_before_the_cycle_that_it_causes(hearing: Hearing):
    """The pages name who called while the observation still waits for AWS."""
    state, registry = hearing.months.dataset_state("roses"), hearing.months.registry
    registry._dirty = False

    hearing.hear(eventID="alice")

    assert (["alice"], True) == ([call.id for call in state.foreign_calls], registry._dirty)


def test_the_log_says_how_late_a_message_is_and_when_it_is_acted_on(hearing: Hearing, events: list[Any]):
    """In seconds, to the tenth: CloudTrail delivers within minutes, and hints of one dataset wait their turn."""
    expected = []
    for seconds in (0.26, 3.14):
        hearing.months.time.sleep(seconds)
        now = hearing.months.time.wall()
        expected.append(round(now - int(now - 30), 1))
        hearing.hear(ago=30)

    heard = [event for event in events if event["event"] == "event.foreign"]
    assert expected == [event["delay_seconds"] for event in heard]
    assert [0.0, 6.9] == [event["due_seconds"] for event in heard]


def test_a_message_alone_changes_nothing_that_is_known(hearing: Hearing):
    """A record of a change that did not happen costs one DescribeDataset."""
    before = hearing.months.dataset_state("roses").summary

    hearing.hear()
    hearing.months.run_for(5)

    assert ["DescribeDataset"] == hearing.months.calls()
    assert before == hearing.months.dataset_state("roses").summary


def test_a_flood_of_messages_costs_few_calls(hearing: Hearing):
    """A principal that may send to the queue gets one observation in ten seconds, however often it sends."""
    for _ in range(300):
        hearing.hear()
        hearing.months.run_for(0.2)

    assert {"DescribeDataset"} == set(calls := hearing.months.calls())
    assert len(calls) <= 60 / EACH_SECONDS + 1


def test_a_message_that_comes_twice_counts_once(hearing: Hearing):
    """SQS delivers at least once, and two trails record one call with one event ID."""
    hearing.hear(eventID="same")
    hearing.months.run_for(60)
    hearing.months.calls()

    assert hearing.hear(eventID="same") is None
    hearing.months.run_for(60)

    assert [] == hearing.months.calls()
    assert {"foreign": 1, "repeated": 1} == hearing.counted


def test_a_message_that_comes_while_a_cycle_runs_is_followed_by_another(hearing: Hearing):
    """The running cycle may have observed the dataset before the change."""
    state = hearing.months.dataset_state("roses")
    hearing.hear()
    hearing.months.run_for(20)
    hearing.months.calls()
    state.running = True
    hearing.hear()
    state.running = False  # as at the end of the cycle
    hearing.months.controller._run_cycle(state)

    assert state.due <= hearing.months.time.seconds() + EACH_SECONDS


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"eventName": "DescribeDataset"}, "irrelevant"),
        ({"errorCode": "AccessDenied"}, "irrelevant"),
        ({"awsRegion": "eu-west-1"}, "irrelevant"),
        ({"recipientAccountId": "444455556666"}, "irrelevant"),
        ({"requestParameters": {"projectName": "other"}}, "irrelevant"),
        ({"eventSource": "s3.amazonaws.com"}, "unreadable"),
        ({"eventTime": "2095-01-01T00:00:00Z"}, "unreadable"),
    ],
)
def test_what_is_about_nothing_here_is_deleted_without_a_call(hearing: Hearing, changes, expected):
    """No message of another kind, account, Region or project is acted on, and none stays in the queue."""
    assert hearing.hear(**changes) is None
    hearing.months.run_for(60)

    assert [] == hearing.months.calls()
    assert {expected: 1} == hearing.counted


def test_a_record_that_names_no_dataset_makes_all_of_its_region_due_and_accuses_none(hearing: Hearing):
    """CloudTrail leaves out large parameters: which dataset was meant is not known."""
    hearing.hear(requestParameters=None)
    hearing.months.run_for(5)

    assert ["DescribeDataset"] == hearing.months.calls()
    assert [] == hearing.months.state.foreign_calls.of("roses")


def test_own_calls_are_known_by_their_request_id(hearing: Hearing):
    """Records of the controller's own applies arrive too, and must not cause cycles for ever."""
    hearing.months.state.foreign_calls.add_own(hearing.months.arn("roses"), "mine", 0.0)

    assert hearing.hear(requestID="mine", userAgent=AGENT) is None
    hearing.months.run_for(60)

    assert [] == hearing.months.calls()
    assert {"own": 1} == hearing.counted


def test_an_own_update_without_an_answer_is_known_by_the_journal(hearing: Hearing):
    """The answer was lost, so its request ID is not known; the user agent alone would not do."""
    now, arn = hearing.months.time.wall(), hearing.months.arn("roses")
    journal = hearing.months.state.journal
    hearing.hear(userAgent=f"Boto3 {AGENT}")
    journal.end(journal.begin("roses", arn, ["s3://b/a.jpg"], now - 3, ""), "unknown")
    hearing.hear(userAgent=f"Boto3 {AGENT}")
    hearing.hear(userAgent="Boto3")

    assert {"foreign": 2, "own": 1} == hearing.counted


def test_a_call_of_this_program_during_a_cycle_waits_for_its_answer(hearing: Hearing):
    """The record may be faster than the answer that has the request ID."""
    state = hearing.months.dataset_state("roses")
    state.running = True

    assert SOON_SECONDS == hearing.hear(userAgent=AGENT)
    assert {"postponed": 1} == hearing.counted


@pytest.mark.parametrize(("begun", "outcome"), [(120, "own"), (121, "foreign"), (-5, "own"), (-6, "foreign")])
def test_an_unanswered_update_explains_a_call_of_about_its_time(hearing: Hearing, begun: int, outcome: str):
    """It began up to two minutes before the time of CloudTrail: calls take time. Clocks differ by seconds."""
    called_at = float(int(hearing.months.time.wall()))
    journal = hearing.months.state.journal
    journal.end(
        journal.begin("roses", hearing.months.arn("roses"), ["s3://b/a.jpg"], called_at - begun, ""),
        "unknown",
    )

    hearing.hear(userAgent=AGENT, eventTime=moment(called_at))

    assert {outcome: 1} == hearing.counted


@pytest.mark.parametrize(("ahead", "outcome"), [(3_600, "foreign"), (3_601, "unreadable")])
def test_a_clock_may_be_off_by_an_hour(hearing: Hearing, ahead: int, outcome: str):
    """A call of a later time would outlast all others."""
    now = hearing.months.time.wall()
    hearing.months.time.jump_wall(int(now) - now)

    hearing.hear(ago=-ahead)

    assert {outcome: 1} == hearing.counted


@pytest.mark.parametrize(
    "after",
    [
        {"summary": None},
        {"seen": False},
        {"drift": {"relabelled": 1}},
        {"gap": "AWS counts 4 entries, and 3 could be seen"},
        {"observed_at": None},
    ],
    ids=lambda after: next(iter(after)),
)
def test_a_cycle_that_cannot_know_that_no_drift_is_left_settles_no_call(
    hearing: Hearing, after: dict[str, Any]
):
    """The call may be what caused the drift that the next observation finds."""
    state = hearing.months.dataset_state("roses")
    hearing.hear(eventID="alice")
    good, now = state.summary, hearing.months.time.wall()
    assert good is not None
    assert state.observed_at is not None
    changes = dict(after)
    state.observed_at = changes.pop("observed_at", state.observed_at)
    state.summary = changes.pop("summary", good) and replace(good, **changes)

    hearing.intake.after_cycle(state, now)
    assert [None] == [call.settled_at for call in state.foreign_calls]

    state.summary, state.observed_at = good, now
    hearing.intake.after_cycle(state, now)
    assert [None] != [call.settled_at for call in state.foreign_calls]


def test_calls_that_cannot_be_settled_after_a_cycle_do_not_fail_it(
    hearing: Hearing, events: list[Any], monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise StateError("disk full")

    monkeypatch.setattr(hearing.months.state.foreign_calls, "settle", full)
    hearing.months.run_for(1.5 * HOUR)

    assert ["disk full"] == list({e["reason"] for e in events if e["event"] == "status.unsaved"})
    assert "converged" == hearing.months.counted.cycles[-1][1]


def test_before_the_specs_are_read_messages_wait(hearing: Hearing):
    """Else a restart would delete what is about every dataset."""
    hearing.months.registry.fingerprint = None

    assert SOON_SECONDS == hearing.hear() == 5


def test_a_message_for_another_replica_is_given_back_ever_more_seldom(hearing: Hearing):
    """The replica that owns the dataset gets it soon; without an owner it does not circle for days."""
    hearing.months.dataset_state("roses").is_elsewhere = True
    body = record(
        requestParameters={"datasetArn": hearing.months.arn("roses")}, eventTime="2021-01-01T00:00:00Z"
    )

    found = [hearing.intake.take(Message(body, "receipt", receives)) for receives in (1, 2, 3, 30)]

    assert [2, 4, 8, MAX_SECONDS] == found
    assert MAX_SECONDS == 300


def test_a_message_that_cannot_be_stored_is_a_hint_all_the_same_and_comes_again(
    hearing: Hearing, monkeypatch: pytest.MonkeyPatch
):
    """A full disk loses no evidence, and delays no observation."""

    def full(*_: object) -> bool:
        raise StateError("disk full")

    monkeypatch.setattr(hearing.months.state.foreign_calls, "add", full)

    assert MAX_SECONDS == hearing.hear()
    hearing.months.run_for(5)
    assert "DescribeDataset" in hearing.months.calls()


def test_only_calls_after_the_last_observation_without_drift_are_named(hearing: Hearing):
    """Bob is not named for what alice did, nor alice for what bob did."""
    hearing.hear(eventID="alice")
    hearing.edit()
    hearing.months.run_for(30)
    view = hearing.months.dataset_state("roses").drift_view
    assert view is not None
    assert view.drift is not None
    first = view.drift.observed_at
    assert first is not None
    hearing.months.run_for(600)
    hearing.hear(eventID="bob")
    hearing.edit()
    hearing.months.run_for(30)
    view = hearing.months.dataset_state("roses").drift_view
    assert view is not None
    assert view.drift is not None
    assert view.drift.observed_at is not None

    calls = hearing.months.dataset_state("roses").foreign_calls
    assert ["alice"] == [call.id for call in suspects(calls, first)]
    assert ["bob"] == [call.id for call in suspects(calls, view.drift.observed_at)]


def test_a_call_that_is_heard_of_hours_later_is_named_for_the_drift_it_caused(hearing: Hearing):
    """Reports go by the time of the call, whenever CloudTrail delivers it."""
    hearing.edit()
    called_at = hearing.months.time.wall()
    hearing.months.run_for(1.2 * HOUR)
    hearing.months.run_for(2 * HOUR)
    view = hearing.months.dataset_state("roses").drift_view
    assert view is not None
    assert view.drift is not None
    assert view.drift.observed_at is not None

    hearing.hear(eventTime=moment(called_at))
    hearing.months.run_for(30)

    calls = hearing.months.dataset_state("roses").foreign_calls
    assert 1 == len(suspects(calls, view.drift.observed_at))


def test_a_dataset_that_left_the_specs_is_not_hastened(hearing: Hearing):
    """A message may be about a dataset of yesterday."""
    hearing.months.controller.hasten("gone", 0.0)
