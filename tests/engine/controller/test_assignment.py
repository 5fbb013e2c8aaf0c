"""Which revision of the specs a cycle works on while newer ones arrive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from reconciler.core.spec.choices import Mode
from reconciler.core.status.suspension import Suspension
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.engine.controller.assignment import Assignment, digest_of
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.errors import Superseded
from reconciler.ports import EntryFile, LoadedDataset
from tests.sources.builders import LINE, dataset, line, loaded, write

SPEC = dataset() + "  schedule: {interval: 5m, fullScanMaxAge: 6h, jitter: 0.1}\n"
SUSPENSION = Suspension("an incident", 0.0, None)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry of one dataset."""
    write(tmp_path, a_yaml=dataset(), train_jsonl=LINE)
    registry = Registry("specs", lambda: 0.0, lambda: 0.0)
    spec = loaded(tmp_path).datasets[0]
    registry.states = {"flowers": DatasetState("flowers", spec, digest=b"digest", revision="c0")}
    return registry


def assigned(registry: Registry, **facts: Any) -> tuple[DatasetState, Assignment]:
    state = registry.states["flowers"]
    for name, value in facts.items():
        setattr(state, name, value)
    return state, Assignment(state, registry)


def is_superseded(work: Assignment, sent: int) -> bool:
    try:
        work.check(sent)
    except Superseded:
        return True
    return False


def commit(state: DatasetState, revision: str) -> None:
    state.revision, state.generation = revision, state.generation + 1


def test_a_plan_is_made_anew_three_times_and_then_sent(registry: Registry):
    """What is sent of it can still be cut short."""
    state, work = assigned(registry)
    assert not work.is_outdated
    assert [False, False] == [is_superseded(work, sent) for sent in (0, 1)]
    work.give_way()

    superseded = []
    with capture_logs() as events:
        for number in range(5):
            commit(state, f"c{number + 1}")
            assert work.is_outdated
            superseded.append((is_superseded(work, 0), is_superseded(work, 1)))
            with pytest.raises(Superseded):
                work.give_way()
            assert state.loaded is work.take_newest()
            assert (f"c{number + 1}", False) == (work.revision, work.is_outdated)

    assert [(True, True)] * 3 + [(False, True)] * 2 == superseded
    assert [("plan.superseded", number) for number in range(1, 6)] == [
        (event["event"], event["replans"]) for event in events
    ]


@pytest.mark.parametrize(("cut_short", "superseded"), [(0, True), (1, True), (2, False), (3, False)])
def test_after_two_applies_that_were_cut_short_one_is_sent_completely(
    registry: Registry, cut_short: int, superseded: bool
):
    state, work = assigned(registry, cut_short=cut_short)
    commit(state, "c1")

    assert [superseded] * 2 == [is_superseded(work, sent) for sent in (0, 1)]


def test_a_cycle_takes_ten_newer_revisions_at_most(registry: Registry):
    """The files of each may be gone before they are read."""
    state, work = assigned(registry)
    for number in range(10):
        commit(state, f"c{number}")
        work.take_newest()

    commit(state, "c10")
    with pytest.raises(Superseded):
        work.take_newest()
    assert "c9" == work.revision


def test_nothing_more_is_sent_to_a_dataset_that_is_suspended_meanwhile(registry: Registry):
    """Not even the last of many plans. One that was suspended before is only observed."""
    state, work = assigned(registry, cut_short=2)
    state.suspension = SUSPENSION
    assert [True, True] == [is_superseded(work, sent) for sent in (0, 1)]

    _, observing = assigned(registry)
    assert [False, False] == [is_superseded(observing, sent) for sent in (0, 1)]
    assert (True, Mode.OBSERVE) == (observing.observes, observing.loaded and observing.loaded.policy.mode)
    assert observing.digest not in (None, b"digest")
    assert (False, b"digest") == (work.observes, work.digest)
    commit(state, "c1")
    assert Mode.OBSERVE is work.take_newest().policy.mode


def test_what_is_suspended_and_cannot_be_digested_has_no_digest(registry: Registry):
    assert assigned(registry, suspension=SUSPENSION, digest=None)[1].digest is None
    assert assigned(registry, suspension=SUSPENSION, loaded=None)[1].loaded is None


@pytest.mark.parametrize("change", ["removed", "created again", "unreadable", "suspended"])
def test_a_revision_without_this_dataset_is_not_taken(registry: Registry, tmp_path: Path, change: str):
    """It was removed, belongs to another dataset of that name, cannot be read, or is suspended by its spec."""
    state, work = assigned(registry)
    commit(state, "c1")
    if change == "removed":
        del registry.states["flowers"]
    elif change == "created again":
        registry.states["flowers"] = DatasetState("flowers", state.loaded)
    elif change == "unreadable":
        state.loaded = None
    else:
        write(tmp_path, a_yaml=dataset() + "  suspend: true\n")
        state.loaded = loaded(tmp_path).datasets[0]

    with pytest.raises(Superseded):
        work.take_newest()
    assert "c0" == work.revision


def test_a_cycle_without_a_readable_spec_takes_no_newer_one(registry: Registry):
    """The newer one gets a cycle of its own."""
    spec = registry.states["flowers"].loaded
    state, work = assigned(registry, loaded=None)
    state.loaded = spec

    with pytest.raises(Superseded):
        work.take_newest()


def spec(root: Path, text: str = SPEC, lines: str = LINE) -> LoadedDataset:
    write(root, a_yaml=text, train_jsonl=lines)
    return loaded(root).datasets[0]


@dataclass
class Pinned:
    """A file that is pinned by its digest, and need not be read for it."""

    file: EntryFile
    pinned: str

    def open(self) -> BinaryIO:
        raise AssertionError("a pinned file was opened")


def test_the_digest_of_what_is_desired_is_of_everything_but_when_and_for_whom(tmp_path: Path):
    """A dataset is observed again for a new policy or line, and not for a new label or schedule."""
    before = digest_of(spec(tmp_path / "0"))
    assert before == digest_of(spec(tmp_path / "1"))
    asides = (
        SPEC.replace("name: flowers", "name: flowers\n  labels: {team: botany}"),
        SPEC.replace("5m", "7m"),
        SPEC + "  suspend: true\n",
    )
    for number, text in enumerate(asides):
        assert before == digest_of(spec(tmp_path / f"aside{number}", text))

    sound = spec(tmp_path / "2")
    problem = Problem(Severity.ERROR, "RKD1001", "no", Origin("a.yaml", 1))
    others = [
        *(digest_of(replace(sound, problems=(replace(problem, code=code),))) for code in ("RKD1", "RKD2")),
        digest_of(replace(sound, files=tuple(Pinned(each, "0" * 64) for each in sound.files))),
        digest_of(replace(sound, files=tuple(Pinned(each, "1" * 64) for each in sound.files))),
        digest_of(spec(tmp_path / "policy", SPEC + "  policy: {mode: upsert}\n")),
        digest_of(spec(tmp_path / "name", SPEC.replace("name: flowers", "name: weeds"))),
        digest_of(spec(tmp_path / "line", lines=line("z"))),
        digest_of(spec(tmp_path / "lines", lines=LINE + line("z"))),
        digest_of(spec(tmp_path / "twice", SPEC.replace("]", ", {file: train.jsonl}]"))),
    ]
    assert len({before, *others}) == 1 + len(others)
