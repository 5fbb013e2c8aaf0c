"""Calls of other principals, and own request IDs, as the state file keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.drift.foreign_calls import AddressClass, ForeignCall, PrincipalKind
from reconciler.state import State
from reconciler.state import tables as store

ARN = "arn:aws:rekognition:us-east-1:111122223333:project/flowers/dataset/train/1700000000000"


def call(key: str, at: float = 100.0) -> ForeignCall:
    return ForeignCall(key, "UpdateDatasetEntries", "alice", PrincipalKind.USER, AddressClass.PRIVATE, at)


def test_a_call_is_new_once_for_each_dataset(state: State):
    """An event ID that comes again is known, after a restart as well."""
    assert state.foreign_calls.add("roses", call("1"))
    assert not state.foreign_calls.add("roses", call("1"))
    assert state.foreign_calls.add("tulips", call("1"))
    assert [call("1")] == state.foreign_calls.of("roses")


def test_calls_survive_the_process_and_can_be_read_by_commands(tmp_path: Path):
    """`drift` opens the state for reading only."""
    with State(tmp_path) as first:
        first.foreign_calls.add("roses", call("1"))
        first.foreign_calls.settle("roses", 200.0, 201.0)
    with State(tmp_path, read_only=True) as second:
        assert [call("1")._replace(settled_at=201.0)] == second.foreign_calls.of("roses")
    with State(tmp_path / "none", read_only=True) as empty:
        assert [] == empty.foreign_calls.of("roses")
        assert not empty.foreign_calls.is_own("1")


def test_only_earlier_calls_of_the_dataset_are_settled_and_once(state: State):
    """A call after the observation may still be the cause of what the next one shows."""
    calls = state.foreign_calls
    calls.add("roses", call("1", 100.0))
    calls.add("roses", call("2", 300.0))
    calls.add("tulips", call("3", 100.0))

    calls.settle("roses", 200.0, 210.0)
    calls.settle("roses", 250.0, 260.0)

    assert [("2", None), ("1", 210.0)] == [(each.id, each.settled_at) for each in calls.of("roses")]
    assert [None] == [each.settled_at for each in calls.of("tulips")]


def test_the_newest_calls_of_a_dataset_are_kept(state: State, monkeypatch: pytest.MonkeyPatch):
    """A flood of calls does not fill the disk, and takes nothing from other datasets."""
    monkeypatch.setattr(store, "KEPT_CALLS", 3)
    state.foreign_calls.add("tulips", call("0"))
    for number in range(10):
        state.foreign_calls.add("roses", call(str(number), float(number)))

    assert ["9", "8", "7"] == [each.id for each in state.foreign_calls.of("roses")]
    assert ["0"] == [each.id for each in state.foreign_calls.of("tulips")]


def test_the_newest_own_requests_are_kept(state: State, monkeypatch: pytest.MonkeyPatch):
    """Records come within minutes or hours, not after ten thousand calls."""
    monkeypatch.setattr(store, "KEPT_REQUESTS", 3)
    for number in range(10):
        state.foreign_calls.add_own(ARN, str(number), float(number))

    assert [str(n) for n in range(6, 10)] == [str(n) for n in range(10) if state.foreign_calls.is_own(str(n))]


def test_updates_without_a_request_id_are_counted_in_their_time_and_dataset(state: State):
    """The journal knows each update that was begun; those with an answer have a request ID."""
    for at in (100.0, 110.0, 500.0):
        state.journal.begin("roses", ARN, ["s3://b/a.jpg"], at, "")
    state.foreign_calls.add_own(ARN, "answered", 101.0)

    assert 1 == state.foreign_calls.unanswered(ARN, 90.0, 120.0)
    assert 0 == state.foreign_calls.unanswered(ARN, 200.0, 300.0)
    assert 0 == state.foreign_calls.unanswered(f"{ARN}0", 90.0, 120.0)
