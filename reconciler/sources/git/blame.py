"""Find the commit that last changed a line."""

from __future__ import annotations

from pathlib import Path

from reconciler.core.explanation import Blame
from reconciler.errors import SourceError
from reconciler.sources.git import checkout
from reconciler.sources.git.conversion import State, state_of


def blame(file: Path, line: int) -> Blame | None:
    """
    Return the commit that last changed a line of a file.

    None outside git, if git fails, and for a file with uncommitted changes, whose line numbers differ.
    """
    try:
        found = checkout.find(file.parent)
        if found is None:
            return None
        path = file.relative_to(found.root).as_posix()
        with checkout.opened(found) as git:
            if state_of(git, "HEAD", path).state is not State.CLEAN:
                return None
            words = ("blame", "--no-textconv", "--porcelain", "-L", f"{line},{line}", "HEAD", "--", path)
            answer = git.ask(*words)
    except (OSError, SourceError):
        return None
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
