"""Which calls a report names for a drift."""

from __future__ import annotations

import json

import pytest

from reconciler.core.drift.foreign_calls import (
    MAX_SHOWN,
    AddressClass,
    ForeignCall,
    PrincipalKind,
    suspects,
)

CALL = ForeignCall("1", "UpdateDatasetEntries", "Admin/alice", PrincipalKind.ROLE, AddressClass.PUBLIC, 100.0)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (CALL, True),
        (CALL._replace(at=250.0), True),  # the clock of AWS is a little ahead
        (CALL._replace(at=300.0), False),  # after the observation
        (CALL._replace(settled_at=150.0), False),  # the dataset was in sync after it
        (CALL._replace(settled_at=205.0), True),  # reverted by the cycle that found it
    ],
)
def test_calls_between_the_last_observation_without_drift_and_the_drift_are_named(call, expected):
    """A call that an observation without drift followed caused none of today's."""
    assert expected is bool(suspects([call], 200.0))


def test_the_newest_calls_come_first_and_few_are_shown():
    """A script may have made thousands."""
    calls = [CALL._replace(id=str(number), at=float(number)) for number in range(50)]

    found = suspects(calls, 200.0)

    assert [float(number) for number in range(49, 49 - MAX_SHOWN, -1)] == [call.at for call in found]


def test_a_stored_call_is_read_as_it_was():
    """Its times and ID are columns of their own."""
    body = json.loads(json.dumps(CALL.stored()))

    assert CALL._replace(settled_at=3.0) == ForeignCall.of_stored("1", 100.0, 3.0, body)


def test_a_call_is_one_phrase():
    """Reports and pages show the same words."""
    assert "UpdateDatasetEntries by role Admin/alice, from a public address" == CALL.text
