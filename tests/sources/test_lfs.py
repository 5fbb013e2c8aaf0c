"""Entries that git keeps as pointers of Git LFS, in work trees, commits and clones of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from reconciler.core.spec.choices import Pointer
from reconciler.core.validation.problem import has_error
from reconciler.engine.usecases.reading import read_desired
from reconciler.sources.blobs import Blobs
from reconciler.sources.directory import open_path
from reconciler.sources.entry_files import read_pointer
from reconciler.sources.git.address import Address
from reconciler.sources.git.clone import Clone
from reconciler.sources.git.history import opened_history
from reconciler.sources.git.repository import GitSource
from reconciler.sources.load import load
from reconciler.sources.manifests import ManifestCache
from tests.sources.builders import dataset, line, write

CONTENT = (line("a") + line("b")).encode()


def pointer(content: bytes = CONTENT) -> bytes:
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (
        sha256(content).hexdigest().encode(),
        len(content),
    )


def store(root: Path, content: bytes = CONTENT, under: bytes | None = None) -> Path:
    digest = sha256(content if under is None else under).hexdigest()
    path = root / ".git/lfs/objects" / digest[:2] / digest[2:4] / digest
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def git(root: Path, *words: str) -> None:
    names = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    subprocess.run(["git", *names, *words], cwd=root, check=True, capture_output=True, timeout=60)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    write(root, specs__d_yaml=dataset(), specs__train_jsonl=pointer())
    git(root, "init", "--quiet", ".")
    return root


def read(root: Path, cache: Path):
    specs = load(*open_path(root / "specs"), ManifestCache(cache))
    (loaded,) = specs.datasets
    return read_desired(loaded)


def test_a_pointer_stands_for_its_object(repository, tmp_path):
    """Lines are those of the file that the pointer stands for, in the work tree and in a commit."""
    store(repository)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "specs")

    desired = read(repository, tmp_path / "cache")
    with opened_history(repository / "specs") as history:
        tree, _ = history.tree("HEAD", history.commit("HEAD"))
        (committed,) = load(tree, None, ManifestCache(tmp_path / "cache")).datasets
        entries = read_desired(committed).index.source_refs

    assert {"s3://bucket/a.jpg", "s3://bucket/b.jpg"} == desired.index.source_refs == entries
    assert str(desired.origin_of_ref("s3://bucket/b.jpg")).endswith("specs/train.jsonl:2")


def test_without_its_object_a_pointer_is_an_error_that_says_what_to_do(repository, tmp_path):
    (problem,) = load(*open_path(repository / "specs"), ManifestCache(tmp_path / "cache")).problems

    assert ("RKD1003", 1) == (problem.code, problem.origin.line)
    assert "git lfs pull" in problem.message


def test_a_commit_whose_object_is_not_here_is_broken_and_nothing_is_fetched(repository, tmp_path):
    """A work tree's configuration could name any server."""
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "pointer")

    with opened_history(repository / "specs") as history:
        tree, _ = history.tree("HEAD", history.commit("HEAD"))
        specs = load(tree, None, ManifestCache(tmp_path / "cache"))

    assert not specs.datasets[0].usable


def test_an_object_with_other_bytes_is_refused(repository, tmp_path):
    """The pointer is what was reviewed."""
    store(repository, b"other", under=CONTENT)

    desired = read(repository, tmp_path / "cache")

    (problem,) = (one for one in desired.problems if one.is_error)
    assert ("RKD5032", False) == (problem.code, desired.usable)
    assert sha256(CONTENT).hexdigest() in problem.message
    assert sha256(b"other").hexdigest() in problem.message


def test_an_object_that_vanishes_leaves_the_dataset_unknown(repository, tmp_path):
    """Between the listing of the tree and the reading of its lines."""
    path = store(repository)
    specs = load(*open_path(repository / "specs"), ManifestCache(tmp_path / "cache"))
    path.unlink()

    desired = read_desired(specs.datasets[0])

    assert ["RKD5030"] == [one.code for one in desired.problems if one.is_error]
    assert not desired.usable


@pytest.mark.parametrize(
    "text",
    [
        pointer().replace(b"size", b"ext-0-case-inverter sha256:" + b"0" * 64 + b"\nsize"),
        pointer().replace(b"sha256:", b"md5:"),
        pointer() + b"more\n",
        pointer().replace(b"spec/v1", b"spec/v2"),
        pointer()[:-1],
        pointer() * 8,
        b"",
    ],
)
def test_only_plain_pointers_are_followed(text):
    """One with extensions would need the programs that it names."""
    assert read_pointer(text) is None
    assert sha256(CONTENT).hexdigest() == read_pointer(pointer()).sha256


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose entries are in Git LFS, and which names another server for them."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    root = tmp_path / "origin"
    write(root, specs__d_yaml=dataset(), specs__train_jsonl=CONTENT)
    git(root, "init", "--quiet", "--initial-branch=main", ".")
    git(root, "lfs", "install", "--local")
    git(root, "lfs", "track", "*.jsonl")
    (root / ".lfsconfig").write_text(f"[lfs]\nurl = {(tmp_path / 'elsewhere').as_uri()}\n")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "specs")
    return root


def followed(upstream: Path, place: Path) -> GitSource:
    clone = Clone(place / "git", Address(upstream.as_uri()), "main")
    return GitSource(clone, "specs", Blobs(place / "blobs"), ManifestCache(place / "manifests"))


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="there is no Git LFS")
def test_objects_of_a_followed_repository_are_fetched(upstream, tmp_path):
    """From the server of the repository, whatever its .lfsconfig says; the copy outlives the object."""
    place = tmp_path / "state"

    (first,) = followed(upstream, place).poll(None).specs.datasets
    read = read_desired(first)
    shutil.rmtree(upstream / ".git/lfs")
    (second,) = followed(upstream, place).poll(None).specs.datasets

    assert [] == [one.message for one in read.problems if one.is_error]
    assert {"s3://bucket/a.jpg", "s3://bucket/b.jpg"} == read.index.source_refs
    assert read.index.source_refs == read_desired(second).index.source_refs
    assert [] == list((place / "git").glob("lfs"))


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="there is no Git LFS")
def test_an_object_that_cannot_be_fetched_leaves_the_dataset_unknown(upstream, tmp_path):
    """It is asked for again when the dataset is read again, without a new commit."""
    objects, aside = upstream / ".git/lfs/objects", tmp_path / "aside"
    objects.rename(aside)
    source = followed(upstream, tmp_path / "state")
    (loaded,) = source.poll(None).specs.datasets

    failed = read_desired(loaded)
    aside.rename(objects)

    (problem,) = (one for one in failed.problems if one.is_error)
    assert ("RKD5030", False) == (problem.code, failed.usable)
    assert "cannot be fetched" in problem.message
    assert read_desired(loaded).usable


@pytest.mark.git
def test_without_git_lfs_the_reason_is_named(repository, tmp_path, monkeypatch):
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "specs")
    git(repository, "branch", "-M", "main")
    source = followed(repository, tmp_path / "state")
    (loaded,) = source.poll(None).specs.datasets
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git"))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("GIT_EXEC_PATH", str(programs))

    (problem,) = (one for one in read_desired(loaded).problems if one.is_error)

    assert "RKD5030" == problem.code
    assert "'lfs' is not a git command" in problem.message


def test_an_object_larger_than_any_manifest_is_not_fetched(tmp_path):
    clone = Clone(tmp_path / "git", Address("file:///nowhere"), "main")

    with pytest.raises(OSError, match="it has 2000000000 bytes"):
        clone.large_file(Pointer("0" * 64, 2_000_000_000))


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="there is no Git LFS")
def test_a_clone_by_git_lfs_is_read_without_a_smudged_work_tree(tmp_path, monkeypatch):
    """Git LFS itself makes the pointers and the objects, with which every commit is read; its hooks do not run."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    root = tmp_path / "origin"
    write(root, specs__d_yaml=dataset())
    git(root, "init", "--quiet", "--initial-branch=main", ".")
    git(root, "lfs", "install", "--local")
    git(root, "lfs", "track", "*.jsonl")
    for names in (("a",), ("a", "b")):
        write(root, specs__train_jsonl="".join(map(line, names)))
        git(root, "add", ".")
        git(root, "commit", "--quiet", "-m", "specs")
    clone = tmp_path / "clone"
    monkeypatch.setenv("GIT_LFS_SKIP_SMUDGE", "1")
    git(tmp_path, "clone", "--quiet", root.as_uri(), str(clone))
    git(clone, "lfs", "fetch", "--all")

    counts = []
    with opened_history(clone / "specs") as history:
        for revision in ("HEAD~1", "HEAD"):
            tree, _ = history.tree(revision, history.commit(revision))
            specs = load(tree, None, ManifestCache(tmp_path / "cache"))
            assert not has_error(specs.problems)
            counts.append(len(read_desired(specs.datasets[0]).index.source_refs))

    assert os.stat(clone / "specs/train.jsonl").st_size < 200  # noqa: PTH116  still a pointer
    assert 2 == len(read(clone, tmp_path / "cache").index.source_refs)
    assert [1, 2] == counts
