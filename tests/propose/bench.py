"""A repository of specs, an emulated account, and somebody at its console."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.cli.handlers.propose import CheckedEdits, diff_of, root_of, tried
from reconciler.cli.specs import opened_specs
from reconciler.core.planning.withholding import ALL_CHANGES, ChangeSelection
from reconciler.core.spec.choices import DatasetType
from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.server import Emulator
from reconciler.engine.dataset.context import Context
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.apply_each import apply_each
from reconciler.engine.usecases.propose import Proposed, propose_each
from reconciler.ports import Silence
from reconciler.rekognition.gateway import Rekognition
from reconciler.rekognition.settings import sdk_config
from reconciler.sources.manifests import NOTHING_KEPT
from reconciler.state import State
from tests.account import ACCOUNT, client_of, gateway_of, serve
from tests.engine.conftest import JumpingClock

DATASET = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {{name: train}}
spec:
  target: {{project: {project}, type: TRAIN, create: true}}
  entries:
{entries}
  policy: {{mode: upsert, compare: {compare}}}
"""


def git(directory: Path, *words: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(["git", *words], cwd=directory, input=stdin, capture_output=True)
    assert 0 == done.returncode, (words, done.stderr.decode(), stdin.decode(errors="replace"))
    return done.stdout


@dataclass(frozen=True)
class Outcome:
    """What one proposal came to."""

    patch: bytes
    tried: CheckedEdits
    proposed: Proposed

    @property
    def kinds(self) -> dict[str, str]:
        return {request.source_ref: request.kind.value for request in self.tried.edits.accepted}

    @property
    def refused(self) -> dict[str, str]:
        return {
            refusal.source_ref: refusal.reason for refusal in (*self.proposed.refusals, *self.tried.refusals)
        }


@dataclass
class Bench:
    """One repository with one dataset called train."""

    emulator: Emulator
    context: Context
    root: Path
    project: str = "flowers"
    policy: dict[str, str] = field(default_factory=dict)

    @property
    def specs(self) -> Path:
        return self.root / "specs"

    def write(self, *, compare: str = "exact", more: str = "", **files: bytes | str) -> None:
        """Make files: ``a_jsonl`` is a.jsonl; the dataset reads all of them."""
        self.specs.mkdir(parents=True, exist_ok=True)
        names = [key.replace("__", "/").replace("_", ".") for key in files]
        for name, content in zip(names, files.values(), strict=True):
            (self.specs / name).parent.mkdir(parents=True, exist_ok=True)
            (self.specs / name).write_bytes(content.encode() if isinstance(content, str) else content)
        entries = "\n".join(f"    - file: {name}" for name in names)
        text = DATASET.format(project=self.project, entries=entries, compare=compare)
        (self.specs / "train.yaml").write_text(text + more)
        if not (self.root / ".git").exists():
            git(self.root, "init", "-q", "-b", "main")
            for key, value in (("user.name", "Somebody"), ("user.email", "somebody@example.org")):
                git(self.root, "config", key, value)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "specs", "--allow-empty")

    def read(self, name: str) -> bytes:
        return (self.specs / name).read_bytes()

    def apply(self) -> None:
        with opened_specs(self._args()) as (_, _, found):
            (result,) = apply_each([(desired, None) for desired in found.datasets], lambda _: self.context)
        assert "converged" == result.verdict, result

    def plan(self):
        with opened_specs(self._args()) as (_, _, found):
            assert not found.broken
            (plan,) = each_dataset.plan_each(found.datasets, lambda _: self.context)
        return plan

    def propose(self, selection: ChangeSelection = ALL_CHANGES) -> Outcome:
        with opened_specs(self._args()) as (opened, specs, found):
            (proposed,) = propose_each(found.datasets, lambda _: self.context, selection)
            with tried(opened, specs, found, [proposed], NOTHING_KEPT) as result:
                return Outcome(diff_of(opened.tree, root_of(opened.tree), result.edits), result, proposed)

    def take(self, patch: bytes) -> None:
        if patch:
            git(self.root, "apply", "--whitespace=nowarn", "-", stdin=patch)

    @property
    def console(self):
        return self.emulator.console

    @property
    def arn(self) -> str:
        arn = self.context.gateway.locate(self.project, DatasetType.TRAIN).dataset_arn
        assert arn is not None
        return arn

    def _args(self) -> argparse.Namespace:
        return argparse.Namespace(path=str(self.specs), dataset=[], selector=[])


class Accounts:
    """Emulated accounts: one may hold a hundred projects only, and a law wants more examples than that."""

    def __init__(self, emulator: Emulator, url: str, clock: JumpingClock, state: State) -> None:
        self.emulator = emulator
        self._url = url
        self._clock = clock
        self._state = state
        self._worlds: dict[int, Context] = {}
        self._used = 0

    def next_world(self) -> Context:
        """Return an account with room for one more project."""
        number = self._used // 50
        self._used += 1
        if number not in self._worlds:
            self._worlds[number] = Context(self._gateway(number), self._clock, self._state, Silence())
        return self._worlds[number]

    def _gateway(self, number: int) -> Rekognition:
        client = client_of(self._url, account=str(int(ACCOUNT) + number), config=sdk_config())
        return gateway_of(client, self._clock)


@contextmanager
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    """Yield emulated accounts, and what is remembered of them."""
    time = ManualClock()
    with (
        closing(Emulator(clock=time)) as emulator,
        closing(State(tmp_path / "state")) as state,
        serve(emulator) as running,
    ):
        yield Accounts(emulator, running.url, JumpingClock(time), state)
