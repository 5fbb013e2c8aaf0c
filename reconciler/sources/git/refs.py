"""Resolve --ref: a short name is a branch, or a tag if there is no such branch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.errors import SourceError

_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


def candidates(ref: str) -> tuple[str, ...]:
    """Return the full names of a ref, in order of precedence."""
    if ref == "HEAD" or ref.startswith("refs/"):
        return (ref,)
    return (_HEADS + ref, _TAGS + ref, f"refs/{ref}")


def chosen(ref: str, found: Mapping[str, str], *, was_branch: bool) -> str:
    """
    Return the full name of a ref, or the commit itself.

    Args:
        found: Full name -> object id, for those of the `candidates` that exist.
        was_branch: Whether it has been a branch before: a tag never replaces a deleted branch.

    Raises:
        SourceError: It does not exist.
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
    """Return a warning if a short name is both a branch and a tag, or None."""
    if full != _HEADS + ref or _TAGS + ref not in found:
        return None
    return f"{ref} names a branch and a tag: the branch is followed; --ref {_TAGS}{ref} would follow the tag"
