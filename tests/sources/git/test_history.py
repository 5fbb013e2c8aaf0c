"""Commits of a repository as spec trees, and what is said where a revision is not one of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import SourceError, UsageError
from reconciler.sources.git.history import History, opened_history
from tests.sources.builders import dataset, line
from tests.sources.git.test_repository import Upstream

Ask = Callable[[History], object]
MISSING = "a" * 40
SHALLOW = "; the clone is shallow: git fetch --unshallow gets the rest"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    """Two commits on main, and one on a branch that has no ancestor with it in common."""
    upstream = Upstream(tmp_path / "upstream")
    upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    upstream.commit(specs__train_jsonl=line("b"))
    upstream.git("checkout", "-q", "--orphan", "other")
    upstream.commit()
    upstream.git("checkout", "-q", "main")
    return upstream


def refusal(root: Path, ask: Ask) -> str:
    with opened_history(root / "specs") as history, pytest.raises(UsageError) as found:
        ask(history)
    return str(found.value)


def test_a_revision_is_named_in_any_notation_of_git(upstream: Upstream):
    first, second = upstream.git("rev-parse", "main~1"), upstream.git("rev-parse", "main")

    with opened_history(upstream.root / "specs") as history:
        assert [second, second, first] == [history.commit(one) for one in ("main", second[:8], "HEAD^")]
        assert [True, False, False] == [history.knows(one) for one in ("main", MISSING, "-main")]
        assert first == history.fork_point("main", "main~1")


@pytest.mark.parametrize("revision", [MISSING, "nothing", "-main", "main:specs", "", "--all"])
def test_what_is_no_commit_is_named(upstream: Upstream, revision: str):
    """Nothing is said of a shallow clone, for this one is whole."""
    found = refusal(upstream.root, lambda history: history.commit(revision))

    assert f"{revision!r} names no commit of {upstream.root}" == found


def test_revisions_without_a_common_ancestor_are_named(upstream: Upstream):
    found = refusal(upstream.root, lambda history: history.fork_point("main", "other"))

    assert "'main' and 'other' have no common ancestor" == found


def test_a_path_in_the_place_of_a_revision_is_pointed_out(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(upstream.root)

    found = refusal(upstream.root, lambda history: history.commit("specs"))

    assert found.endswith("; a revision comes before the path")


def test_what_a_shallow_clone_lacks_can_be_fetched(upstream: Upstream, tmp_path: Path):
    """The hint is given where a commit or a common ancestor is missing."""
    address, clone = f"file://{upstream.root}", tmp_path / "clone"
    command = ["git", "clone", "-q", "--depth=1", "--no-single-branch", address, str(clone)]
    subprocess.run(command, check=True)

    for ask in (lambda it: it.commit("HEAD~1"), lambda it: it.fork_point("HEAD", "origin/other")):
        assert refusal(clone, ask).endswith(SHALLOW)


def test_a_path_outside_of_every_repository_has_no_revisions(tmp_path: Path):
    reason = "not in a git repository, so it has no revisions"
    with pytest.raises(SourceError, match=reason), opened_history(tmp_path / "specs"):
        pass
