"""
The edit of an entry in git that makes it equal to the observed one and changes nothing else.

The mirror of `Equality.merged`: there the desired entry takes ignored fields from the observed one, here the
observed entry takes them from the desired one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from reconciler.core.entries.entry import (
    CLASSIFICATION,
    DETECTION,
    METADATA,
    Fields,
    without_service_keys,
)
from reconciler.core.entries.equality import Equality
from reconciler.core.entries.pattern import Pointer, without
from reconciler.core.entries.training_view import attributes, meaning

# The keys of a detection attribute that describe boxes, in its value and in its metadata.
_BOXES_IN_VALUE = ("annotations", "image_size")
_BOXES_IN_METADATA = ("class-map", "objects")


def wanted(desired: Fields | None, observed: Fields, equality: Equality) -> Fields:
    """Return the line that git should hold, without the keys that the service added."""
    there = without_service_keys(observed)
    if desired is None:
        return there
    ours = without_service_keys(desired)
    if equality.labels_only:
        there = _relabelled(ours, there)
    kept = equality.merged(there, ours)
    return _without_ignored(kept, ours, equality)


def _without_ignored(fields: Fields, ours: Fields, equality: Equality) -> Fields:
    """Remove ignored fields that git does not hold, from objects that it does hold."""
    gone = {
        place
        for place in equality.ignored(fields)
        if not _holds(ours, place) and _holds(ours, place[:-1]) and len(place) > 1
    }
    return without(fields, frozenset(gone)) if gone else fields


def _holds(value: Any, place: Pointer) -> bool:
    for step in place:
        match value:
            case dict() if step in value:
                value = value[step]
            case list() if step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            case _:
                return False
    return True


def _relabelled(ours: Fields, theirs: Fields) -> Fields:
    """
    Return the line of git with the labels and boxes of AWS.

    Attributes are merged one by one, so that names, dates and jobs stay. If the result does not mean the same
    to training as *theirs*, return *theirs*.
    """
    goal = meaning(theirs)
    missing = set(goal.labels)
    result: Fields = {}
    for key, value in ours.items():
        metadata = ours.get(key + METADATA)
        if key.endswith(METADATA) and key.removesuffix(METADATA) in ours and isinstance(value, dict):
            continue  # handled with its attribute
        if not isinstance(metadata, dict):
            result[key] = value
        elif (pair := _kept_pair(key, value, metadata, theirs, missing)) is not None:
            result[key], result[key + METADATA] = pair
            missing.discard(pair[1].get("class-name"))
    for key, value, metadata in attributes(theirs):
        name = metadata.get("class-name")
        is_new = name in missing if metadata.get("type") == CLASSIFICATION else key not in ours
        if is_new and key not in result:
            result[key], result[key + METADATA] = value, metadata
            missing.discard(name)
    # A line with other fields but no label attribute is an error to AWS.
    stands = len(result) == 1 or any(True for _ in attributes(result))
    return result if stands and meaning(result) == goal else theirs


def _kept_pair(
    key: str, value: Any, metadata: Fields, theirs: Fields, missing: set[str]
) -> tuple[Any, Fields] | None:
    """Return the new value and metadata of one attribute of git; None to remove it."""
    there = theirs.get(key + METADATA)
    other: Fields = there if isinstance(there, dict) else {}
    same_kind = other.get("type") == metadata.get("type")
    match metadata.get("type"):
        case str(kind) if kind == CLASSIFICATION:
            if metadata.get("class-name") in missing:
                return value, metadata
            if same_kind and other.get("class-name") in missing:
                return value, {**metadata, "class-name": other["class-name"]}
            return None
        case str(kind) if kind == DETECTION:
            if not same_kind or not isinstance(value, dict) or not isinstance(theirs[key], dict):
                return None
            if _boxes_of(value, metadata) == _boxes_of(theirs[key], other):
                return value, metadata
            return value | _only(theirs[key], _BOXES_IN_VALUE), metadata | _only(other, _BOXES_IN_METADATA)
        case _:
            return value, metadata


def _boxes_of(value: Any, metadata: Mapping[str, Any]) -> object:
    found = meaning({"x": value, "x" + METADATA: metadata})
    return Counter(found.boxes), found.sizes


def _only(fields: Fields, keys: tuple[str, ...]) -> Fields:
    return {key: fields[key] for key in keys if key in fields}
