"""What is reported: each change once, and together what has one cause."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.judgement import Facts, judge
from reconciler.core.status.notices import (
    AGAIN_SECONDS,
    BUSY_SECONDS,
    DRIFTED,
    MAX_CHARACTERS,
    NAMED,
    SOURCE,
    SPREAD_SECONDS,
    WAIT_SECONDS,
    Incidents,
    Level,
    Notice,
    advanced,
    causes_before,
    causes_of,
    causes_of_source,
    reported,
)
from reconciler.core.status.result import Verdict

AT = 1_800_000_000.0
AWAY = {"Unavailable": "AWS did not answer"}
BLOCKED = {"BlockedByGuard": "too many changes"}
DRIFT = {DRIFTED: "AWS differs from what was applied"}


class Reporting:
    """Incidents over time."""

    def __init__(self) -> None:
        self.incidents: Incidents = {}
        self.now = AT
        self.sent: list[Notice] = []

    def see(
        self, found: dict[str, dict[str, str]], *, after: float = 0.0, quiet: bool = False
    ) -> list[Notice]:
        """Observe these causes after some time, and return what is reported."""
        self.now += after
        self.incidents, notices = reported(advanced(self.incidents, found, self.now), self.now, quiet=quiet)
        self.sent += notices
        return list(notices)

    def lasting(
        self, found: dict[str, dict[str, str]], seconds: float, *, quiet: bool = False
    ) -> list[Notice]:
        """Observe the same for some time, every two seconds."""
        return [n for _ in range(int(seconds / 2) + 1) for n in self.see(found, after=2.0, quiet=quiet)]


def titles(notices: list[Notice]) -> list[str]:
    return [notice.title for notice in notices]


@pytest.mark.parametrize(
    ("facts", "before", "causes"),
    [
        (Facts(verdict=Verdict.CONVERGED), BLOCKED, set()),
        (Facts(), BLOCKED, {"BlockedByGuard"}),
        (Facts(verdict=Verdict.UNKNOWN), {}, {"Failed"}),
        (Facts(verdict=Verdict.BLOCKED, failure=FailureReason(Reason.BLOCKED, "x")), {}, {"BlockedByGuard"}),
        (Facts(verdict=Verdict.PARTIAL, left_out=True), {}, {"EntriesLeftOut"}),
        (Facts(verdict=Verdict.OBSERVED, pending=True, drifted=True), {}, {DRIFTED}),
        (Facts(verdict=Verdict.UNKNOWN, failure=FailureReason(Reason.UNAVAILABLE, "x")), DRIFT,
         {"Unavailable", DRIFTED}),
        (Facts(verdict=Verdict.UNKNOWN, failure=FailureReason(Reason.NEW_REVISION, "x")), AWAY, {"Unavailable"}),
        (Facts(verdict=Verdict.CONVERGED, applying=True, drifted=True), BLOCKED, {"BlockedByGuard", DRIFTED}),
        (Facts(suspended=True, verdict=Verdict.CONVERGED), BLOCKED | DRIFT, {"BlockedByGuard", DRIFTED}),
        (Facts(verdict=Verdict.WITHHELD, pending=True, suspension="audit"), {}, set()),
    ],
)  # fmt: skip
def test_causes_are_those_of_the_conditions(facts, before, causes):
    """What a condition does not tell now stays as it was: an apply that begins is no recovery."""
    assert causes == set(causes_of(judge(facts), before))


@pytest.mark.parametrize(
    ("failure", "before", "causes"),
    [
        (None, AWAY, set()),
        (FailureReason(Reason.NOT_YET, "x"), {"SourceStale": "x"}, {"SourceStale"}),
        (FailureReason(Reason.SOURCE_UNAVAILABLE, "x"), {}, {"SourceUnavailable"}),
    ],
)
def test_causes_of_the_source(failure, before, causes):
    assert causes == set(causes_of_source(failure, before))


def test_an_outage_is_one_message_and_its_end_another():
    """It reaches 200 datasets in the course of five minutes, and leaves them as slowly."""
    reporting, names = Reporting(), [f"d{number:03}" for number in range(200)]
    for reached in range(1, 201):
        reporting.see({name: AWAY if name < f"d{reached:03}" else {} for name in names}, after=1.5)
    for left in range(1, 201):
        reporting.see({name: {} if name < f"d{left:03}" else AWAY for name in names}, after=3.0)
    reporting.lasting({name: {} for name in names}, 3_600)

    assert [
        ("failure", "41 datasets: not ready (Unavailable)"),
        ("recovery", "200 datasets: recovered (Unavailable)"),
    ] == [(notice.level, notice.title) for notice in reporting.sent]
    assert {} == reporting.incidents


def test_an_outage_is_one_message_although_a_dataset_failed_before():
    reporting, names = Reporting(), [f"d{number:02}" for number in range(50)]
    reporting.lasting({name: AWAY if name == "d00" else {} for name in names}, 86_400)
    for reached in range(1, 51):
        reporting.see({name: AWAY if name < f"d{reached:02}" else {} for name in names}, after=6.0)
    reporting.lasting(dict.fromkeys(names, AWAY), 3_600)

    assert ["d00: not ready (Unavailable)", "11 datasets: not ready (Unavailable)"] == titles(reporting.sent)


def test_a_message_names_the_first_datasets_and_how_many_there_are():
    notices = Reporting().lasting({f"d{number}": AWAY for number in range(8)}, WAIT_SECONDS)

    assert ("d0", "d1", "d2", "d3", "d4") == notices[0].datasets
    assert (NAMED + 1, 8) == (len(notices[0].text.splitlines()), notices[0].number)
    assert ["d0: AWS did not answer", "and 3 more"] == [notices[0].text.splitlines()[n] for n in (0, -1)]


def test_what_passes_at_once_is_not_reported():
    reporting = Reporting()
    reporting.lasting({"d": AWAY}, WAIT_SECONDS - 6)

    assert [] == reporting.lasting({"d": {}}, 3_600)
    assert {} == reporting.incidents


def test_a_busy_dataset_is_reported_once_it_is_busy_for_long():
    reporting, busy = Reporting(), {"d": {"DatasetBusy": "another operation"}}

    assert [] == reporting.lasting(busy, BUSY_SECONDS - 10)
    assert ["d: not ready (DatasetBusy)"] == titles(reporting.lasting(busy, 60))


def test_another_failure_in_place_of_the_first_is_no_recovery():
    reporting = Reporting()
    reporting.lasting({"d": AWAY}, WAIT_SECONDS)
    reporting.lasting({"d": BLOCKED}, WAIT_SECONDS)

    assert ["d: not ready (Unavailable)", "d: not ready (BlockedByGuard)"] == titles(reporting.sent)


def test_datasets_that_are_blocked_later_are_reported_later():
    """Each block has a reason of its own, and is not taken for part of the first."""
    reporting = Reporting()
    reporting.lasting({"a": BLOCKED, "b": {}}, WAIT_SECONDS)
    assert [] == reporting.lasting({"a": BLOCKED, "b": BLOCKED}, AGAIN_SECONDS - WAIT_SECONDS)

    assert ["b: not ready (BlockedByGuard)"] == titles(reporting.lasting({"a": BLOCKED, "b": BLOCKED}, 120))
    assert ["a: recovered (BlockedByGuard)"] == titles(
        reporting.lasting({"a": {}, "b": BLOCKED}, AGAIN_SECONDS)
    )


def test_a_later_victim_of_an_outage_is_reported():
    reporting = Reporting()
    reporting.lasting({"a": AWAY, "b": {}}, WAIT_SECONDS + SPREAD_SECONDS)

    assert ["b: not ready (Unavailable)"] == titles(
        reporting.lasting({"a": AWAY, "b": AWAY}, WAIT_SECONDS + 4)
    )


def test_a_failure_that_returns_before_its_end_is_reported_is_the_same():
    reporting = Reporting()
    reporting.lasting({"a": BLOCKED}, WAIT_SECONDS)
    reporting.lasting({"a": {}}, WAIT_SECONDS - 6)

    assert [] == reporting.lasting({"a": BLOCKED}, 3_600)
    assert ["a: recovered (BlockedByGuard)"] == titles(reporting.lasting({"a": {}}, 3_600))


def test_a_recovery_waits_for_others_that_were_reported():
    """Those that recover one after the other are one message; one that has just failed is not waited for."""
    reporting = Reporting()
    reporting.lasting({"a": BLOCKED, "b": BLOCKED}, WAIT_SECONDS)
    assert [] == reporting.lasting({"a": {}, "b": BLOCKED}, AGAIN_SECONDS - 10)
    reporting.lasting({"a": {}, "b": {}}, WAIT_SECONDS - 10)

    assert ["2 datasets: recovered (BlockedByGuard)"] == titles(
        reporting.lasting({"a": {}, "b": {}, "c": BLOCKED}, 12)
    )


def test_the_same_message_later_has_another_id():
    """A receiver that has seen the first drops the second otherwise."""
    reporting = Reporting()
    for causes in (BLOCKED, {}, BLOCKED):
        reporting.lasting({"a": causes}, WAIT_SECONDS + 4)

    first, _, again = reporting.sent
    assert (first.title, first.id != again.id) == (again.title, True)


def test_quiet_hours_withhold_all_but_failures():
    """Afterwards what still holds is reported, and what passed in them is not."""
    reporting, both = Reporting(), {"a": DRIFT, "b": DRIFT, "c": BLOCKED}
    assert ["c: not ready (BlockedByGuard)"] == titles(reporting.lasting(both, 600, quiet=True))
    assert [] == reporting.lasting({"a": DRIFT, "b": {}, "c": {}}, 600, quiet=True)

    assert ["c: recovered (BlockedByGuard)", "a: changed in AWS outside git"] == titles(
        reporting.lasting({"a": DRIFT, "b": {}, "c": {}}, 600)
    )


def test_a_dataset_that_left_the_specs_did_not_recover():
    reporting = Reporting()
    reporting.lasting({"a": AWAY}, WAIT_SECONDS)

    assert [] == reporting.lasting({}, 3_600)
    assert {} == reporting.incidents


def test_the_source_is_reported_as_itself():
    reporting = Reporting()
    reporting.lasting({SOURCE: {"SourceUnavailable": "no such branch"}}, WAIT_SECONDS)
    reporting.lasting({SOURCE: {}}, WAIT_SECONDS + 4)

    assert [
        "source of the specs: not ready (SourceUnavailable)",
        "source of the specs: recovered (SourceUnavailable)",
    ] == titles(reporting.sent)
    assert "source of the specs: no such branch" == reporting.sent[0].text
    assert ((), 0) == (reporting.sent[0].datasets, reporting.sent[0].number)


def test_a_message_is_short_and_has_one_line_for_a_dataset():
    (notice,) = Reporting().lasting({"a": {"Failed": "first\nsecond " + "x" * 10_000}}, WAIT_SECONDS)

    assert notice.text.startswith("a: first second x")
    assert len(notice.text) == MAX_CHARACTERS + len("a: ")


def test_a_clock_that_was_set_back_withholds_nothing():
    reporting = Reporting()
    reporting.see({"a": AWAY})

    assert ["a: not ready (Unavailable)"] == titles(reporting.see({"a": AWAY}, after=-86_400.0))


NAMES = st.sampled_from("abcd")
SEEN = st.dictionaries(NAMES, st.sampled_from([{}, AWAY, BLOCKED, DRIFT, {**AWAY, **DRIFT}]), max_size=4)
STEPS = st.lists(st.tuples(SEEN, st.sampled_from([2.0, 59.0, 300.0, 901.0]), st.booleans()), max_size=30)


@given(STEPS)
def test_whatever_happens_no_state_is_reported_twice(steps):
    """For a dataset and a cause, a report of it and one of its recovery take turns; the state is always known."""
    reporting, reports = Reporting(), Counter[tuple[str, str]]()
    for found, after, quiet in steps:
        present = {name for name, causes in found.items() for _ in causes}
        notices = reporting.see(found, after=after, quiet=quiet)
        for name, cause in list(reports):
            over = any(n.cause == cause and n.level is Level.RECOVERY for n in notices)
            if not over and (name not in found or cause not in causes_of_incidents(reporting, name)):
                del reports[name, cause]  # it left the specs, or another failure took the place of the first
        for notice in notices:
            for name in notice.datasets:
                change = -1 if notice.level is Level.RECOVERY else 1
                reports[name, notice.cause] += change
                assert reports[name, notice.cause] in (0, 1), notice
                assert (notice.cause in found[name]) is (notice.level is not Level.RECOVERY)
            assert present or notice.level is Level.RECOVERY
            assert not quiet or notice.level is Level.FAILURE
        # An outage is reported once for all that it reaches.
        for cause, incident in reporting.incidents.items():
            reports |= {(name, cause): 1 for name, member in incident.members.items() if member.is_reported}
        assert {} == {name: causes for name, causes in known(reporting, found) if causes != set(found[name])}


def causes_of_incidents(reporting: Reporting, name: str) -> set[str]:
    return {cause for cause, incident in reporting.incidents.items() if name in incident.members}


def known(reporting: Reporting, found: dict[str, dict[str, str]]) -> list[tuple[str, set[str]]]:
    return [(name, set(causes_before(reporting.incidents, name))) for name in found]


@given(STEPS, SEEN)
def test_in_the_end_everything_that_holds_is_reported_and_nothing_else(steps, last):
    """Once nothing changes any more, silence follows, and every cause has been reported."""
    reporting = Reporting()
    for found, after, quiet in steps:
        reporting.see(found, after=after, quiet=quiet)
    for _ in range(5):
        reporting.see(last, after=901.0)

    assert [] == reporting.see(last, after=901.0)
    assert {(name, cause) for name, causes in last.items() for cause in causes} == {
        (name, cause)
        for cause, incident in reporting.incidents.items()
        for name, member in incident.members.items()
        if member.is_reported and member.gone_at is None
    }


@given(STEPS)
def test_a_message_has_one_id_and_no_two_have_the_same(steps):
    reporting = Reporting()
    for found, after, quiet in steps:
        reporting.see(found, after=after, quiet=quiet)

    assert len(reporting.sent) == len({notice.id for notice in reporting.sent})
