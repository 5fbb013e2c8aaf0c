"""A controller over an emulator whose time advances only when something waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.server import Emulator
from reconciler.engine.controller.cycle_runner import CycleRunner
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.loop import Controller, Signals
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.workers import Inline
from reconciler.engine.dataset.context import Context
from reconciler.errors import Interrupted
from reconciler.ports import Clock, Silence, Tracer, Untraced
from reconciler.sources.blobs import Blobs
from reconciler.sources.directory_source import DirectorySource
from reconciler.state import State
from tests.account import emulated, gateway_of
from tests.builders import classified

SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {{name: {name}}}
spec:
  target: {{project: {name}, type: TRAIN, create: true}}
  entries: [{{file: {name}.jsonl}}]
  policy: {{mode: upsert{policy}}}
  limits: {{maxChangeRatio: 1}}
  schedule: {{interval: {interval}, fullScanMaxAge: {max_age}}}
  suspend: {suspend}
"""


class JumpingTime:
    """
    `MonotonicClock` and `Clock` in one: waiting advances the emulator's time.

    Its monotonic clock is that of a machine which has just started, so that it is never taken for the time of day.
    """

    def __init__(self, time: ManualClock) -> None:
        self._time = time
        self._booted_at = time.now() - 7.0
        self._wall_ahead = 0.0
        self.event = threading.Event()
        self.on_sleep: Callable[[], object] = lambda: None

    @property
    def stopping(self) -> bool:
        return self.event.is_set()

    def seconds(self) -> float:
        return self._time.now() - self._booted_at

    def wall(self) -> float:
        return self._time.now() + self._wall_ahead

    def jump_wall(self, seconds: float) -> None:
        self._wall_ahead += seconds

    now = wall

    def draw(self) -> float:
        return 0.5

    def sleep(self, seconds: float) -> None:
        if self.stopping:
            raise Interrupted("asked to stop")
        self.on_sleep()
        self._time.advance(seconds)

    def clock(self, before_sleep: Callable[[], object]) -> Clock:
        del before_sleep
        return self


@dataclass
class Counted:
    """A `Listener` that records what it is called with."""

    cycles: list[tuple[str, str]] = field(default_factory=list)
    updates: list[tuple[str, str]] = field(default_factory=list)
    on_submitted: Callable[[], object] = lambda: None

    def cycle(self, dataset: str, verdict: str, seconds: float) -> None:
        self.cycles.append((dataset, verdict))

    def update(self, dataset: str, result: str, size_bytes: int, seconds: float) -> None:
        self.updates.append((dataset, result))
        if result == "submitted":
            self.on_submitted()


@dataclass
class Months:
    """An emulated account, a spec directory, and a controller that is advanced in ticks."""

    emulator: Emulator
    controller: Controller
    registry: Registry
    time: JumpingTime
    place: Path
    counted: Counted
    client: Any
    state: State

    @property
    def specs(self) -> Path:
        return self.place / "specs"

    def forget(self) -> None:
        """Delete all state."""
        with self.state._db.writing() as connection:
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                connection.execute(f"DELETE FROM {table}")  # noqa: S608  names that SQLite gave

    def restarted(self, calls_per_second: int | None = None) -> Months:
        """Return a new process in the same place, at the same time."""
        place = self.place
        return _controlled(
            self.emulator, self.client, self.state, self.time, place, calls_per_second=calls_per_second
        )

    def write(
        self,
        name: str,
        *entries: str,
        label: str = "rose",
        interval: str = "5m",
        max_age: str = "6h",
        policy: str = "",
        suspend: bool = False,
    ) -> None:
        """Write one dataset: these images, all with this label."""
        self.specs.mkdir(exist_ok=True)
        lines = b"".join(classified(entry, label) + b"\n" for entry in entries)
        (self.specs / f"{name}.jsonl").write_bytes(lines)
        text = SPEC.format(
            name=name,
            interval=interval,
            max_age=max_age,
            policy=f", {policy}" if policy else "",
            suspend="true" if suspend else "false",
        )
        (self.specs / f"{name}.yaml").write_text(text)

    def run_for(self, seconds: float) -> None:
        """Let time pass, tick by tick."""
        end = self.time.seconds() + seconds
        while self.time.seconds() < end:
            nap = self.controller.tick()
            self.time.sleep(min(max(nap, 0.01), end - self.time.seconds()))
        self.controller.tick()

    def settle(self) -> None:
        """Run everything that is due now."""
        self.controller.trigger()
        self.controller.tick()
        self.controller.tick()

    def dataset_state(self, name: str) -> DatasetState:
        return self.registry.states[name]

    def conditions(self, name: str) -> dict[str, str]:
        """Return the status of every condition as of now, decayed by age."""
        believed = self.dataset_state(name).believed(self.time.wall())
        return {condition.kind.value: condition.status.value for condition in believed}

    def reasons(self, name: str) -> dict[str, str]:
        believed = self.dataset_state(name).believed(self.time.wall())
        return {condition.kind.value: condition.reason.value for condition in believed}

    def calls(self) -> list[str]:
        """Return the operations called since the last call of this method."""
        names = self.emulator.calls.names()
        self.emulator.calls.clear()
        return names

    def arn(self, name: str) -> str:
        found = self.dataset_state(name).arn
        assert found is not None
        return found


@contextmanager
def make_months(
    tmp_path: Path, tracer: Tracer | None = None, calls_per_second: int | None = None
) -> Iterator[Months]:
    with emulated(attempts=1) as (emulator, client), closing(State(tmp_path / "state")) as state:
        time = JumpingTime(emulator.clock)
        yield _controlled(emulator, client, state, time, tmp_path, tracer, calls_per_second)


def _controlled(
    emulator: Emulator,
    client: Any,
    state: State,
    time: JumpingTime,
    place: Path,
    tracer: Tracer | None = None,
    calls_per_second: int | None = None,
) -> Months:
    """Start a controller over existing specs and state."""
    context = Context(
        gateway_of(client, time, calls_per_second), time, state, Silence(), tracer=tracer or Untraced()
    )
    source = DirectorySource(place / "specs", Blobs(place / "blobs"))
    registry = Registry(source.name, time.wall, time.seconds)
    counted = Counted()
    runner = CycleRunner(lambda _: context, state, registry, counted, time, tracer=tracer)
    signals = Signals(time.event)
    controller = Controller(source, runner, registry, Inline(), signals)
    return Months(emulator, controller, registry, time, place, counted, client, state)
