"""When a dataset is open to changes: windows by cron and time zone, and a freeze."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.core.spec.choices import ClosedBy
from reconciler.core.spec.policy import Freeze, Policy, Window, closure, next_boundary, parse_window

HOURS = {"kind": "allow", "cron": "0 9 * * 1-5", "duration": "8h", "timeZone": "Europe/Berlin"}
LUNCH = {
    "kind": "deny",
    "cron": "0 12 * * *",
    "duration": "1h",
    "timeZone": "Europe/Berlin",
    "reason": "lunch",
}


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def policy(*windows: dict[str, str], freeze: dict[str, str] | None = None) -> Policy:
    return Policy.model_validate({"mode": "upsert", "windows": windows, "freeze": freeze})


@pytest.mark.parametrize(
    ("windows", "now", "opens"),
    [
        ([], "2026-11-30T03:00:00+01:00", None),
        ([HOURS], "2026-11-30T09:00:00+01:00", None),
        ([HOURS], "2026-11-30T16:59:59+01:00", None),
        ([HOURS], "2026-11-30T08:59:59+01:00", "2026-11-30T09:00:00+01:00"),
        ([HOURS], "2026-11-27T17:00:00+01:00", "2026-11-30T09:00:00+01:00"),  # Friday evening
        ([LUNCH], "2026-11-30T11:59:59+01:00", None),
        ([LUNCH], "2026-11-30T12:00:00+01:00", "2026-11-30T13:00:00+01:00"),
        ([HOURS, LUNCH], "2026-11-30T12:30:00+01:00", "2026-11-30T13:00:00+01:00"),
        (
            [HOURS, {**LUNCH, "cron": "0 15 * * *", "duration": "3h"}],
            "2026-11-30T16:00:00+01:00",
            "2026-12-01T09:00:00+01:00",
        ),
        ([HOURS, {**HOURS, "cron": "0 8 * * 6"}], "2026-11-28T10:00:00+01:00", None),  # either will do
    ],
)
def test_changes_are_sent_in_a_window_that_allows_and_never_in_one_that_denies(windows, now, opens):
    found = closure(policy(*windows), at(now))

    assert (None if opens is None else at(opens)) == (found and found.until)
    assert (found is None) == (opens is None)


def test_a_freeze_beats_every_window_and_opens_by_itself():
    frozen = policy(
        {**HOURS, "cron": "* * * * *"}, freeze={"until": "2026-12-24T18:00:00+01:00", "reason": "sale"}
    )

    found = closure(frozen, at("2026-12-24T17:59:59+01:00"))

    assert (ClosedBy.FREEZE, "sale", at("2026-12-24T17:00:00+00:00")) == found
    assert "freeze until 2026-12-24T17:00:00Z: sale" == found.message
    assert closure(frozen, at("2026-12-24T18:00:00+01:00")) is None


@pytest.mark.parametrize(
    ("until", "ends"),
    [
        ("2026-12-31", "2027-01-01T00:00:00+00:00"),
        ("2026-12-31T12:00:00", "2026-12-31T12:00:00+00:00"),
        ("2026-12-31 12:00:00Z", "2026-12-31T12:00:00+00:00"),
        ("2026-12-31T12:00:00+09:00", "2026-12-31T03:00:00+00:00"),
    ],
)
def test_a_date_is_the_whole_day_and_a_time_without_an_offset_is_utc(until, ends):
    assert at(ends) == Freeze(until=until, reason="r").ends_at


def test_what_is_always_denied_never_opens():
    always = policy({**LUNCH, "cron": "*/30 * * * *"})

    found = closure(always, at("2026-11-30T12:30:00+00:00"))

    assert (ClosedBy.WINDOWS, "lunch", None) == found
    assert "outside the change windows: lunch" == found.message


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
@given(
    cron=st.sampled_from(["30 2 * * *", "0 3 * * *", "*/20 1-3 * * *", "15 0 * * 0", "59 1 29 * *"]),
    hours=st.integers(1, 30),
    day=st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"]),
    minute=st.integers(-600, 2_000),
)
def test_windows_hold_through_changes_of_the_clock(zone, cron, hours, day, minute):
    """A window holds exactly from a start of the schedule for its length: the starts are counted one by one."""
    window = Window.model_validate({"kind": "allow", "cron": cron, "duration": f"{hours}h", "timeZone": zone})
    now = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() + 60 * minute
    long_before = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)) - timedelta(days=70)

    starts = []
    for start in window._starts(long_before.timestamp()):
        if start > now + 40 * 86_400:
            break
        starts.append(start)

    holds = any(start <= now < start + hours * 3_600 for start in starts)
    assert holds == (window.ends_at(now) is not None)
    boundary = next_boundary(Policy(windows=(window,)), now)
    assert boundary is not None
    assert boundary > now


def test_a_time_that_the_clock_repeats_begins_one_window():
    """In the second of two equal hours the window that began in the first still holds, and no other begins."""
    window = Window.model_validate({**HOURS, "cron": "30 2 * * *", "duration": "1h"})
    first = at("2026-10-25T02:30:00+02:00")

    assert [None, first + 3_600, first + 3_600, None, None] == [
        window.ends_at(first + minutes * 60) for minutes in (-1, 0, 59, 60, 110)
    ]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("cron", "0 25 * * *", "bad hour"),
        ("cron", "0 0 30 2 *", "bad day-of-month"),
        ("cron", "* * * * * *", "the five fields of cron"),
        ("cron", "@daily", "the five fields of cron"),
        ("timeZone", "Europe/Atlantis", "IANA name"),
        ("timeZone", "../etc/passwd", "IANA name"),
        ("timeZone", "", "IANA name"),
        ("duration", "0h", "duration above zero"),
        ("kind", "maybe", "allow"),
    ],
)
def test_a_window_that_means_nothing_is_refused(field, value, words):
    with pytest.raises(ValidationError, match=words):
        Window.model_validate({**HOURS, field: value})


@pytest.mark.parametrize("until", ["2026-13-01", "tomorrow", "2026-12-31T25:00:00"])
def test_a_freeze_ends_at_a_time_that_exists(until):
    with pytest.raises(ValidationError, match="must be a date"):
        Freeze(until=until, reason="r")


def test_a_window_is_written_in_one_line():
    """In UTC without a time zone."""
    assert ("0 22 * * *", 32_400, "Europe/Berlin") == _parts("0 22 * * * 9h Europe/Berlin")
    assert ("0 22 * * 1-5", 5_400, "UTC") == _parts(" 0 22 * *  1-5 1h30m ")


def _parts(text: str) -> tuple[str, int, str]:
    window = parse_window(text)
    return window.cron, window.duration_seconds, window.time_zone


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it needs five fields"),
        ("0 22 * * *", "it needs five fields"),
        ("0 22 * * * 9h Europe/Berlin x", "it needs five fields"),
        ("0 99 * * * 9h", "cron "),
        ("0 22 * * * 9", "duration must be a duration"),
        ("0 22 * * * 9h Mars/Olympus", "timeZone "),
    ],
)
def test_a_line_that_is_no_window_has_its_reason(text, reason):
    with pytest.raises(ValueError, match=f"^{reason}"):
        parse_window(text)
