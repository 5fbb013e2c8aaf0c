"""
Decide whether a YAML file that was found in the tree is meant for this program.

A real repository holds YAML of many programs, which is skipped. But a spec with a misspelt apiVersion must not be
skipped: whatever resembles one of our documents counts as one, and is read or reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from reconciler.core.spec.documents import API_VERSION, DOCUMENTS

SUFFIXES: Final = (".yaml", ".yml")
_OURS: Final = "reconciler/"
_NEAR_RATIO: Final = 0.85

# A line, or a member in braces, with the kind or the version of a document. Nested ones match too.
_LABEL: Final = re.compile(
    r"""(?im)(?:^|[{,])[ \t-]*["']?(kind|api_?ver\w*)["']?[ \t]*:[ \t]*["']?([^\s"',}#]+)"""
)
_MEMBER: Final = re.compile(r"""(?m)(?:^|[{,])[ \t]*["']?(\w+)["']?[ \t]*:""")
_DATASET: Final = frozenset({"entries", "target"})
_ENTRIES: Final = frozenset({"images", "createdAt"})
_FIELDS: Final = frozenset({"metadata", "spec", "images", "base", "createdAt", "dataset"})
# What git writes in place of a link where the file system has no links: the target as text.
_LINK_TEXT: Final = re.compile(rb"[^\s:#{}\[\],&*!|>'\"%@`]+\.ya?ml", re.IGNORECASE)


def is_yaml(path: str) -> bool:
    """Return whether a file name has a YAML suffix."""
    return path.lower().endswith(SUFFIXES)


def is_link_text(data: bytes) -> bool:
    """Return whether a file contains only the path of another YAML file."""
    return _LINK_TEXT.fullmatch(data.strip()) is not None


def may_be_ours(text: str) -> bool:
    """Return whether a text may contain one of our documents, without the cost of parsing it."""
    return _OURS in text or seems_ours(text)


def seems_ours(text: str) -> bool:
    """Return whether a text that cannot be parsed resembles one of our documents."""
    labels = [(found[1].lower(), found[2]) for found in _LABEL.finditer(text)]
    versions = [value for key, value in labels if key != "kind"]
    if any(map(_near_version, versions)):
        return True
    members = {found[1] for found in _MEMBER.finditer(text)}
    if members >= _DATASET or members >= _ENTRIES:
        return True
    near = any(_near_kind(value) for key, value in labels if key == "kind")
    return near and (not all(map(_is_foreign, versions)) if versions else not _FIELDS.isdisjoint(members))


def is_ours(value: Any) -> bool:
    """Return whether a document is meant for this program, misspelt keys and lists of such documents included."""
    if (inner := as_list(value)) is not None:
        return any(map(is_ours, inner))
    if not isinstance(value, Mapping):
        return False
    if any(isinstance(inner, str) and inner.startswith(_OURS) for inner in value.values()):
        return True
    version, kind = _member(value, "apiversion"), _member(value, "kind")
    if (isinstance(version, str) and _near_version(version)) or _has_our_shape(value):
        return True
    if not isinstance(kind, str) or not _near_kind(kind):
        return False
    return not _is_foreign(version) if isinstance(version, str) else not _FIELDS.isdisjoint(value)


def as_list(value: Any) -> list[Any] | None:
    """Return the items of a list of documents, as such or as kubectl prints several; None if it is neither."""
    items = value.get("items") if isinstance(value, Mapping) and value.get("kind") == "List" else value
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else None


def _member(value: Mapping[str, Any], name: str) -> object:
    return next((inner for key, inner in value.items() if key.lower() == name), None)


def _has_our_shape(value: Mapping[str, Any]) -> bool:
    spec = value.get("spec")
    return value.keys() >= _ENTRIES or (isinstance(spec, Mapping) and spec.keys() >= _DATASET)


def _is_foreign(version: str) -> bool:
    """Return whether an apiVersion belongs to another program: Kubernetes groups contain a domain."""
    group, slash, _ = version.partition("/")
    return bool(slash) and "." in group and not _near_version(version)


@lru_cache(maxsize=1_000)
def _near_version(version: str) -> bool:
    short = version[:100].lower()
    return "reconcil" in short or _is_near(short, API_VERSION)


@lru_cache(maxsize=1_000)
def _near_kind(kind: str) -> bool:
    short = kind[:100].lower()
    return any(_is_near(short, name.lower()) for name in DOCUMENTS)


def _is_near(word: str, known: str) -> bool:
    from difflib import SequenceMatcher  # only what looks like another tool's file needs it

    return SequenceMatcher(None, word, known).ratio() >= _NEAR_RATIO
