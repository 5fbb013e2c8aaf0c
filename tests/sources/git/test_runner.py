"""The git program, as far as specs need it."""

import subprocess

import pytest

from reconciler.core.preflight import Mark
from reconciler.sources.git.revision import program, revision_of


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
    assert program(tmp_path) is None


def test_the_commit_is_named(repository):
    """That of the whole repository, for a part of it and for one file as well."""
    file = repository / "specs" / "a.yaml"
    file.write_text("")
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    commit(repository)

    for path in (repository, repository / "specs", file):
        found = program(path)
        assert (Mark.OK, True) == (found.mark, revision_of(repository).commit[:12] in found.message)


def test_nothing_is_committed_yet(repository):
    assert Mark.WARNING is program(repository / "specs").mark


def test_there_is_no_git_program(repository, monkeypatch, tmp_path):
    """No failure: plan and apply do without, and name no revision."""
    commit(repository)
    monkeypatch.setenv("PATH", str(tmp_path))

    found = program(repository / "specs")

    assert (Mark.WARNING, 0) == (found.mark, found.exit_code)
    assert "no git program" in found.message
