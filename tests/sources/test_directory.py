"""A directory as a pinned tree."""

import os
import re
import subprocess
import time

import pytest

from reconciler.errors import SourceError
from reconciler.sources import directory
from reconciler.sources.directory import open_path
from reconciler.sources.git import runner
from tests.sources.builders import tree, write
from tests.waiting import until


def repository(path):
    """Make a commit; return its name."""
    run = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", path]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x", "--allow-empty"]):
        subprocess.run([*run, *command], check=True)
    found = subprocess.run([*run, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def test_files_are_listed_sorted_and_without_hidden_ones(tmp_path):
    write(tmp_path, b_yaml="", a__c_jsonl="", a_yaml="")
    write(tmp_path / ".git", x_yaml="")
    write(tmp_path / "lost+found", x_yaml="")

    assert ["a.yaml", "a/c.jsonl", "b.yaml"] == tree(tmp_path).files()


def test_a_link_to_a_parent_is_not_entered(tmp_path):
    """It would never end; a linked file is a file, even a dangling one."""
    write(tmp_path, a__b_yaml="")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "gone.yaml").symlink_to("nowhere")

    assert ["a/b.yaml", "gone.yaml"] == tree(tmp_path).files()


@pytest.mark.parametrize("target", ["link.yaml", "x" * 300])
def test_a_link_that_cannot_be_followed_hides_no_other_file(tmp_path, target):
    """A circle, and a name too long for any file: what it is called is known, and that is all."""
    write(tmp_path, a_yaml="")
    (tmp_path / "link.yaml").symlink_to(target)

    assert ["a.yaml", "link.yaml"] == tree(tmp_path).files()


@pytest.mark.parametrize("path", ["../out.jsonl", "link.jsonl", "sub/out.jsonl"])
def test_nothing_outside_the_tree_is_opened(tmp_path, path):
    """What is outside is not part of the revision that is applied."""
    root = write(tmp_path / "specs", a_yaml="")
    write(tmp_path, out_jsonl="secret")
    (root / "link.jsonl").symlink_to("../out.jsonl")
    (root / "sub").symlink_to("..")

    with pytest.raises(OSError, match="leads out of the spec tree"):
        tree(root).open(path)


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "train.jsonl")

    with pytest.raises(OSError, match="not a regular file"):
        tree(tmp_path).open("train.jsonl")


@pytest.mark.parametrize("path", ["a\0b", "loop", "x" * 300, "", "sub"])
def test_what_cannot_be_a_file_is_an_os_error(tmp_path, path):
    """Never another exception, whatever a spec names."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "sub").mkdir()

    with pytest.raises(OSError, match=r".") as refused:
        tree(tmp_path).open(path)

    assert refused.value.strerror


def test_a_tree_stays_where_its_link_led(tmp_path):
    """git-sync flips a link; a tree that is in use must not notice."""
    write(tmp_path / "one", a_yaml="first")
    write(tmp_path / "two", a_yaml="second")
    link = tmp_path / "current"
    link.symlink_to("one")

    pinned = open_path(link).tree
    link.unlink()
    link.symlink_to("two")

    with pinned.open("a.yaml") as stream:
        assert b"first" == stream.read()


def test_one_spec_file_is_a_tree_around_it(tmp_path):
    write(tmp_path, a_yaml="", b_yaml="")

    opened = open_path(tmp_path / "a.yaml")

    assert ("a.yaml", ["a.yaml", "b.yaml"]) == (opened.only, opened.tree.files())


def test_paths_are_shown_as_the_user_knows_them(tmp_path, monkeypatch):
    """Relative to the working directory below it, as given elsewhere."""
    root = write(tmp_path / "here" / "specs", a_yaml="")
    monkeypatch.chdir(tmp_path / "here")

    assert "specs/a.yaml" == open_path(root).tree.display("a.yaml")

    monkeypatch.chdir(root)
    assert "a.yaml" == open_path(root / "a.yaml").tree.display("a.yaml")
    assert str(tmp_path) == open_path(tmp_path).tree.display("")


def test_a_file_name_that_is_not_utf_8_can_be_shown(tmp_path):
    """A report is UTF-8, whatever a disk holds."""
    (tmp_path / os.fsdecode(b"\xff.yaml")).touch()
    (name,) = tree(tmp_path).files()

    assert "specs/\\xff.yaml" == tree(tmp_path).display(name)


def test_a_missing_path_is_an_unusable_source(tmp_path):
    with pytest.raises(SourceError, match="No such file or directory"):
        open_path(tmp_path / "nowhere")


def test_the_revision_is_the_commit_of_the_repository_around(tmp_path):
    """Asked with the environment of a git hook, which points elsewhere."""
    root = write(tmp_path / "repo" / "specs", a_yaml="")
    commit = repository(tmp_path / "repo")

    assert commit == open_path(root).tree.revision


def test_a_hook_of_another_repository_does_not_confuse_us(tmp_path, monkeypatch):
    root = write(tmp_path / "repo", a_yaml="")
    commit = repository(root)
    repository(write(tmp_path / "other", b_yaml=""))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))

    assert commit == open_path(root).tree.revision


def test_outside_git_nothing_is_run(tmp_path, monkeypatch):
    """No process, no time."""
    monkeypatch.setattr(runner.subprocess, "Popen", lambda *a, **k: pytest.fail("git was run"))

    assert open_path(tmp_path).tree.revision is None


@pytest.mark.parametrize("broken", ["", "gitdir: /nowhere\n"])
def test_a_repository_without_a_commit_has_no_revision(tmp_path, broken):
    (tmp_path / ".git").write_text(broken)

    assert open_path(tmp_path).tree.revision is None


def test_before_the_first_commit_the_missing_revision_is_explained(tmp_path):
    """`git init` is the first thing that a newcomer does."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)

    assert "HEAD names no commit yet" in str(open_path(write(tmp_path, a_yaml="")).tree.no_revision)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_of_another_user_has_its_revision(tmp_path):
    """A sidecar wrote it; git calls that dubious ownership unless it is told otherwise."""
    root = write(tmp_path / "repo", a_yaml="")
    commit = repository(root)
    for path in (root, *root.rglob("*")):
        os.chown(path, 12_345, 12_345)

    assert commit == open_path(root).tree.revision


@pytest.mark.parametrize(
    ("path", "reason"), [("a\0b", "null byte"), ("nothing", "No such file or directory")]
)
def test_a_path_that_cannot_be_opened_is_told_with_its_reason(tmp_path, path, reason):
    with pytest.raises(SourceError, match=f"^{re.escape(str(tmp_path / path))}: .*{reason}$"):
        open_path(tmp_path / path)


def test_a_file_is_told_from_later_versions_once_its_clock_has_moved_on(tmp_path):
    """A second change within one tick of the clock would leave the same times."""
    (tmp_path / "a.jsonl").write_text("{}")
    opened = open_path(tmp_path).tree

    assert opened.identity("a.jsonl") is None
    until(lambda: opened.identity("a.jsonl") is not None)
    before = opened.identity("a.jsonl")
    (tmp_path / "a.jsonl").chmod(0o600)
    until(lambda: opened.identity("a.jsonl") is not None)
    assert opened.identity("a.jsonl") != before


def test_a_file_system_with_times_of_whole_seconds_is_given_longer(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_text("{}")
    monkeypatch.setattr(directory, "FINE_TICK_NS", 0)
    monkeypatch.setattr(directory, "COARSE_TICK_NS", 10**15)
    opened = open_path(tmp_path).tree
    assert opened.identity("a.jsonl") is not None

    os.utime(tmp_path / "a.jsonl", ns=(0, time.time_ns() // 10**9 * 10**9))

    assert opened.identity("a.jsonl") is None


def test_a_file_of_the_future_is_told_from_nothing(tmp_path):
    """The clock was set back: it may give the same times once more."""
    (tmp_path / "a.jsonl").write_text("{}")
    opened = open_path(tmp_path).tree
    until(lambda: opened.identity("a.jsonl") is not None)

    os.utime(tmp_path / "a.jsonl", ns=(0, time.time_ns() + 10**12))

    assert opened.identity("a.jsonl") is None


def test_a_file_that_is_not_there_is_told_from_nothing(tmp_path):
    assert open_path(tmp_path).tree.identity("a.jsonl") is None
    assert open_path(tmp_path).tree.identity("\0") is None
