"""Directories that somebody else keeps: they flip, vanish and change while they are read."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from reconciler.errors import SourceError
from reconciler.sources.blobs import Blobs
from reconciler.sources.trees import directory_source
from reconciler.sources.trees.directory_source import DirectorySource
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
        with pytest.raises(SourceError, match="No space left"):
            source.poll(None)

    assert [line("a").encode()] == texts(source.poll(None))
