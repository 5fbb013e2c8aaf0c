"""The git program, as far as specs need it."""

import subprocess

import pytest

from reconciler.core.preflight import Mark
from reconciler.errors import SourceError
from reconciler.sources.git.checkout import find, opened
from reconciler.sources.git.revision import check_git, revision_of
from reconciler.sources.git.runner import environment, run
from reconciler.sources.git.work_tree import FileState, object_of, state_of


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "specs").mkdir()
    return tmp_path


def commit(repository):
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    words = ["git", *who, "commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(words, cwd=repository, check=True)


def test_outside_git_none_is_needed(tmp_path):
    assert check_git(tmp_path) is None


def test_the_commit_is_named(repository):
    """That of the whole repository, for a part of it and for one file as well."""
    file = repository / "specs" / "a.yaml"
    file.write_text("")
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    commit(repository)

    for path in (repository, repository / "specs", file):
        found = check_git(path)
        assert (Mark.OK, True) == (found.mark, revision_of(repository).commit[:12] in found.message)


def test_a_git_that_was_killed_is_reported_with_the_signal(tmp_path, monkeypatch):
    """A limit for the size of files, or the kernel without memory, kills git without a word."""
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\nkill -KILL $$\n")
    git.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert "(signal 9)" in run("fetch", git_dir=tmp_path).reason


@pytest.mark.parametrize("count", ["", "-1", "1e999", "9" * 5000])
def test_a_count_of_settings_that_is_none_is_not_used(count, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", count)

    assert "GIT_CONFIG_KEY_0" in environment()


def test_nothing_is_committed_yet(repository):
    assert Mark.WARNING is check_git(repository / "specs").mark


def test_there_is_no_git_program(repository, monkeypatch, tmp_path):
    """No failure: plan and apply do without, and name no revision."""
    commit(repository)
    monkeypatch.setenv("PATH", str(tmp_path))

    found = check_git(repository / "specs")

    assert (Mark.WARNING, 0) == (found.mark, found.exit_code)
    assert "no git program" in found.message


def test_specs_that_are_not_as_committed_are_a_warning(repository):
    """A plan made from them names no revision."""
    for name in ("a", "b"):
        (repository / "specs" / f"{name}.yaml").write_text("x: 1\n")
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    commit(repository)
    for name in ("a", "b"):
        (repository / "specs" / f"{name}.yaml").write_text("x: 2\n")

    found = check_git(repository / "specs")

    assert Mark.WARNING is found.mark
    assert "specs/a.yaml and 1 more not committed" in found.message
    assert "commit the specs" in found.remedy


def test_a_path_that_no_system_takes_is_left_to_those_who_read_it(tmp_path):
    assert check_git(tmp_path / ("x" * 5_000)) is None


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda root: None, FileState.CLEAN),
        (lambda root: (root / "specs/a.yaml").write_text("x: 2\n"), FileState.CHANGED),
        (lambda root: (root / "specs/a.yaml").unlink(), FileState.CHANGED),
    ],
)
def test_a_file_is_as_committed_or_not(repository, act, expected):
    (repository / "specs/a.yaml").write_text("x: 1\n")
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    commit(repository)
    (repository / "specs/b.yaml").write_text("x: 1\n")
    act(repository)

    with opened(find(repository)) as git:
        assert expected is state_of(git, "HEAD", "specs/a.yaml").state
        assert FileState.NOT_COMMITTED is state_of(git, "HEAD", "specs/b.yaml").state
        assert FileState.ABSENT is state_of(git, "HEAD", "specs/c.yaml").state
        with pytest.raises(SourceError, match="git hash-object: "):
            object_of(git, "specs/c.yaml", repository / "specs/c.yaml")


def test_a_git_that_takes_too_long_is_named_by_what_it_does(repository):
    with pytest.raises(TimeoutError, match=r"^git cat-file took longer than 0\.01 s$"):
        run("cat-file", "--batch", git_dir=repository / ".git", stdin=b"x\n" * 10_000_000, seconds=0.01)
