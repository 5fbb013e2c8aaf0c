"""Commit to a new branch without touching the work tree, the index or the current branch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.errors import OutputError, SourceError, UsageError
from reconciler.sources.git.checkout import Git, find, opened
from reconciler.sources.git.conversion import ComparedFile, FileState, object_of, state_of

_BECAUSE: Final = {
    FileState.CHANGED: "holds changes that are not committed; commit them first",
    FileState.NOT_COMMITTED: "not in the commit that the branch starts from; commit it first",
}


def commit_to(branch: str, root: Path, files: Mapping[str, Path], message: str) -> str:
    """
    Commit whole files on top of HEAD, on a new branch, and return the commit.

    Bytes are converted as git would convert them; no hook runs, and no filter that only the repository defines.

    Args:
        root: The root of the work tree.
        files: Path from the root -> file with the new content.

    Raises:
        UsageError: The branch exists, its name is not valid, or a file has uncommitted changes, which the commit
            would include.
        OutputError: git failed.
    """
    try:
        checkout = find(root)
        if checkout is None:
            raise OutputError(f"{root}: not in a git repository any more; no branch was made")
        with opened(checkout) as git:
            return _commit(git, branch, files, message)
    except (OSError, SourceError) as exc:
        raise OutputError(f"{exc}; no branch was made") from exc


def _commit(git: Git, branch: str, files: Mapping[str, Path], message: str) -> str:
    if git.run("check-ref-format", "--branch", branch).code:
        raise UsageError(f"--branch {branch}: not a name for a branch")
    if (other := _in_the_way(git, branch)) is not None:
        found = "there is one already" if other == branch else f"there is a branch {other} already"
        raise UsageError(f"--branch {branch}: {found}; choose another name, or delete it")
    head = git.require("rev-parse", "--verify", "HEAD^{commit}")
    git.require("read-tree", head)
    for path, content in files.items():
        committed = state_of(git, head, path)
        if committed.filter or committed.state in _BECAUSE:
            raise UsageError(f"{path}: {_why(committed)}")
        blob = object_of(git, path, content, as_is=committed.as_is, write=True)
        git.require("update-index", "--add", "--cacheinfo", f"{committed.mode},{blob},{path}")
    tree = git.require("write-tree")
    commit = git.require("commit-tree", tree, "-p", head, "-F", "-", stdin=message)
    git.require("update-ref", f"refs/heads/{branch}", commit, "0" * len(commit))
    return commit


def _in_the_way(git: Git, branch: str) -> str | None:
    """Return the branch of that name, or one that git would keep in the place of it or of its directory."""
    steps = branch.split("/")
    above = {"/".join(steps[:count]) for count in range(1, len(steps))}
    found = git.require("for-each-ref", "--format=%(refname:lstrip=2)", f"refs/heads/{steps[0]}").split("\n")
    return next((name for name in found if name in above or f"{name}/".startswith(f"{branch}/")), None)


def _why(committed: ComparedFile) -> str:
    if committed.filter is None:
        return _BECAUSE[committed.state]
    return (
        f"its attributes name the filter “{committed.filter}”, and only the repository could say what that runs; "
        f"configure it for yourself (git config --global filter.{committed.filter}.clean …), or commit by hand"
    )
