"""
Read commits of the repository around a path as spec trees, beside its working tree.

Git runs as in `checkout`: nothing that the repository names is run, and nothing is fetched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reconciler.core.spec.choices import COMMIT_ID, Pointer
from reconciler.errors import SourceError, UsageError, reason_of
from reconciler.private import TemporaryFileError, temporary_directory
from reconciler.sources.entry_files import open_object
from reconciler.sources.git.checkout import Git, find, opened, toplevel
from reconciler.sources.git.commit import CommitReader, GitTree
from reconciler.sources.git.runner import Answer


@contextmanager
def opened_history(path: Path) -> Iterator[History]:
    """
    Open the repository around a path; the path itself need not exist any more.

    Raises:
        SourceError: There is no repository, or it cannot be read.
    """
    try:
        place = Path(os.path.abspath(path))  # noqa: PTH100  links stay: commits may hold them
        place = place if toplevel(place) else path.resolve()
        checkout = find(place)
        if checkout is None:
            raise SourceError(f"{path}: not in a git repository, so it has no revisions")
        with opened(checkout) as git, temporary_directory() as scratch:
            yield History(git, place.relative_to(checkout.root).as_posix(), scratch)
    except TemporaryFileError:
        raise
    except (OSError, ValueError, RuntimeError) as exc:
        raise SourceError(f"{path}: {reason_of(exc)}") from exc


class History:
    """
    The commits of a repository.

    Args:
        path: Of the spec tree, or of one spec file, from the root of the repository.
        scratch: A directory for the files that are read.
    """

    def __init__(self, git: Git, path: str, scratch: Path) -> None:
        self._git = git
        self._path = "" if path == "." else path
        self._scratch = scratch
        self._commits = CommitReader(str(git.root), self._ask)

    def commit(self, revision: str) -> str:
        """
        Return the commit that a revision names, in any notation of git.

        Raises:
            UsageError: There is no such commit.
        """
        found = self._found(revision)
        if found is None:
            is_path = revision and Path(revision).exists()
            hint = "; a revision comes before the path" if is_path else self._lacks()
            raise UsageError(f"{revision!r} names no commit of {self._git.root}{hint}")
        return found

    def knows(self, revision: str) -> bool:
        """Return whether a revision names a commit."""
        return self._found(revision) is not None

    def fork_point(self, one: str, other: str) -> str:
        """
        Return the best common ancestor of two revisions, as ``git diff ONE...OTHER`` takes it.

        Raises:
            UsageError: There is no such commit.
        """
        found = self._git.ask("merge-base", self.commit(one), self.commit(other))
        if not found:
            raise UsageError(f"{one!r} and {other!r} have no common ancestor{self._lacks()}")
        return found

    def tree(self, revision: str, commit: str) -> tuple[GitTree, str | None]:
        """
        Return the spec tree at a commit, and, if the path is one spec file, the path of that in the tree.

        Places in the tree read as ``REVISION:path``, as git takes them.

        Raises:
            SourceError: The path is not there, or not in this repository.
        """
        return self._commits.tree(commit, self._path, self._open, self._large_file, prefix=f"{revision}:")

    def _large_file(self, pointer: Pointer) -> BinaryIO:
        return open_object(self._git.common_dir, pointer.sha256)

    def _lacks(self) -> str:
        """Say that a part of the history is missing, where it is."""
        shallow = self._git.ask("rev-parse", "--is-shallow-repository") == "true"
        return "; the clone is shallow: git fetch --unshallow gets the rest" if shallow else ""

    def _found(self, revision: str) -> str | None:
        answer = self._git.run("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        is_commit = not answer.code and not revision.startswith("-") and re.fullmatch(COMMIT_ID, answer.text)
        return answer.text if is_commit else None

    def _open(self, blob: str) -> BinaryIO:
        file = self._scratch / blob
        if not file.exists():
            part = file.with_suffix(".part")
            with part.open("wb") as stream:
                self._commits.write(blob, stream)
            part.replace(file)
        return file.open("rb")

    def _ask(self, *words: str, stdin: bytes | None = None, into: BinaryIO | None = None) -> Answer:
        answer = self._git.run(*words, stdin=stdin, into=into)
        if answer.code:
            raise SourceError(f"{self._git.root}: git {words[0]}: {answer.reason}")
        return answer
