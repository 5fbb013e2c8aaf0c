"""Datasets that are read by several processes at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.engine.dataset.desired import Desired, unread
from reconciler.engine.usecases import read_in_parallel, reading, spec_tree
from reconciler.engine.usecases.read_in_parallel import _shares, _size, read_each
from reconciler.engine.usecases.reading import read_desired
from reconciler.ports import LoadedDataset, Specs
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from reconciler.state.judged import JudgedFiles
from tests.builders import line, listed, named
from tests.waiting import until

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    # The workers of pytest have threads; the program forks only while it has none.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]

REAL_CORES = read_in_parallel._cores

LINES = {
    "a": named("abcdef"),
    "b": [line("a"), line("a"), b"no JSON", *named("x")],
    "c": named("gh"),
}


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[LoadedDataset]:
    """Return three datasets, one of them with problems, on a machine with two cores that finds them large."""
    monkeypatch.setattr(read_in_parallel, "LARGE_BYTES", 1)
    monkeypatch.setattr(read_in_parallel, "_cores", lambda: 2)
    for name, lines in LINES.items():
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join(raw + b"\n" for raw in lines))
        (tmp_path / f"{name}.yaml").write_text(
            f"apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {{name: {name}}}\n"
            f"spec: {{target: {{project: {name}, type: TRAIN}}, entries: [{{file: {name}.jsonl}}]}}\n"
        )
    return load(open_path(tmp_path).tree).datasets


def what(desired: Desired) -> object:
    index = desired.index
    return (
        desired.name,
        desired.problems,
        list(index.items()),
        index.void,
        desired.facts.labels,
        desired.facts.entries,
        desired.usable,
    )


def test_gives_what_one_process_gives(datasets: Sequence[LoadedDataset]) -> None:
    by_helper = []

    def read(dataset: LoadedDataset) -> Desired:
        by_helper.append(dataset.name)
        return read_desired(dataset)

    found = read_each(datasets, read, unread)

    assert 0 < len(by_helper) < len(datasets)  # the others were read elsewhere
    assert [what(read_desired(dataset)) for dataset in datasets] == [what(desired) for desired in found]


def test_an_index_made_elsewhere_finds_lines(datasets: Sequence[LoadedDataset]) -> None:
    """Hashes of texts differ between processes, but not between a process and one that it forked."""
    for desired in read_each(datasets, read_desired, unread):
        assert desired.index
        for source_ref, place in desired.index.items():
            raw = desired.read(source_ref, place)
            assert desired.index.listed_as(listed(raw)) == desired.index.row(source_ref)
        desired.close()


def test_a_helper_that_is_killed_loses_nothing(datasets: Sequence[LoadedDataset]) -> None:
    here = os.getpid()

    def read(dataset: LoadedDataset) -> Desired:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return read_desired(dataset)

    found = read_each(datasets, read, unread)

    assert [what(read_desired(dataset)) for dataset in datasets] == [what(desired) for desired in found]


def test_one_large_dataset_is_read_here(
    datasets: Sequence[LoadedDataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_in_parallel, "LARGE_BYTES", 10**9)
    here = []

    def read(dataset: LoadedDataset) -> Desired:
        here.append(dataset.name)
        return read_desired(dataset)

    read_each(datasets, read, unread)

    assert list(LINES) == here


def test_what_is_remembered_is_not_sent_between_processes(
    datasets: Sequence[LoadedDataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Datasets whose files are the same are recalled here; only the others are shared out."""
    monkeypatch.setattr(reading, "REMEMBERED_BYTES", 0)
    judged = JudgedFiles(tmp_path / "judged")
    specs = Specs(tuple(datasets), (), (), None)
    until(lambda: all(map(reading.key_of, datasets)))
    cold = spec_tree.read(specs, judged=judged).datasets

    warm = spec_tree.read(specs, judged=judged).datasets

    assert [desired.problems for desired in cold] == [desired.problems for desired in warm]
    assert not any("whole" in vars(desired.lines) for desired in warm)
    assert list(map(what, cold)) == list(map(what, warm))
    assert "Traceback" not in capfd.readouterr().err


def test_the_largest_datasets_are_shared_out_first():
    """Each to the share that has least to read; there is none without a dataset."""
    assert [[0, 1], [2, 3]] == _shares([5, 1, 4, 3], 2)
    assert [[1], [0]] == _shares([1, 9], 8)
    assert [[0, 1, 2]] == _shares([1, 1, 1], 1)


def test_only_datasets_that_are_large_are_shared_out(
    datasets: Sequence[LoadedDataset], monkeypatch: pytest.MonkeyPatch
):
    """Two at least; what a process that could not be started leaves is read here."""
    begun: list[list[str]] = []

    class Ended:
        def __init__(self, share: Sequence[LoadedDataset], _: object) -> None:
            begun.append([one.name for one in share])

        def result(self) -> None:
            return None

        def end(self) -> None:
            begun.append(["ended"])

    monkeypatch.setattr(read_in_parallel, "_Helper", Ended)
    sizes = sorted(_size(one) for one in datasets)
    for large, helpers in ((sizes[1], 1), (sizes[1] + 1, 0)):
        begun.clear()
        monkeypatch.setattr(read_in_parallel, "LARGE_BYTES", large)
        read = read_each(datasets, read_desired, unread)
        assert [one.name for one in datasets] == [one.name for one in read]
        assert 2 * helpers == len(begun)
        for one in read:
            one.close()


def test_the_size_of_a_dataset_is_that_of_the_files_that_can_be_opened(tmp_path: Path):
    """What is wrong with the others is found when they are read."""
    (tmp_path / "a.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {name: a}\n"
        "spec: {target: {project: a, type: TRAIN}, entries: [{file: a.jsonl}, {file: b.jsonl}, {file: c.jsonl}]}\n"
    )
    for name, lines in (("a", named("a")), ("b", named("ab")), ("c", named("c"))):
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join(raw + b"\n" for raw in lines))
    (one,) = load(open_path(tmp_path).tree).datasets
    (tmp_path / "a.jsonl").unlink()

    assert sum((tmp_path / f"{name}.jsonl").stat().st_size for name in "bc") == _size(one)


@pytest.mark.parametrize(
    ("platform", "threads", "cores"), [("linux", 1, 3), ("linux", 2, 1), ("darwin", 1, 1)]
)
def test_processes_are_forked_only_where_that_is_safe(
    monkeypatch: pytest.MonkeyPatch, platform: str, threads: int, cores: int
):
    """On Linux, before any thread is started; then as many as there are cores for this process."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(threading, "active_count", lambda: threads)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)

    assert cores == REAL_CORES()
