"""
The fields in which two versions of an entry differ.

DeepDiff only explains differences; `entries.entry` decides whether there are any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from reconciler.core.entries.entry import Fields, canonical


class FieldChange(NamedTuple):
    """
    One field that differs.

    Attributes:
        path: JSON Pointer, such as ``/bounding-box/annotations/0/top``.
        before: The observed value; None where there was none.
        after: The desired value; None where there will be none.
    """

    path: str
    before: Any
    after: Any


def explain(observed: Fields, desired: Fields) -> tuple[FieldChange, ...]:
    """
    List every field that differs, ordered by path; non-empty exactly when the entries are not equal.

    Takes up to 2 ms where lists differ: call it on changed entries only, and only if the result is shown.
    """
    changes = _changes_of(_comparable(observed), _comparable(desired), ())
    return tuple(sorted(changes, key=lambda change: change.path))


def outline(observed: Fields, desired: Fields) -> tuple[FieldChange, ...]:
    """List the top-level keys that differ, without their values: far cheaper than `explain`."""
    before, after = _comparable(observed), _comparable(desired)
    return tuple(FieldChange(_pointer([key]), None, None) for key in _differing(before, after))


def _changes_of(before: Fields, after: Fields, place: tuple[object, ...]) -> Iterator[FieldChange]:
    """Yield the differences between two objects at the path *place*."""
    for key in _differing(before, after):
        one, other = before.get(key), after.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _changes_of(one, other, (*place, key))
        elif isinstance(one, list) and isinstance(other, list):
            yield from _changes_of_lists(one, other, (*place, key))
        else:
            yield FieldChange(_pointer((*place, key)), one, other)


def _changes_of_lists(
    before: list[Any], after: list[Any], place: tuple[object, ...]
) -> Iterator[FieldChange]:
    from deepdiff import DeepDiff  # takes 70 ms to import, and many commands never need it

    tree = DeepDiff(
        before,
        after,
        view="tree",
        ignore_private_variables=False,  # else keys that start with "__" are skipped
        zip_ordered_iterables=True,  # else lists of plain values are aligned with ==, where True equals 1
        threshold_to_diff_deeper=0,  # else objects with few common keys are not compared key by key
        verbose_level=2,
    )
    for levels in tree.values():
        for level in levels:
            path = _pointer((*place, *level.path(output_format="list")))
            yield FieldChange(path, _present(level.t1), _present(level.t2))


def _differing(before: Fields, after: Fields) -> Iterator[str]:
    """Yield, sorted, the keys that one side lacks or whose values differ."""
    for key in sorted(before.keys() | after.keys()):
        if key not in before or key not in after or orjson.dumps(before[key]) != orjson.dumps(after[key]):
            yield key


def _comparable(fields: Fields) -> Fields:
    parsed: Fields = orjson.loads(canonical(fields))
    return parsed


def _pointer(steps: Iterable[object]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def _present(value: object) -> object:
    return None if repr(value) == "not present" else value
