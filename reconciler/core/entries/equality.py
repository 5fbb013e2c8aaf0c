"""
Equality of entries under a dataset's policy, exact or by labels, with or without ignored fields; and what differs.

`entries.entry` defines equality of canonical texts; this module selects the fields that are compared.
DeepDiff only explains differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, NamedTuple

import orjson
from msgspec import Struct

from reconciler.core.entries.entry import SOURCE_REF, Fields, canonical, comparable, without_service_keys
from reconciler.core.entries.glob import Globs
from reconciler.core.entries.observed_line import UNREADABLE
from reconciler.core.entries.pattern import Pointer, carry, globs, places, text_of, without
from reconciler.core.entries.training_view import meaning


class IgnoreRule(Struct, frozen=True):
    """
    Fields that are not compared, and the images this applies to.

    Attributes:
        paths: JSON Pointers whose steps may be globs.
        match: Glob over source-refs; None for every image.
    """

    paths: tuple[Pointer, ...]
    match: str | None = None

    def places(self, fields: Fields) -> Iterator[tuple[Pointer, str]]:
        """Yield the exact pointer of each ignored field of a line, with the name of the rule: its path."""
        for path in self.paths:
            for place in places(fields, path):
                yield place, text_of(path)


@dataclass(frozen=True, slots=True)
class Equality:
    """
    The comparison that a dataset's policy asks for.

    Attributes:
        labels_only: True for ``compare: labels``: only source-ref, labels, boxes and stated image sizes.
        ignore: Rules whose fields are left out on both sides. The source-ref is never left out.
    """

    labels_only: bool = False
    ignore: tuple[IgnoreRule, ...] = ()
    _matches: Globs = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        patterns = globs("**" if rule.match is None else rule.match for rule in self.ignore)
        object.__setattr__(self, "_matches", patterns)

    @property
    def is_exact(self) -> bool:
        return not (self.labels_only or self.ignore)

    def text(self, fields: Fields) -> bytes:
        """Return the compared part of a line: lines count as equal exactly when these texts are equal."""
        own = without_service_keys(fields)
        seen = without(own, frozenset(self.ignored(own)))
        return canonical(_meaning_of(seen, fields[SOURCE_REF]) if self.labels_only else seen)

    def merged(self, desired: Fields, observed: Fields | None) -> Fields:
        """
        Return the line to send: the desired line with the ignored fields of the observed one.

        A field that the observed line lacks keeps its desired value, so that no required field is missing.
        """
        whole = without_service_keys(desired)
        if observed is None or UNREADABLE in observed:
            return whole
        there = without_service_keys(observed)
        for steps in sorted(self.ignored(there)):
            whole = carry(steps, there, whole)
        return whole

    def ignored(self, fields: Fields) -> Mapping[Pointer, str]:
        """Return the exact pointers of a line's ignored fields, each with the name of its rule."""
        return {
            place: name
            for number in self._matches.which(fields[SOURCE_REF])
            for place, name in self.ignore[number].places(fields)
            if place != (SOURCE_REF,)
        }


def _meaning_of(seen: Fields, source_ref: str) -> Fields:
    found = meaning(seen)
    return {
        SOURCE_REF: source_ref,
        "labels": found.labels,
        "boxes": [tuple(box) for box in found.boxes],
        "sizes": found.sizes,
    }


def encode(fields: Fields) -> bytes:
    """Return the line as it is sent: compact, in its author's key order."""
    return orjson.dumps(fields)


# DeepDiff takes about 1 ms for an entry whose lists have changed their length: this many updates, which a person
# may read, are explained with it, and up to EXPLAINED_IN_FULL without. Of the rest only the attributes that differ
# are named.
EXPLAINED_BY_DEEPDIFF: Final = 200
EXPLAINED_IN_FULL: Final = 20_000


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


def field_changes(observed: Fields, desired: Fields) -> tuple[FieldChange, ...]:
    """
    List every field that differs, ordered by path; non-empty exactly when the entries are not equal.

    Takes 30 to 60 µs, but 1 ms where a list has become longer or shorter, as that one is left to DeepDiff.
    """
    return _ordered(_changes_of(comparable(observed), comparable(desired), (), _changes_by_deepdiff))


def quick_field_changes(observed: Fields, desired: Fields) -> tuple[FieldChange, ...]:
    """List the same in 30 to 60 µs for every entry, without DeepDiff: for those that few will read."""
    return _ordered(_changes_of(comparable(observed), comparable(desired), (), _changes_by_index))


def value_changes(before: object, after: object) -> tuple[FieldChange, ...]:
    """List every field in which two values other than entries differ, ordered by path."""
    return tuple(sorted(_changes_of(before, after, (), _changes_by_index), key=_PATH))


def field_changes_at(number: int) -> Callable[[Fields, Fields], tuple[FieldChange, ...]]:
    """Return what finds the fields of the update of a number, from 0, among those of one dataset."""
    if number < EXPLAINED_BY_DEEPDIFF:
        return field_changes
    return quick_field_changes if number < EXPLAINED_IN_FULL else outline


def outline(observed: Fields, desired: Fields) -> tuple[FieldChange, ...]:
    """List the top-level keys that differ, without their values: far cheaper than `field_changes`."""
    before, after = comparable(observed), comparable(desired)
    return tuple(FieldChange(text_of([key]), None, None) for key in _differing(before, after))


_PATH: Final = attrgetter("path")

_OfLists = Callable[[list[Any], list[Any], tuple[object, ...]], Iterator[FieldChange]]
"""Yields the differences between two lists of different lengths at a path."""


def _ordered(changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    found = (FieldChange(path, _in_order(before), _in_order(after)) for path, before, after in changes)
    return tuple(sorted(found, key=_PATH))


def _in_order(value: object) -> object:
    """Return a value with its keys sorted, so that both sides are shown alike."""
    return orjson.loads(_text(value)) if isinstance(value, dict | list) else value


def _changes_of(
    before: object, after: object, place: tuple[object, ...], of_lists: _OfLists
) -> Iterator[FieldChange]:
    """Yield the differences between two values at the path *place*."""
    if isinstance(before, dict | list) and _text(before) == _text(after):
        return  # a tenth of the cost of walking through
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            if key in before and key in after:
                yield from _changes_of(before[key], after[key], (*place, key), of_lists)
            else:
                yield FieldChange(text_of((*place, key)), before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) == len(after):
            for index, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from _changes_of(one, other, (*place, index), of_lists)
        else:
            yield from of_lists(before, after, place)
    elif type(before) is not type(after) or before != after:  # True equals 1
        yield FieldChange(text_of(place), before, after)


def _changes_by_index(
    before: list[Any], after: list[Any], place: tuple[object, ...]
) -> Iterator[FieldChange]:
    common = min(len(before), len(after))
    yield from _changes_of(before[:common], after[:common], place, _changes_by_index)
    for index in range(common, max(len(before), len(after))):
        one, other = (side[index] if index < len(side) else None for side in (before, after))
        yield FieldChange(text_of((*place, index)), one, other)


def _changes_by_deepdiff(
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
            path = text_of((*place, *level.path(output_format="list")))
            yield FieldChange(path, _present(level.t1), _present(level.t2))


def _differing(before: Fields, after: Fields) -> Iterator[str]:
    """Yield, sorted, the keys that one side lacks or whose values differ."""
    for key in sorted(before.keys() | after.keys()):
        if key not in before or key not in after or _text(before[key]) != _text(after[key]):
            yield key


def _text(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _present(value: object) -> object:
    return None if repr(value) == "not present" else value
