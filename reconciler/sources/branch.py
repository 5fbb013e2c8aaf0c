"""A commit on a new branch, made without touching anybody's work tree, index or current branch."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.errors import OutputError, UsageError
from reconciler.sources import git

_TIMEOUT_SECONDS: Final = 60


def toplevel(directory: Path) -> Path | None:
    """Return the root of the work tree that a directory lies in; None outside git. Runs nothing."""
    return next((parent for parent in (directory, *directory.parents) if (parent / ".git").exists()), None)


def commit_to(branch: str, root: Path, files: Mapping[str, Path], message: str) -> str:
    """
    Commit whole new files on top of HEAD, to a branch that is new.

    Bytes go in as they are: no filter and no hook of the repository runs.

    Args:
        root: Of the work tree.
        files: Their new content, by path from the root.

    Returns:
        The commit.

    Raises:
        UsageError: The branch is there already or cannot be called so, or one of the files holds changes that
            are not committed: the commit would take them along.
        OutputError: git could not do it.
    """
    with tempfile.TemporaryDirectory(prefix="reconciler-") as scratch:
        repository = _Repository(root, {"GIT_INDEX_FILE": str(Path(scratch, "index"))})
        if not repository.holds("check-ref-format", "--branch", branch):
            raise UsageError(f"--branch {branch}: not a name for a branch")
        if repository.holds("show-ref", "--verify", "--quiet", f"refs/heads/{branch}"):
            raise UsageError(f"--branch {branch}: there is one already; choose another name, or delete it")
        head = repository.ask("rev-parse", "--verify", "HEAD^{commit}")
        repository.ask("read-tree", head)
        for path, content in files.items():
            mode = repository.committed_mode(head, path, root / path)
            blob = repository.ask("hash-object", "-w", "--no-filters", "--", str(content))
            repository.ask("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}")
        tree = repository.ask("write-tree")
        commit = repository.ask("commit-tree", tree, "-p", head, "-F", "-", stdin=message)
        repository.ask("update-ref", f"refs/heads/{branch}", commit, "0" * len(commit))
        return commit


class _Repository:
    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = {**git.environment(), **environment}

    def holds(self, *words: str) -> bool:
        """Tell whether a question is answered with yes."""
        return self._run(words).returncode == 0

    def ask(self, *words: str, stdin: str = "") -> str:
        """
        Return what git says.

        Raises:
            OutputError: It says no.
        """
        answer = self._run(words, stdin)
        if answer.returncode:
            reason = os.fsdecode(answer.stderr).strip() or f"exit code {answer.returncode}"
            raise OutputError(f"git {words[0]}: {reason}; no branch was made")
        return os.fsdecode(answer.stdout).strip()

    def committed_mode(self, commit: str, path: str, file: Path) -> str:
        """
        Return the mode of a file; that of a plain file for one that is new.

        Raises:
            UsageError: The file on the disk is not the one in the commit.
        """
        entry = self.ask("ls-tree", "-z", "--full-tree", commit, "--", f":(literal){path}").rstrip("\0")
        known = entry.partition("\t")[0].split(" ") if entry else None
        if file.exists() != (known is not None):
            raise UsageError(f"{path}: not in the commit that the branch starts from; commit it first")
        if known is None:
            return "100644"
        if self.ask("hash-object", "--no-filters", "--", str(file)) != known[2]:
            raise UsageError(f"{path}: holds changes that are not committed; commit them first")
        return known[0]

    def _run(self, words: tuple[str, ...], stdin: str = "") -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["git", *words],
                cwd=self._root,
                env=self._environment,
                input=stdin.encode(errors="surrogateescape"),
                capture_output=True,
                timeout=_TIMEOUT_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise OutputError(f"git {words[0]}: {exc}; no branch was made") from exc
