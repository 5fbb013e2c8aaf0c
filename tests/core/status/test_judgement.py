"""The conditions of a dataset, for each state that it can be in."""

from __future__ import annotations

import pytest

from reconciler.core.status.conditions import ConditionType, FailureReason, Reason
from reconciler.core.status.judgement import Facts, judge
from reconciler.core.status.result import Verdict

DENIED = FailureReason(Reason.DENIED, "no access")
INVALID = FailureReason(Reason.INVALID, "a line is wrong")
THROTTLED = FailureReason(Reason.THROTTLED, "slow down")
AWAY = FailureReason(Reason.SOURCE_UNAVAILABLE, "away")

SHOWN = (
    ConditionType.READY,
    ConditionType.OBSERVED,
    ConditionType.IN_SYNC,
    ConditionType.DRIFTED,
    ConditionType.RECONCILING,
    ConditionType.STALLED,
    ConditionType.DEGRADED,
)


def shown(facts: Facts) -> str:
    """Return the first letters of the statuses, in the order of SHOWN."""
    statuses = {condition.kind: condition.status.value[0] for condition in judge(facts)}
    return "".join(statuses[kind] for kind in SHOWN)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(Facts(), "UUUUTFU", id="nothing-yet"),
        pytest.param(Facts(verdict=Verdict.CONVERGED), "TTTFFFF", id="converged"),
        pytest.param(Facts(verdict=Verdict.CONVERGED, outdated=True), "TTTFTFF", id="new-revision"),
        pytest.param(Facts(verdict=Verdict.WITHHELD, pending=True), "TTFFFFF", id="withheld"),
        pytest.param(Facts(verdict=Verdict.WITHHELD, pending=True, drifted=True), "TTFTFFF", id="drifted"),
        pytest.param(Facts(verdict=Verdict.OBSERVED, pending=True), "TTFFFFF", id="observed"),
        pytest.param(
            Facts(verdict=Verdict.WITHHELD, pending=True, suspension="why"),
            "FTFFFFF",
            id="applying-suspended",
        ),
        pytest.param(
            Facts(verdict=Verdict.CONVERGED, suspension="why"), "TTTFFFF", id="suspended-and-in-place"
        ),
        pytest.param(
            Facts(verdict=Verdict.WITHHELD, pending=True, not_selected=True), "FTFFFFF", id="not-selected"
        ),
        pytest.param(Facts(verdict=Verdict.CONVERGED, left_out=True), "FTFFFFT", id="left-out"),
        pytest.param(Facts(verdict=Verdict.PARTIAL, left_out=True), "FTFFFFT", id="partial"),
        pytest.param(Facts(verdict=Verdict.BLOCKED, failure=DENIED, pending=True), "FTFFFTF", id="blocked"),
        pytest.param(Facts(verdict=Verdict.FAILED, failure=INVALID), "FUUUFTU", id="invalid"),
        pytest.param(Facts(verdict=Verdict.FAILED, failure=THROTTLED, pending=True), "FTFFTFF", id="failed"),
        pytest.param(Facts(verdict=Verdict.FAILED, pending=True), "FTFFFFF", id="failed-for-no-reason"),
        pytest.param(Facts(verdict=Verdict.CONVERGED, failure=INVALID), "FTTFFTF", id="invalid-since"),
        pytest.param(Facts(verdict=Verdict.UNKNOWN, failure=DENIED), "FFUUFTU", id="denied"),
        pytest.param(Facts(verdict=Verdict.UNKNOWN, failure=THROTTLED), "UFUUTFU", id="throttled"),
        pytest.param(Facts(verdict=Verdict.UNKNOWN), "UFUUFFU", id="unknown"),
        pytest.param(Facts(verdict=Verdict.CONVERGED, suspended=True), "UUUUFFU", id="suspended"),
        pytest.param(Facts(verdict=Verdict.CONVERGED, source_failure=AWAY), "FTTFFFF", id="no-source"),
        pytest.param(
            Facts(verdict=Verdict.UNKNOWN, failure=DENIED, suspended=True),
            "UUUUFFU",
            id="suspended-and-denied",
        ),
        pytest.param(Facts(verdict=Verdict.CONVERGED, incomplete=True), "TUUFFFF", id="incomplete"),
        pytest.param(
            Facts(verdict=Verdict.WITHHELD, pending=True, incomplete=True), "TUFFFFF", id="more-to-do"
        ),
        pytest.param(Facts(pending=True, applying=True), "UTFFTFF", id="first-apply"),
        pytest.param(
            Facts(verdict=Verdict.CONVERGED, pending=True, drifted=True, applying=True),
            "UTFTTFF",
            id="reverting",
        ),
        pytest.param(
            Facts(verdict=Verdict.OBSERVED, pending=True, unattributed=True), "TTFUFFF", id="unattributed"
        ),
    ],
)
def test_each_state_has_its_conditions(facts: Facts, expected: str) -> None:
    """Nothing is True or False that the state does not show, and nothing it shows is left Unknown."""
    assert expected == shown(facts)
