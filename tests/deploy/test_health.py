"""Argo CD and Flux judge a dataset as kstatus does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.spec.choices import ClosedBy
from reconciler.core.spec.policy import Closure
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.judgement import Facts, judge
from reconciler.core.status.result import Verdict
from tests.kubernetes.health import argo_cd, document, flux, kstatus

FINE = Facts(verdict=Verdict.CONVERGED)


def failing(reason: Reason, verdict: Verdict = Verdict.UNKNOWN) -> Facts:
    return Facts(verdict=verdict, failure=FailureReason(reason, "why"))


def shown(facts: Facts, generation: int = 1) -> dict[str, Any]:
    """Return the object of a dataset with these facts."""
    return {
        "apiVersion": "reconciler.dev/v1",
        "kind": "DatasetStatus",
        "metadata": {"name": "roses", "generation": generation},
        "status": {
            "observedGeneration": 1,
            "conditions": [condition.document() for condition in judge(facts)],
        },
    }


# What is in place is Current, what continues by itself InProgress, and what needs a person Failed.
STATES = {
    "converged": (FINE, "Current", "Healthy"),
    "differences that the policy only reports": (
        replace(FINE, verdict=Verdict.OBSERVED, pending=True, drifted=True), "Current", "Healthy"),
    "outside of its change window": (
        replace(FINE, verdict=Verdict.WITHHELD, pending=True, closed=Closure(ClosedBy.WINDOWS, None, None)),
        "Current", "Healthy"),
    "before the first cycle": (Facts(), "InProgress", "Progressing"),
    "applying": (replace(FINE, applying=True), "InProgress", "Progressing"),
    "a newer revision": (replace(FINE, outdated=True), "InProgress", "Progressing"),
    "throttled": (failing(Reason.THROTTLED), "InProgress", "Progressing"),
    "without an answer of AWS": (failing(Reason.UNAVAILABLE), "InProgress", "Progressing"),
    "entries left out": (
        replace(FINE, verdict=Verdict.PARTIAL, left_out=True), "InProgress", "Progressing"),
    "the specs cannot be read": (
        replace(FINE, source_failure=FailureReason(Reason.SOURCE_UNAVAILABLE, "why")),
        "InProgress", "Progressing"),
    "suspended by the spec": (replace(FINE, suspended=True), "InProgress", "Suspended"),
    "suspended by a person": (replace(FINE, suspension="audit", pending=True), "InProgress", "Suspended"),
    "suspended by a person, in place": (replace(FINE, suspension="audit"), "Current", "Healthy"),
    "denied": (failing(Reason.DENIED), "Failed", "Degraded"),
    "blocked by a guard": (failing(Reason.BLOCKED, Verdict.BLOCKED), "Failed", "Degraded"),
    "an invalid spec": (failing(Reason.INVALID, Verdict.FAILED), "Failed", "Degraded"),
    "a dataset that is not there": (failing(Reason.NOT_FOUND), "Failed", "Degraded"),
    "a dataset that cannot be used": (failing(Reason.UNUSABLE), "Failed", "Degraded"),
}  # fmt: skip

MEANING = {"Healthy": "Current", "Progressing": "InProgress", "Suspended": "InProgress", "Degraded": "Failed"}


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_judged_alike(state: str):
    facts, expected, health = STATES[state]
    found = shown(facts)

    assert (expected, expected, health) == (kstatus(found), flux(found), argo_cd(found)[0])


def every_state() -> Iterator[Facts]:
    failures = [None, *(FailureReason(reason, "why") for reason in (Reason.DENIED, Reason.THROTTLED))]
    sources = [None, FailureReason(Reason.SOURCE_UNAVAILABLE, "why")]
    flags = itertools.product([False, True], repeat=6)
    for verdict, failure, source, person, (a, b, c, d, e, f) in itertools.product(
        [None, *Verdict], failures, sources, [None, "audit"], flags
    ):
        yield Facts(
            source_failure=source,
            suspended=a,
            suspension=person,
            verdict=verdict,
            failure=failure,
            pending=b,
            drifted=b and c,
            left_out=c,
            incomplete=d,
            outdated=e,
            applying=f,
        )


def test_all_three_agree_on_every_combination():
    """Of verdicts, failures, suspensions and what else the conditions are made of."""
    distinct = {str(found["status"]): found for found in map(shown, every_state())}
    answers = {text: (kstatus(o), flux(o), MEANING[argo_cd(o)[0]]) for text, o in distinct.items()}

    assert [] == [(text, found) for text, found in answers.items() if len(set(found)) > 1]
    assert {"Current", "InProgress", "Failed"} == {found[0] for found in answers.values()}


def test_a_status_of_an_earlier_generation_is_in_progress():
    found = shown(FINE, generation=2)

    assert ("InProgress", "InProgress", "Progressing") == (kstatus(found), flux(found), argo_cd(found)[0])


@pytest.mark.parametrize("status", [{}, {"status": {}}])
def test_an_object_without_a_status_is_not_healthy(status: dict[str, Any]):
    """Though kstatus, which knows no better, calls it current."""
    found = {"metadata": {"name": "roses", "generation": 1}, **status}

    assert "Current" not in flux(found)
    assert "Progressing" == argo_cd(found)[0]


def test_argo_cd_says_why():
    """Its message is that of the condition that decides."""
    assert {
        "converged": "observed as desired",
        "blocked by a guard": "why",
        "throttled": "why",
        "suspended by a person": "audit",
        "applying": "AWS is being updated to match git",
    } == {
        state: argo_cd(shown(STATES[state][0]))[1]
        for state in ("converged", "blocked by a guard", "throttled", "suspended by a person", "applying")
    }


def test_the_names_are_those_of_the_resource_definition():
    """A script or an expression for another kind would never be asked."""
    crd = document("components/status-objects/crd.yaml")["spec"]
    kind, api = crd["names"]["kind"], f"{crd['group']}/{crd['versions'][0]['name']}"
    flux_spec = document("flux/health.yaml")["spec"]
    (checked,) = [one for one in flux_spec["healthChecks"] if one["apiVersion"] == api]
    (expressions,) = flux_spec["healthCheckExprs"]

    assert f"resource.customizations.health.{crd['group']}_{kind}" in document("argocd/health.yaml")["data"]
    assert [(kind, api)] * 2 == [(one["kind"], one["apiVersion"]) for one in (checked, expressions)]
