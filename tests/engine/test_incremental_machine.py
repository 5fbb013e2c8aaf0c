"""Whatever happens, an observation by memory shows what a listing at that moment would have shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from reconciler.core.planning.plan import DatasetPlan
from reconciler.engine.usecases import each_dataset, reading
from reconciler.ports import Description, Gateway
from reconciler.sources import directory
from reconciler.state import State
from tests.builders import classified
from tests.engine.conftest import Lab, make_lab

NAMES = [f"n{number:03}" for number in range(250)]  # three pages, so that a filter is cheaper
SOME = st.sampled_from([*NAMES[:4], *NAMES[-4:]])
STRANGERS = st.sampled_from(["x1", "x2", "n1000"])
LABELS = st.sampled_from(["rose", "tulip", "daisy"])
POLICIES = st.sampled_from(
    [{}, {"onDrift": "report"}, {"orphans": "blank"}, {"compare": "labels"}, {"mode": "observe"}]
)


class Killed(BaseException):
    """The process ends at once."""


class Beset:
    """
    A gateway beside which something happens at one of its calls.

    Args:
        at: Number of the call, from 0.
        strike: Called just before that call, with whether DescribeDataset leaves a window there: from the start of
            an update until it shows that the update has ended.
        after: Whether to strike just after it instead.
    """

    def __init__(
        self, gateway: Gateway, at: int, strike: Callable[[bool], object], *, after: bool = False
    ) -> None:
        self._gateway = gateway
        self._left = at
        self._strike = strike
        self._after = after
        self._described: Description | None = None
        self._in_window = False

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._gateway, name)

        def call(*args: Any) -> Any:
            self._before(name)
            result = inner(*args)
            if name == "describe":
                self._in_window &= result == self._described or not result.phase.settled
                self._described = result
            self._ended()
            return result

        return call

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        rest = self._gateway.pages(arn, contains)
        while True:
            self._before("pages")
            page = next(rest, None)
            self._ended()
            if page is None:
                return
            yield page

    def _before(self, name: str) -> None:
        self._in_window |= name == "update"
        self._left -= 1
        if self._left == -1 and not self._after:
            self._strike(self._in_window)

    def _ended(self) -> None:
        if self._left == -1 and self._after:
            self._strike(self._in_window)


class Shown(NamedTuple):
    """What a plan says of AWS and of what an apply would do."""

    changes: object
    counts: object
    errored: object
    gap: str | None
    errors: object


def shown(plan: DatasetPlan) -> Shown:
    changes = [(c.source_ref, c.action, c.cause, c.change.before, c.sent, c.fields) for c in plan.changes]
    return Shown(changes, plan.counts, plan.errored, plan.gap, plan.errors)


class Memory(RuleBasedStateMachine):
    """An apply and a listing of the same dataset, at random moments of a random history."""

    switches: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        place = self._stack.enter_context(TemporaryDirectory())
        self.lab: Lab = self._stack.enter_context(make_lab(Path(place)))
        emulator = self.lab.emulator
        switches = dataclasses.replace(emulator.settings.switches, **self.switches)
        emulator.settings = dataclasses.replace(emulator.settings, switches=switches)
        self.desired = dict.fromkeys(NAMES, "rose")
        self.policy: dict[str, str] = {}

    def teardown(self) -> None:
        self._stack.close()

    @initialize()
    def applied(self) -> None:
        self._write()
        self.lab.apply()

    @rule(name=SOME, label=LABELS)
    def edit_git(self, name: str, label: str) -> None:
        self.desired[name] = label
        self._write()

    @rule(name=STRANGERS)
    def add_to_git(self, name: str) -> None:
        self.desired[name] = "rose"
        self._write()

    @rule(name=SOME)
    def remove_from_git(self, name: str) -> None:
        self.desired.pop(name, None)
        self._write()

    @rule(policy=POLICIES)
    def change_the_policy(self, policy: dict[str, str]) -> None:
        self.policy = policy
        self._write()

    @rule(name=SOME | STRANGERS, label=LABELS)
    def edit_in_the_console(self, name: str, label: str) -> None:
        self._put(name, label)

    @rule(seconds=st.sampled_from([1.0, 120.0, 4 * 3_600.0]))
    def wait(self, seconds: float) -> None:
        self.lab.clock.sleep(seconds)

    @rule()
    def lose_the_state(self) -> None:
        self.lab.forget_everything()

    @rule()
    def apply(self) -> None:
        self.lab.apply()
        self._check()

    @rule(at=st.integers(0, 12), name=SOME, label=LABELS)
    def apply_while_somebody_edits(self, at: int, name: str, label: str) -> None:
        """Only an image that is new tells in the window that DescribeDataset leaves beside an update."""

        def strike(in_window: bool) -> None:
            self._put(f"w{self.lab.clock.now()}" if in_window else name, label)

        self._beset(at, strike)
        self._check()

    @rule(at=st.integers(0, 12), after=st.booleans())
    def kill_an_apply(self, at: int, after: bool) -> None:
        def strike(*_: str) -> None:
            raise Killed

        with suppress(Killed):
            self._beset(at, strike, after=after)
        self.lab.context.memory.close()
        self.lab.context = dataclasses.replace(self.lab.context, memory=State(self.lab.state_dir))
        self._check()

    @rule()
    def plan(self) -> None:
        self._check()

    def _beset(self, at: int, strike: Callable[[bool], object], *, after: bool = False) -> None:
        context = self.lab.context
        gateway = Beset(context.gateway, at, strike, after=after)
        self.lab.context = dataclasses.replace(context, gateway=gateway)
        try:
            self.lab.apply()
        finally:
            self.lab.context = context

    def _write(self) -> None:
        lines = (classified(*item) for item in self.desired.items())
        self.lab.write(*lines, limits="{maxChangeRatio: 1}", **self.policy)

    def _put(self, name: str, label: str) -> None:
        self.lab.clock.sleep(5.0)
        self.lab.emulator.console.put(self.lab.arn, orjson.loads(classified(name, label)))
        self.lab.clock.sleep(5.0)  # beyond every lag of the switches below

    def _check(self) -> None:
        by_memory = self._planned(full=False)
        listed = self._planned(full=True)
        if by_memory.gap and listed != by_memory:  # it said that it could not see all; time has passed since
            by_memory = self._planned(full=False)
        assert listed == by_memory

    def _planned(self, *, full: bool) -> Shown:
        context, settles = dataclasses.replace(self.lab.context, full=full), self.lab.settles
        self.lab.settles = settles and not full
        with closing(self.lab.desired()) as desired:
            (plan,) = each_dataset.plan_each([desired], lambda _: context)
        self.lab.settles = settles
        return shown(plan)


@pytest.mark.parametrize(
    "examples", [6, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_memory_shows_what_a_listing_would(examples: int):
    """Edits in git and in the console at any call, kills at any call and lost state never make them differ."""
    _run(Memory, examples)


class Settled(Memory):
    """The same, where what was found in the spec files is remembered as well."""

    def __init__(self) -> None:
        super().__init__()
        self.lab.settles = True


@pytest.mark.parametrize(
    "examples", [2, pytest.param(30, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_memory_of_specs_shows_what_reading_them_would(examples: int, monkeypatch: pytest.MonkeyPatch):
    """A plan that relies on specs and entries that are both remembered is the one that reads everything."""
    monkeypatch.setattr(reading, "REMEMBERED_BYTES", 0)
    monkeypatch.setattr(directory, "FINE_TICK_NS", 12_000_000)  # a little more than the longest tick of Linux
    _run(Settled, examples)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "switches",
    [{"stale_describe_ms": 3_000}, {"late_effect_ms": 3_000}, {"listing_lag_ms": 3_000}, {"count_excess": 1}],
    ids=str,
)
def test_memory_shows_what_a_listing_would_where_answers_lag(switches: dict[str, int]):
    """A status, an effect or a listing that lags behind our update, or a count that is off, misleads nobody."""
    _run(type("Lagging", (Memory,), {"switches": switches}), 12)


def _run(machine: type[Memory], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
