"""Say which fields of a changed entry differ. DeepDiff explains here; it never judges (see `core.entry`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from reconciler.core.entry import Fields, canonical


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
    Name every field that differs, ordered by path; non-empty exactly when the entries are not equal.

    Slow, up to 2 ms for a whole entry: call it on changed entries only, and only when somebody will read the
    answer.
    """
    from deepdiff import DeepDiff  # 70 ms to import, and many commands explain nothing

    tree = DeepDiff(
        *_without_common(_comparable(observed), _comparable(desired)),
        view="tree",
        ignore_private_variables=False,  # or keys that start with "__" are not looked at
        zip_ordered_iterables=True,  # or lists of plain values are aligned with ==, which takes True for 1
        threshold_to_diff_deeper=0,  # or objects with few keys in common are not looked into
        verbose_level=2,
    )
    return tuple(sorted(_field_changes(tree), key=lambda change: change.path))


def outline(observed: Fields, desired: Fields) -> tuple[FieldChange, ...]:
    """Name the attributes that differ, without their values: far cheaper than `explain`."""
    before, after = _comparable(observed), _comparable(desired)
    return tuple(FieldChange(_pointer([key]), None, None) for key in _differing(before, after))


def _without_common(before: Fields, after: Fields) -> tuple[Fields, Fields]:
    """Return both without the members that are the same: DeepDiff would take its time with those, too."""
    left, right = dict(before), dict(after)
    for key in before.keys() & after.keys():
        one, other = before[key], after[key]
        if orjson.dumps(one) == orjson.dumps(other):
            del left[key], right[key]
        elif isinstance(one, dict) and isinstance(other, dict):
            left[key], right[key] = _without_common(one, other)
    return left, right


def _differing(before: Fields, after: Fields) -> Iterator[str]:
    """Give the keys that one side lacks, or whose values differ, sorted."""
    for key in sorted(before.keys() | after.keys()):
        if key not in before or key not in after or orjson.dumps(before[key]) != orjson.dumps(after[key]):
            yield key


def _comparable(fields: Fields) -> Fields:
    parsed: Fields = orjson.loads(canonical(fields))
    return parsed


def _field_changes(tree: Mapping[str, Iterable[Any]]) -> Iterator[FieldChange]:
    for levels in tree.values():
        for level in levels:
            path = _pointer(level.path(output_format="list"))
            yield FieldChange(path, _present(level.t1), _present(level.t2))


def _pointer(steps: Iterable[object]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def _present(value: object) -> object:
    return None if repr(value) == "not present" else value
