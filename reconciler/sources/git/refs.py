"""What --ref names in a repository: a short name is a branch, and a tag only where no branch has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.errors import SourceError

_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


def candidates(ref: str) -> tuple[str, ...]:
    """Return the full names that a ref may stand for, the first that exists being meant."""
    if ref == "HEAD" or ref.startswith("refs/"):
        return (ref,)
    return (_HEADS + ref, _TAGS + ref, f"refs/{ref}")


def chosen(ref: str, found: Mapping[str, str], *, was_branch: bool) -> str:
    """
    Return the full name, or the commit itself, that a ref means.

    Args:
        found: What the repository has of the `candidates`, and their object ids.
        was_branch: Whether it has been a branch before: a tag never takes over from one that was deleted.

    Raises:
        SourceError: There is no such thing.
    """
    full = next((name for name in candidates(ref) if name in found), None)
    if full is None and _COMMIT.fullmatch(ref):
        return ref
    if full is None:
        what = "ref" if ref in candidates(ref) else "branch or tag"
        raise SourceError(f"there is no {what} {ref}")
    if full == _TAGS + ref and was_branch:
        raise SourceError(f"the branch {ref} is gone; if the tag of that name is meant, use --ref {full}")
    return full


def ambiguity(ref: str, full: str, found: Mapping[str, str]) -> str | None:
    """Return a sentence if a short name is that of a branch and of a tag; else None."""
    if full != _HEADS + ref or _TAGS + ref not in found:
        return None
    return f"{ref} names a branch and a tag: the branch is followed; --ref {_TAGS}{ref} would follow the tag"
