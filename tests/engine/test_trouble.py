"""Commits, console edits, faults and kills in any order end in convergence."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reconciler.core.planning.quarantine import MAX_PAUSE_SECONDS
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.behaviour.switches import (
    BusyListing,
    ConcurrentUpdate,
    FailedUpdate,
    Rewriting,
    Switches,
)
from reconciler.errors import GatewayError
from reconciler.state import State
from tests.builders import classified, ref
from tests.engine.conftest import Lab, make_lab
from tests.engine.dataset.test_send import Killed, Mortal, collisions

NAMES = [f"{letter}{number}" for letter in "abc" for number in range(4)]
LABELS = ["rose", "tulip", "daisy"]
UPDATES = frozenset({"UpdateDatasetEntries"})
PASSING = [
    *(Kind.CUT_BEFORE, Kind.CUT_AFTER, Kind.INTERNAL_ERROR, Kind.UNAVAILABLE, Kind.GARBAGE),
    Kind.FAIL_SERVICE,
]


class Trouble(RuleBasedStateMachine):
    """A state machine: after any trouble one quiet apply converges, except for the entries it names."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="trouble-"))
        self.context = make_lab(self.directory)
        self.lab: Lab = self.context.__enter__()
        self.desired: dict[str, str] = {}
        self.theirs = 0  # updates of the other client that met one in flight
        self.poison: list[Fault] = []

    @initialize(
        concurrent=st.sampled_from(list(ConcurrentUpdate)),
        busy=st.sampled_from(list(BusyListing)),
        failed=st.sampled_from(list(FailedUpdate)),
        rewriting=st.sampled_from(list(Rewriting)),
    )
    def begin(self, concurrent, busy, failed, rewriting) -> None:
        """Draw a value for every switch of the emulator."""
        switches = Switches(
            concurrent_update=concurrent, busy_listing=busy, failed_update=failed, rewriting=rewriting
        )
        self.lab.emulator.settings = dataclasses.replace(
            self.lab.emulator.settings, switches=switches, update_seconds=3.0
        )
        self.commit(dict.fromkeys(NAMES[:3], "rose"))
        self.lab.apply()
        self.arn = self.lab.arn  # asked before any fault is planted, which would strike the question

    @rule(names=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(LABELS), min_size=1))
    def commit(self, names: dict[str, str]) -> None:
        self.desired = names
        lines = [classified(name, label) for name, label in names.items()]
        self.lab.write(*lines, limits="{maxChangeRatio: 1.0}")

    @rule(name=st.sampled_from(NAMES), label=st.sampled_from(LABELS))
    def edit_in_the_console(self, name: str, label: str) -> None:
        self.lab.emulator.console.put(self.arn, orjson.loads(classified(name, label)))

    @rule(name=st.sampled_from(NAMES), label=st.sampled_from(LABELS))
    def another_client_updates(self, name: str, label: str) -> None:
        before = len(collisions(self.lab))
        with suppress(GatewayError):
            self.lab.context.gateway.update(self.arn, classified(name, label) + b"\n")
        self.theirs += len(collisions(self.lab)) - before

    @rule(kind=st.sampled_from(PASSING), after=st.integers(0, 2))
    def a_call_goes_wrong(self, kind: Kind, after: int) -> None:
        operations = UPDATES if kind is Kind.FAIL_SERVICE else frozenset()
        self.lab.emulator.faults.add(Fault(kind=kind, operations=operations, after=after))

    @rule(name=st.sampled_from(NAMES), together=st.booleans())
    def a_line_is_poisoned(self, name: str, together: bool) -> None:
        kind = Kind.POISON_TOGETHER if together else Kind.POISON
        names = {name, NAMES[0]} if together else {name}
        self._plant(Fault(kind=kind, source_refs=frozenset(map(ref, names))))

    @rule(name=st.sampled_from(NAMES))
    def a_line_makes_the_service_fail(self, name: str) -> None:
        self._plant(Fault(kind=Kind.FAIL_SERVICE, source_refs=frozenset({ref(name)}), times=0))

    def _plant(self, fault: Fault) -> None:
        self.poison.append(fault)
        self.lab.emulator.faults.add(fault)

    @rule()
    def apply(self) -> None:
        self.lab.apply()

    @rule(at=st.integers(1, 30), after=st.booleans())
    def apply_and_die(self, at: int, after: bool) -> None:
        whole = self.lab.context
        self.lab.context = dataclasses.replace(whole, gateway=Mortal(whole.gateway, at, after=after))
        try:
            self.lab.apply()
        except Killed:
            pass
        finally:
            whole.memory.close()
            self.lab.context = dataclasses.replace(whole, memory=State(self.lab.state_dir))

    @rule()
    def the_state_is_lost(self) -> None:
        self.lab.forget_everything()

    @invariant()
    def nothing_is_sent_while_an_update_is_in_flight(self) -> None:
        """No update is sent while another is in progress: such refusals are not among the planted faults."""
        assert len(collisions(self.lab)) <= self.theirs

    def teardown(self) -> None:
        try:
            self._ends_well()
        finally:
            self.context.__exit__(None, None, None)
            shutil.rmtree(self.directory)

    def _ends_well(self) -> None:
        """Check the end twice: once with only the poison left, and once without any fault."""
        self.lab.emulator.faults.clear()
        for fault in self.poison:
            self.lab.emulator.faults.add(fault)
        self.lab.clock.sleep(2 * MAX_PAUSE_SECONDS)
        result = self.lab.apply()

        named = {trouble.source_ref for trouble in (*result.quarantined, *result.dropped, *result.rejected)}
        assert named == self._left()
        assert (Verdict.PARTIAL if named else Verdict.CONVERGED) is result.verdict
        culprits = {ref for fault in self.poison for ref in fault.source_refs}
        assert named <= culprits or self._all_fail()

        self.lab.emulator.faults.clear()
        self.lab.clock.sleep(2 * MAX_PAUSE_SECONDS)
        first, second = self.lab.apply(), self.lab.apply()
        assert (Verdict.CONVERGED, Verdict.CONVERGED, 0) == (first.verdict, second.verdict, second.updates)
        assert set() == self._left()

    def _left(self) -> set[str]:
        """Return what is desired and not in place."""
        different = {change.source_ref for change in self.lab.plan().changes}
        return different & set(map(ref, self.desired))

    def _all_fail(self) -> bool:
        """Return whether lines may be left over because the service looks down: it fails by its own fault."""
        return any(fault.kind is Kind.FAIL_SERVICE for fault in self.poison)


TestTrouble = pytest.mark.slow(Trouble.TestCase)
Trouble.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
