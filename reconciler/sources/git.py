"""The git program, asked without prompts, without surprises and with a deadline."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from reconciler.core.checkup import Check, Finding, Mark

_TIMEOUT_SECONDS: Final = 10
_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

_INSTALL: Final = "install git: revisions, explain, propose --branch and run --git need it"

# A git hook, or whoever else runs us from inside git, sets these: they would point at another repository.
_FOREIGN: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")


def head(directory: Path) -> str | None:
    """
    Return the commit that *directory* is checked out at; None outside git, or if git cannot say.

    Outside git nothing is run. Whether the checkout was edited since is not looked at: that would run
    filters from the repository's own configuration, which may be somebody else's.
    """
    if not _is_within_git(directory):
        return None
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--verify", "HEAD^{commit}"],
            cwd=directory,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    commit = answer.stdout.strip()
    return commit if answer.returncode == 0 and _SHA.fullmatch(commit) else None


def program(path: Path) -> Finding | None:
    """Judge the git program, for specs in *path*; None outside git, where none is needed."""
    directory = path.absolute()
    if not _is_within_git(directory):
        return None
    found = shutil.which("git")
    if found is None:
        text = f"{path} is kept in git, and there is no git program"
        return Finding(Check.GIT, Mark.WARNING, text, _INSTALL)
    commit = head(directory if directory.is_dir() else directory.parent)
    if commit is None:
        text = f"{found} cannot tell which commit {path} is at"
        return Finding(Check.GIT, Mark.WARNING, text, "commit the specs, or see `git status`")
    return Finding(Check.GIT, Mark.OK, f"{found}; {path} is at {commit[:12]}")


def _is_within_git(directory: Path) -> bool:
    return any((parent / ".git").exists() for parent in (directory, *directory.parents))


def environment(*config: tuple[str, str]) -> dict[str, str]:
    """
    Return the environment for a git process.

    A sidecar reads what another user checked out; git calls that dubious ownership unless it is told.
    What the environment configures already, such as who may sign, stays.

    Args:
        config: What else is configured for it, in order.
    """
    kept = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    count = kept.get("GIT_CONFIG_COUNT", "")
    ours = int(count) if count.isascii() and count.isdigit() else 0
    settings = (("safe.directory", "*"), *config)
    for number, (key, value) in enumerate(settings, ours):
        kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return kept | {
        "GIT_CONFIG_COUNT": str(ours + len(settings)),
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
