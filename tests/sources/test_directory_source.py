"""Directories that somebody else keeps: they flip, vanish and change while they are read."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.cli.controller.source import polling
from reconciler.cli.parser import build
from reconciler.errors import SourceError, UsageError
from reconciler.server.listening import listening
from reconciler.sources import directory_source
from reconciler.sources.blobs import Blobs
from reconciler.sources.directory_source import DirectorySource, SyncMetrics, TouchedFile
from tests.sources.builders import dataset, line, texts, write


def source_of(path: Path, tmp_path: Path) -> DirectorySource:
    return DirectorySource(path, Blobs(tmp_path / "blobs"))


def flip(link: Path, target: Path) -> None:
    """Let a link lead elsewhere, in one step, as git-sync does."""
    new = link.with_name(".new")
    new.symlink_to(target)
    new.replace(link)


def test_what_did_not_change_is_not_read_again(tmp_path: Path):
    """A second look at the same tree costs the listing of a directory."""
    tree = write(tmp_path / "specs", a_yaml=dataset(), train_jsonl=line("a"))
    source = source_of(tree, tmp_path)

    first = source.poll(None)

    assert first is not None
    assert source.poll(first.fingerprint) is None


@pytest.mark.parametrize("what", ["content", "new file", "touched"])
def test_what_changed_is_read_again(tmp_path: Path, what: str):
    """Content, names and times all count; the clock of whoever wrote does not."""
    tree = write(tmp_path / "specs", a_yaml=dataset(), train_jsonl=line("a"))
    source = source_of(tree, tmp_path)
    first = source.poll(None)
    assert first is not None
    match what:
        case "content":
            (tree / "train.jsonl").write_text(line("b"))
            os.utime(tree / "train.jsonl", ns=(0, 0))
        case "new file":
            (tree / "more.txt").touch()
        case "touched":
            os.utime(tree / "train.jsonl", ns=(0, 0))

    assert source.poll(first.fingerprint) is not None


def test_a_tree_outlives_its_files(tmp_path: Path):
    """git-sync deletes the old tree as soon as the link has moved: what was read stays readable."""
    tree = write(tmp_path / "specs", a_yaml=dataset(), train_jsonl=line("a"))
    revision = source_of(tree, tmp_path).poll(None)

    shutil.rmtree(tree)

    assert [line("a").encode()] == texts(revision)


def test_a_dangling_link_is_no_empty_desire(tmp_path: Path):
    """It cannot be read, and that is all that is said."""
    tree = write(tmp_path / "one", a_yaml=dataset(), train_jsonl=line("a"))
    link = tmp_path / "current"
    link.symlink_to(tree)
    source = source_of(link, tmp_path)
    first = source.poll(None)
    assert first is not None
    flip(link, tmp_path / "nowhere")

    with pytest.raises(SourceError, match="current"):
        source.poll(first.fingerprint)

    assert [line("a").encode()] == texts(first)


def test_a_tree_that_changes_while_it_is_read_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Half old and half new is neither."""
    tree = write(tmp_path / "specs", a_yaml=dataset(), train_jsonl=line("a"))
    source = source_of(tree, tmp_path)
    load = directory_source.load

    def meddled(*args):
        specs = load(*args)
        (tree / "train.jsonl").write_text(line("b"))
        return specs

    monkeypatch.setattr(directory_source, "load", meddled)

    with pytest.raises(SourceError, match="changed while"):
        source.poll(None)


def test_hundreds_of_flips_give_whole_trees_only(tmp_path: Path):
    """Whatever moment a look falls on, what it reads is one of the trees, or an error; never a mixture."""
    trees = [
        write(
            tmp_path / f"tree{number}",
            a_yaml=dataset("one", "one.jsonl") + "---\n" + dataset("two", "two.jsonl"),
            one_jsonl=line(f"n{number}"),
            two_jsonl=line(f"n{number}"),
        )
        for number in range(2)
    ]
    link = tmp_path / "current"
    link.symlink_to(trees[0])
    source = source_of(link, tmp_path)
    enough = threading.Event()

    def flipping() -> None:
        number = 0
        while not enough.is_set():
            number += 1
            flip(link, trees[number % 2])

    thread = threading.Thread(target=flipping)
    thread.start()
    try:
        seen = [texts(source.poll(None)) for _ in range(300)]
    finally:
        enough.set()
        thread.join()

    assert {1} == {len(set(files)) for files in seen}
    assert {2} == {len(files) for files in seen}


def test_a_cycle_may_still_open_the_tree_before(tmp_path: Path):
    """It began before the newer one was read: that is no reason for its files to be missing."""
    tree = write(tmp_path / "specs", a_yaml=dataset(), train_jsonl=line("a"))
    source = source_of(tree, tmp_path)
    first = source.poll(None)
    (tree / "train.jsonl").write_text(line("b"))
    second = source.poll(first.fingerprint)

    assert [line("a").encode()] == texts(first)
    assert [line("b").encode()] == texts(second)


def test_copies_are_not_hoarded(tmp_path: Path):
    """Only the last good tree is kept, and the one before, which a cycle may be about."""
    tree = write(tmp_path / "specs", a_yaml=dataset(), train_jsonl=line("a"))
    source = source_of(tree, tmp_path)
    known = None
    for number in range(5):
        (tree / "train.jsonl").write_text(line(f"a{number}"))
        known = source.poll(known).fingerprint

    assert 3 == len(list((tmp_path / "blobs").glob("*/*")))  # one spec, two lists
    source.close()
    assert [".gitignore"] == [path.name for path in (tmp_path / "blobs").iterdir()]


def test_two_processes_do_not_delete_one_another_s_copies(tmp_path: Path):
    """A pass for cron beside a running controller, with the same state directory."""
    tree = write(tmp_path / "specs", a_yaml=dataset(), train_jsonl=line("a"))
    first = source_of(tree, tmp_path).poll(None)
    second = source_of(tree, tmp_path)
    second.poll(None)
    second.close()

    assert [line("a").encode()] == texts(first)


def test_what_a_killed_process_left_is_deleted(tmp_path: Path):
    """Its lock went with it."""
    left = tmp_path / "blobs" / "specs-left"
    left.mkdir(parents=True)
    (left / "copy").write_bytes(b"x" * 100)

    blobs = Blobs(tmp_path / "blobs")

    assert not left.exists()
    blobs.clear()


def test_a_full_disk_is_no_fault_of_the_specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It passes: the next look reads what this one could not keep."""
    tree = write(tmp_path / "specs", a_yaml=dataset(), train_jsonl=line("a"))
    source = source_of(tree, tmp_path)

    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Blobs, "keep", full)
        with pytest.raises(SourceError, match=f"cannot be copied to {tmp_path}/.*: No space left"):
            source.poll(None)

    assert [line("a").encode()] == texts(source.poll(None))


# As git-sync writes them.
METRICS = """\
# HELP git_sync_count_total How many git syncs completed, partitioned by state (success, error, noop)
# TYPE git_sync_count_total counter
git_sync_count_total{{status="error"}} {error}
git_sync_count_total{{status="noop"}} {noop}
git_sync_count_total{{status="success"}} {success}
git_sync_duration_seconds_count{{status="noop"}} 7
"""


class Sidecar:
    def __init__(self) -> None:
        self.error, self.noop, self.success = 0, 0, 0

    async def answer(self, _request: Request) -> Response:
        return PlainTextResponse(METRICS.format(error=self.error, noop=self.noop, success=self.success))


@contextmanager
def serving() -> Iterator[tuple[Sidecar, SyncMetrics]]:
    sidecar = Sidecar()
    app = Starlette(routes=[Route("/metrics", sidecar.answer)])
    with listening(app, "127.0.0.1", 0) as url:
        yield sidecar, SyncMetrics(f"{url}/metrics")


def test_a_sync_confirms_be_there_news_or_not():
    """Its counters grow; errors alone confirm nothing, and neither does standing still."""
    with serving() as (sidecar, metrics):
        assert metrics.confirmed_at(10.0) is None
        sidecar.success = 1
        assert 20.0 == metrics.confirmed_at(20.0)
        sidecar.error = 5
        assert 20.0 == metrics.confirmed_at(30.0)
        sidecar.noop = 1
        assert 40.0 == metrics.confirmed_at(40.0)
        sidecar.success, sidecar.noop = 0, 0  # started anew, and not yet through its first sync
        assert 40.0 == metrics.confirmed_at(50.0)
        sidecar.success = 1
        assert 60.0 == metrics.confirmed_at(60.0)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/metrics", "http://127.0.0.1:9x/metrics"])
def test_a_sidecar_that_is_gone_confirms_nothing(url: str):
    """An error with the address, whatever the reason."""
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9"):
        SyncMetrics(url).confirmed_at(0.0)


def test_a_file_confirms_when_it_was_touched(tmp_path: Path):
    """And one that is not there is named."""
    file = tmp_path / "synced"
    with pytest.raises(SourceError, match="synced: No such file"):
        TouchedFile(file).confirmed_at(0.0)
    file.touch()
    os.utime(file, (5.0, 7.0))

    assert 7.0 == TouchedFile(file).confirmed_at(100.0)


@pytest.mark.parametrize(
    "flags",
    [
        ["--sync-file", "x", "--sync-metrics", "http://127.0.0.1/metrics"],
        ["--sync-file", "x", "--git", "https://git.example/a.git"],
        ["--sync-metrics", "127.0.0.1:9090/metrics"],
        ["--sync-metrics", "file:///etc/passwd"],
    ],
)
def test_a_witness_that_makes_no_sense_is_refused(flags: list[str]):
    """Before anything is read."""
    words = ["run", "specs", *flags]

    with pytest.raises(UsageError, match="--sync-"):
        polling(build(words, whole=True).parse_args(words))


@pytest.mark.parametrize(
    ("flags", "seconds"),
    [
        ([], 5.0),
        (["--git", "https://git.example/a.git"], 30.0),
        (["--git", "https://git.example/a.git", "--git-interval", "2m"], 120.0),
    ],
)
def test_each_kind_of_source_has_its_pace(flags: list[str], seconds: float):
    """A directory is cheap to look at; a repository is somebody else's machine."""
    words = ["run", "specs", *flags]

    assert seconds == polling(build(words, whole=True).parse_args(words)).interval_seconds
