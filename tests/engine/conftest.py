"""Fixtures that run the engine against the emulator: real boto3, real HTTP, simulated time."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from structlog.testing import capture_logs

from reconciler.core.spec.choices import DatasetType
from reconciler.core.status.result import DatasetResult
from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.server import Emulator
from reconciler.engine.dataset.context import NO_OVERRIDES, Context, Overrides
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.apply_each import apply_each
from reconciler.engine.usecases.reading import key_of, read_desired
from reconciler.ports import Silence
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from reconciler.state import State
from tests.account import emulated, gateway_of
from tests.builders import named
from tests.engine.months import Months, make_months
from tests.waiting import until

PROJECT = "flowers"


class JumpingClock:
    """A clock whose sleep advances the emulator's time instead of waiting."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.slept: list[float] = []

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._clock.advance(seconds)

    def draw(self) -> float:
        return 0.5


@dataclass
class Lab:
    """
    An emulated account with a state directory and a spec directory.

    Attributes:
        settles: Whether specs are only read once later versions can be distinguished, so that all that can be
            remembered of them is.
    """

    emulator: Emulator
    context: Context
    clock: JumpingClock
    specs: Path
    state_dir: Path
    open: list[Desired] = field(default_factory=list)
    settles: bool = False

    def write(self, *lines: bytes, limits: str = "{}", **policy: str) -> None:
        """Write the only dataset of the spec tree: its lines and its policy."""
        self.specs.mkdir(exist_ok=True)
        options = "\n".join(f"    {key}: {value}" for key, value in ({"mode": "upsert"} | policy).items())
        (self.specs / "train.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        (self.specs / "train.yaml").write_text(
            dedent("""\
            apiVersion: reconciler/v1
            kind: Dataset
            metadata: {name: train}
            spec:
              target: {project: flowers, type: TRAIN, create: true}
              entries: [{file: train.jsonl}]
              limits: LIMITS
              policy:
            """).replace("LIMITS", limits)
            + options
            + "\n"
        )

    def desired(self, overrides: Overrides = NO_OVERRIDES) -> Desired:
        opened = open_path(self.specs)
        (loaded,) = load(opened.tree).datasets
        if self.settles:
            until(lambda: key_of(loaded) is not None)
        found = read_desired(loaded, overrides, judged=self.context.memory.judged if self.settles else None)
        self.open.append(found)
        return found

    def apply(self) -> DatasetResult:
        (result,) = apply_each([(self.desired(), None)], lambda _: self.context)
        return result

    def plan(self):
        (plan,) = each_dataset.plan_each([self.desired()], lambda _: self.context)
        return plan

    def forget_everything(self) -> None:
        """Delete the state directory."""
        self.context.memory.close()
        shutil.rmtree(self.state_dir)
        self.context = dataclasses.replace(self.context, memory=State(self.state_dir))

    @property
    def arn(self) -> str:
        arn = self.context.gateway.locate(PROJECT, DatasetType.TRAIN).dataset_arn
        assert arn is not None
        return arn

    def updates(self) -> list[tuple[str, ...]]:
        """Return the source-refs of every update sent, in order."""
        return [call.source_refs for call in self.emulator.calls.of("UpdateDatasetEntries")]


@contextmanager
def make_lab(tmp_path: Path, prepare: Callable[[Lab], None] | None = None) -> Iterator[Lab]:
    state_dir = tmp_path / "state"
    with emulated() as (emulator, client):
        clock = JumpingClock(emulator.clock)
        context = Context(gateway_of(client, clock), clock, State(state_dir), Silence())
        found = Lab(emulator, context, clock, tmp_path / "specs", state_dir)
        try:
            if prepare is not None:
                prepare(found)
            yield found
        finally:
            for desired in found.open:
                desired.close()
            found.context.memory.close()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with make_lab(tmp_path) as found:
        yield found


@pytest.fixture
def full(lab: Lab) -> Lab:
    """Return a lab whose dataset holds five entries, exactly as its spec desires."""
    lab.write(*named("abcde"), orphans="blank")
    lab.apply()
    return lab


@pytest.fixture
def months(tmp_path: Path) -> Iterator[Months]:
    with make_months(tmp_path) as found:
        yield found


@pytest.fixture
def events() -> Iterator[list[Any]]:
    """Take what is logged."""
    with capture_logs() as found:
        yield found
