"""The states of a commit: pending, and then one that is final."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.spec.choices import ClosedBy
from reconciler.core.spec.policy import Closure
from reconciler.core.status.commit_states import (
    MAX_ATTEMPTS,
    MAX_DATASETS,
    NOTHING_POSTED,
    CommitOutcome,
    CommitPhase,
    CommitState,
    changes,
    outcome,
)
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.judgement import Facts, judge
from reconciler.core.status.result import Verdict

A, B = "a" * 40, "b" * 40
TO_GO = CommitOutcome(CommitPhase.PENDING, "", "not in place yet")
RETRIED = CommitOutcome(CommitPhase.PENDING, "Unavailable", "Unavailable: AWS did not answer")
DONE = CommitOutcome(CommitPhase.SUCCESS, "", "AsDesired: observed as desired")
BLOCKED = CommitOutcome(CommitPhase.FAILURE, "BlockedByGuard", "BlockedByGuard: too many changes")


def failing(reason: Reason, verdict: Verdict = Verdict.UNKNOWN) -> Facts:
    return Facts(verdict=verdict, failure=FailureReason(reason, "x"))


@pytest.mark.parametrize(
    ("facts", "failures", "attempted", "phase"),
    [
        (Facts(verdict=Verdict.CONVERGED), 0, True, CommitPhase.SUCCESS),
        (Facts(verdict=Verdict.CONVERGED), 0, False, CommitPhase.PENDING),
        (Facts(verdict=Verdict.OBSERVED, pending=True), 0, True, CommitPhase.SUCCESS),
        (Facts(verdict=Verdict.WITHHELD, pending=True), 0, True, CommitPhase.SUCCESS),
        (Facts(verdict=Verdict.WITHHELD, pending=True, closed=Closure(ClosedBy.FREEZE, "audit", None)), 0, True,
         CommitPhase.PENDING),
        (Facts(verdict=Verdict.WITHHELD, pending=True, suspension="audit"), 0, True, CommitPhase.PENDING),
        (Facts(verdict=Verdict.PARTIAL, left_out=True), 0, True, CommitPhase.FAILURE),
        (failing(Reason.BLOCKED, Verdict.BLOCKED), 0, True, CommitPhase.FAILURE),
        (failing(Reason.INVALID, Verdict.FAILED), 0, True, CommitPhase.FAILURE),
        (failing(Reason.INVALID, Verdict.FAILED), 0, False, CommitPhase.PENDING),
        (failing(Reason.DENIED), 1, True, CommitPhase.FAILURE),
        (failing(Reason.UNAVAILABLE), MAX_ATTEMPTS - 1, True, CommitPhase.PENDING),
        (failing(Reason.UNAVAILABLE), MAX_ATTEMPTS, True, CommitPhase.FAILURE),
        (failing(Reason.NEW_REVISION), 9, True, CommitPhase.PENDING),
        (Facts(verdict=Verdict.CONVERGED, applying=True), 0, True, CommitPhase.PENDING),
    ],
)  # fmt: skip
def test_the_phase_of_a_dataset(facts, failures, attempted, phase):
    found = outcome(judge(facts), failures, attempted=attempted)

    assert found is not None
    assert phase is found.phase


def test_a_dataset_that_its_spec_suspends_counts_for_no_commit():
    assert outcome(judge(Facts(suspended=True)), 0, attempted=True) is None


class Host:
    """What a git host was sent, over a sequence of outcomes."""

    def __init__(self, *, whole: bool = True) -> None:
        self.posted = NOTHING_POSTED
        self.sent: list[CommitState] = []
        self.whole = whole

    def see(self, revision: str, **outcomes: CommitOutcome) -> list[tuple[str | None, str]]:
        self.posted, due = changes(self.posted, revision, outcomes, 1.0, whole=self.whole)
        self.sent += due
        return [(one.dataset, one.phase.value) for one in due]


def test_a_commit_is_pending_and_then_final_for_all_and_for_each():
    host = Host()

    assert [(None, "pending")] == host.see(A, x=TO_GO, y=TO_GO)
    assert [("x", "success")] == host.see(A, x=DONE, y=TO_GO)
    assert [] == host.see(A, x=DONE, y=TO_GO)
    assert [(None, "success"), ("y", "success")] == host.see(A, x=DONE, y=DONE)


def test_success_is_final():
    """What happens to the dataset later is not the commit's doing."""
    host = Host()
    host.see(A, x=DONE)

    assert [] == host.see(A, x=BLOCKED)


def test_one_failure_fails_the_commit():
    host = Host()

    assert [(None, "failure"), ("x", "success"), ("y", "failure")] == host.see(A, x=DONE, y=BLOCKED)
    assert "1 of 2 datasets failed: y: BlockedByGuard: too many changes" == host.sent[0].text


def test_a_failure_ends_if_the_same_commit_succeeds():
    """A person lifted the guard for one apply. That it is tried again in between is no news."""
    host = Host()
    host.see(A, x=BLOCKED)

    assert [] == host.see(A, x=TO_GO)
    assert [(None, "success"), ("x", "success")] == host.see(A, x=DONE)


def test_a_failure_that_may_pass_is_shown_once():
    host = Host()
    host.see(A, x=TO_GO)

    assert [(None, "pending")] == host.see(A, x=RETRIED)
    assert "1 of 1 dataset to go: x: Unavailable: AWS did not answer" == host.sent[-1].text
    assert [] == host.see(A, x=TO_GO) + host.see(A, x=RETRIED)


def test_a_pending_commit_names_the_dataset_that_fails():
    host = Host()
    host.see(A, x=TO_GO, y=RETRIED)

    assert "2 of 2 datasets to go: y: Unavailable: AWS did not answer" == host.sent[0].text


def test_a_commit_that_a_newer_one_overtakes_does_not_stay_pending():
    host = Host()
    host.see(A, x=TO_GO)

    assert [(None, "failure"), (None, "pending")] == host.see(B, x=TO_GO)
    assert (A, f"Superseded by {B[:12]} before it was in place") == (host.sent[1].revision, host.sent[1].text)


def test_part_of_a_fleet_posts_states_of_datasets_alone():
    assert [("x", "success")] == Host(whole=False).see(A, x=DONE, y=TO_GO)


def test_of_many_datasets_only_failed_ones_have_states():
    host = Host()
    many = {f"d{number:03}": DONE for number in range(200)}

    assert [(None, "failure"), ("d007", "failure")] == host.see(A, **many | {"d007": BLOCKED})
    assert [(None, "success"), ("d007", "success")] == host.see(A, **many)
    assert 1 + MAX_DATASETS == len(host.see(B, **dict.fromkeys(many, BLOCKED)))


OUTCOMES = st.dictionaries(
    st.sampled_from("xyz"), st.sampled_from([TO_GO, RETRIED, DONE, BLOCKED]), max_size=3
)


@given(st.lists(st.tuples(st.sampled_from([A, B]), OUTCOMES), max_size=20))
def test_each_state_is_posted_once_until_the_commit_changes(steps):
    """After success nothing follows, and no state follows itself but pending, which gets its reason once."""
    host = Host()
    for revision, outcomes in steps:
        before = len(host.sent)
        host.see(revision, **outcomes)
        assert all(len(one.text) > 0 for one in host.sent[before:])
        history: dict[str | None, list[CommitPhase]] = {}
        for one in host.sent:
            if one.revision == revision:
                history.setdefault(one.dataset, []).append(one.phase)
        if all(other == revision for other, _ in steps):
            for phases in history.values():
                assert CommitPhase.SUCCESS not in phases[:-1]
                assert phases.count(CommitPhase.FAILURE) <= 1
                assert phases.count(CommitPhase.PENDING) <= 2
