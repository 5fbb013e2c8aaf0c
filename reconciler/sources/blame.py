"""Who wrote a line last."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from reconciler.core.story import Blame
from reconciler.sources import git
from reconciler.sources.branch import toplevel

_TIMEOUT_SECONDS: Final = 20


def blame(file: Path, line: int) -> Blame | None:
    """
    Ask git about one line of a file.

    None outside git, where git cannot say, and for a file that is not as it was committed: its line numbers
    are others then. No filter of the repository runs.
    """
    root = toplevel(file.parent)
    if root is None:
        return None
    path = file.relative_to(root).as_posix()
    committed = _ask(root, "rev-parse", "--verify", f"HEAD:{path}")
    if committed is None or committed != _ask(root, "hash-object", "--no-filters", "--", str(file)):
        return None
    words = ("blame", "--no-textconv", "--porcelain", "-L", f"{line},{line}", "HEAD", "--", path)
    answer = _ask(root, *words)
    return _read(answer) if answer else None


def _read(porcelain: str) -> Blame:
    first, *rest = porcelain.split("\n")
    facts = dict(fact.partition(" ")[::2] for fact in rest if not fact.startswith("\t"))
    return Blame(
        commit=first.split(" ")[0],
        author=facts.get("author", ""),
        at=float(facts.get("author-time", 0)),
        summary=facts.get("summary", ""),
    )


def _ask(root: Path, *words: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *words],
            cwd=root,
            env=git.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(answer.stdout).strip("\n") if answer.returncode == 0 else None
