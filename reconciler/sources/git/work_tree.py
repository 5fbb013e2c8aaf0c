"""
Compare files of a work tree with a commit, converted as git would commit them, and commit them to a new branch.

Git's own conversions (eol, autocrlf, ident, working-tree-encoding) apply. A filter is a program: it runs only if
the user or the system configures it, never because the repository names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.errors import OutputError, SourceError, UsageError
from reconciler.sources.git.checkout import Git, find, opened

_NO_FILTER: Final = frozenset({"unspecified", "unset", "set", ""})


class FileState(StrEnum):
    """The state of a file of the work tree, compared with a commit."""

    CLEAN = auto()
    CHANGED = auto()
    NOT_COMMITTED = auto()
    ABSENT = auto()


class ComparedFile(NamedTuple):
    """
    A file of the work tree, compared with a commit.

    Attributes:
        mode: The mode of the committed file; that of a plain file if there is none.
        as_is: Whether it is committed byte by byte, without conversion.
        filter: The filter that its attributes name, if neither the user nor the system defines it.
    """

    state: FileState
    mode: str = "100644"
    as_is: bool = False
    filter: str | None = None


def state_of(git: Git, commit: str, path: str) -> ComparedFile:
    """
    Compare one file with a commit.

    Raises:
        SourceError: Git fails.
        OSError: Git cannot be run.
    """
    entry = git.require("ls-tree", "-z", "--full-tree", commit, "--", f":(literal){path}").rstrip("\0")
    known = entry.partition("\t")[0].split(" ") if entry else None
    exists = (git.root / path).exists()
    if known is None and not exists:
        return ComparedFile(FileState.ABSENT, filter=_undefined_filter(git, path))
    if known is None:
        return ComparedFile(FileState.NOT_COMMITTED)
    mode, _, blob = known
    if not exists:
        return ComparedFile(FileState.CHANGED, mode)
    if git.require("hash-object", "--no-filters", "--", str(git.root / path)) == blob:
        return ComparedFile(FileState.CLEAN, mode, as_is=True)
    named = _undefined_filter(git, path)
    if named is None and object_of(git, path, git.root / path) == blob:
        return ComparedFile(FileState.CLEAN, mode)
    return ComparedFile(FileState.CHANGED, mode, filter=named)


def object_of(git: Git, path: str, content: Path, *, as_is: bool = False, write: bool = False) -> str:
    """
    Return the id of the blob of *content*, committed as *path*.

    Args:
        as_is: Whether it is committed byte by byte, without conversion.
        write: Whether to store the blob in the repository.

    Raises:
        SourceError: Git or a filter fails.
        OSError: Git cannot be run.
    """
    how = "--no-filters" if as_is else f"--path={path}"
    return git.require("hash-object", *(["-w"] if write else []), how, "--", str(content))


def _undefined_filter(git: Git, path: str) -> str | None:
    """Return the filter of a file if neither the user nor the system defines it, or None."""
    name = git.require("check-attr", "-z", "filter", "--", path).split("\0")[2]
    if name in _NO_FILTER:
        return None
    defined = any(git.ask("config", "--get", f"filter.{name}.{key}") for key in ("clean", "process"))
    return None if defined else name


_BECAUSE: Final = {
    FileState.CHANGED: "holds changes that are not committed; commit them first",
    FileState.NOT_COMMITTED: "not in the commit that the branch starts from; commit it first",
}


def commit_to(branch: str, root: Path, files: Mapping[str, Path], message: str) -> str:
    """
    Commit whole files on top of HEAD, on a new branch, and return the commit.

    The work tree, the index and the current branch stay as they are. Bytes are converted as git would convert
    them; no hook runs, and no filter that only the repository defines.

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
