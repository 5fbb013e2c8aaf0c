"""
Compare files of a work tree with a commit, converted as git would commit them.

Git's own conversions (eol, autocrlf, ident, working-tree-encoding) apply. A filter is a program: it runs only if
the user or the system configures it, never because the repository names it.
"""

from __future__ import annotations

from enum import StrEnum, auto
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.sources.git.checkout import Git

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
