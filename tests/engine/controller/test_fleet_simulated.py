"""A fleet under random kills and freezes, over simulated time."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from reconciler.core.runtime.fleet import CLOCK_RATE_ERROR
from reconciler.core.spec.documents import Target
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.fleet import HAND_OVER_SECONDS, Fleet
from reconciler.engine.controller.registry import Ownership, Registry
from reconciler.errors import NotLeader
from tests.engine.fleets import RENEW, TIMING, Door, Home, Store, target

ACCOUNTS, DATASETS, MEMBERS = 50, 1_000, 8
INTERVAL = 300.0
TICK = 1.0
TAKE_OVER = TIMING.duration_seconds * (1 + CLOCK_RATE_ERROR) + 2 * RENEW + 5
"""How long the partitions of a member that died may be without an owner, with clocks that are that wrong."""

TARGETS = {f"dataset-{number}": target(f"{number % ACCOUNTS:012}") for number in range(DATASETS)}


class UnjudgedRegistry(Registry):
    """A registry whose conditions are not read: they would cost more than all that is simulated."""

    def judge(self, state: DatasetState) -> None: ...


@dataclass
class Write:
    member: str
    ends_at: float


class Member:
    """One process: a clock of its own, a fleet, and cycles that take time."""

    def __init__(self, name: str, store: Store, now: float, dice: random.Random) -> None:
        self.name = name
        self.rate = 1 + dice.uniform(-CLOCK_RATE_ERROR, CLOCK_RATE_ERROR) / 2
        self.offset = dice.uniform(0, 1e6)
        self.now = now
        self.frozen_until = 0.0
        self.steps_at = now + dice.uniform(0, 1)
        self.running: dict[str, Target] = {}
        self.ends: dict[str, float] = {}
        self.calls: dict[str, float] = {}
        self.door = Door(store)
        self.fleet = Fleet(self.door, name, TIMING, Home(), self.seconds, self.seconds)
        self.registry = UnjudgedRegistry("specs", self.seconds, self.seconds, fleet=self.fleet)
        self.registry.fingerprint = "read"
        loaded = {name: SimpleNamespace(target=one) for name, one in TARGETS.items()}
        self.registry.states = {
            name: DatasetState(name, one, is_elsewhere=True)  # type: ignore[arg-type]
            for name, one in loaded.items()
        }
        self.ownership = Ownership(self.fleet, self.registry, self.running)

    def seconds(self) -> float:
        return self.offset + self.now * self.rate

    def permitted(self, one: Target, *, writes: bool) -> bool:
        try:
            self.fleet.permit(one, writes=writes)
        except NotLeader:
            return False
        return True


class Simulation:
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.store = Store()
        self.now = 0.0
        self.started = 0
        self.members = [self._member() for _ in range(MEMBERS)]
        self.writes: dict[str, Write] = {}
        self.double = 0
        self.visited: dict[str, float] = dict.fromkeys(TARGETS, 0.0)
        self.longest = 0.0
        self.owner: dict[str, str] = {}
        self.moves, self.least = 0, 0.0

    def _member(self) -> Member:
        self.started += 1
        return Member(f"pod-{self.started}", self.store, self.now, self.dice)

    def run(self, seconds: float, faults: bool = True) -> None:
        ends = self.now + seconds
        while self.now < ends:
            self.now += TICK
            if faults and self.dice.random() < TICK / 240:
                self._fault()
            for member in self.members:
                if member.frozen_until <= self.now:
                    member.now = self.now
                    self._live(member)
            self._count()

    def _fault(self) -> None:
        """Kill a member, which is replaced by another, or freeze one; most of them stay well."""
        well = [member for member in self.members if member.frozen_until <= self.now]
        if len(well) <= MEMBERS - 2:
            return
        victim = self.dice.choice(well)
        if self.dice.random() < 0.5:
            self._left(victim)
            self.members.remove(victim)
            self.members.append(self._member())
            self.least += ACCOUNTS / MEMBERS
        else:
            length = self.dice.uniform(5, 4 * TIMING.duration_seconds)
            victim.frozen_until = self.now + length
            if length > TIMING.duration_seconds:
                self._left(victim)
                self.least += ACCOUNTS / MEMBERS  # and it comes back

    def _left(self, member: Member) -> None:
        self.least += sum(owner == member.name for owner in self.owner.values())

    def _live(self, member: Member) -> None:
        """Let a member do what it does in one tick."""
        for name, end in list(member.ends.items()):
            one = TARGETS[name]
            if member.calls.get(name, 0.0) > self.now:
                continue  # a call is answered before anything else happens in its cycle
            if end <= self.now or not member.permitted(one, writes=False):
                del member.ends[name], member.running[name]
                member.registry.states[name].running = False
                member.registry.states[name].due = member.seconds() + INTERVAL * member.rate
            elif self.dice.random() < 0.2 and member.permitted(one, writes=True):
                member.calls[name] = self._write(member, one)
        if self.now >= member.steps_at:
            member.fleet.step(member.ownership)
            leaving = any(holding.leaving for holding in member.fleet._holdings.values())
            member.steps_at = self.now + (HAND_OVER_SECONDS if leaving else RENEW)
        now, spent = member.seconds(), Counter[str]()
        for name, state in member.registry.states.items():
            if state.is_elsewhere or state.due > now or state.running:
                continue
            one = TARGETS[name]
            if spent[one.account_id or ""] >= 5 or not member.permitted(one, writes=False):
                continue
            spent[one.account_id or ""] += 1
            self.longest = max(self.longest, self.now - self.visited[name])
            self.visited[name] = self.now
            state.due = now + INTERVAL * member.rate
            if self.dice.random() < 0.05:  # an apply, of up to two minutes
                state.running = True
                member.running[name] = one
                member.ends[name] = self.now + self.dice.uniform(5, 120)

    def _write(self, member: Member, one: Target) -> float:
        """Send a call that takes as long as one may, even if the member does not see its end; return its end."""
        before = self.writes.get(one.account_id or "")
        if before is not None and before.member != member.name and before.ends_at > self.now:
            self.double += 1
        length = self.dice.uniform(0, member.fleet.call_seconds / member.rate)
        since = before.ends_at if before is not None and before.member == member.name else 0.0
        self.writes[one.account_id or ""] = Write(member.name, max(since, self.now + length))
        return self.now + length

    def _count(self) -> None:
        """Count owners: there is at most one, and each that differs from the one before is a move."""
        owners = defaultdict(list)
        for member in self.members:
            if member.frozen_until <= self.now:
                for partition in member.fleet._owned():
                    owners[partition.account].append(member.name)
        for account, names in owners.items():
            self.double += len(names) - 1
            if account in self.owner and self.owner[account] != names[0]:
                self.moves += 1
            self.owner[account] = names[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_fleet_survives_kills_and_freezes(seed: int):
    """
    A partition never has two owners, every dataset is observed in time, and few partitions move.

    In an hour about 15 of 8 members are killed or frozen. The least number of moves is what the members that
    left had owned, and an equal share for each that came.
    """
    simulation = Simulation(seed)
    simulation.run(60, faults=False)
    assert set(simulation.owner) == {f"{number:012}" for number in range(ACCOUNTS)}
    assert 0 == simulation.moves  # they started together

    simulation.run(3_600)

    assert simulation.started > MEMBERS
    assert 0 == simulation.double
    assert simulation.longest <= INTERVAL + 2 * TAKE_OVER, simulation.longest
    assert 0 < simulation.moves <= 1.2 * simulation.least, (simulation.moves, simulation.least)


@pytest.mark.slow
def test_an_outage_of_the_cluster_moves_nothing():
    """While the leases cannot be renewed nothing is observed; afterwards every owner goes on with its own."""
    simulation = Simulation(4)
    simulation.run(120, faults=False)
    before = dict(simulation.owner)
    for member in simulation.members:
        member.door.failure = True

    simulation.run(400, faults=False)
    assert not any(
        member.permitted(one, writes=False) for member in simulation.members for one in TARGETS.values()
    )
    for member in simulation.members:
        member.door.failure = False
    simulation.run(60, faults=False)

    assert before == simulation.owner
    assert (0, 0) == (simulation.double, simulation.moves)
    assert simulation.longest <= 400 + INTERVAL + TAKE_OVER
