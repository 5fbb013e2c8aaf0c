"""
Equality of entries under a dataset's policy: exact or by labels, with or without ignored fields.

`entries.entry` defines equality of canonical texts; this module selects the fields that are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from reconciler.core.entries.entry import SOURCE_REF, Fields, canonical, without_service_keys
from reconciler.core.entries.glob import Globs
from reconciler.core.entries.observed_line import UNREADABLE
from reconciler.core.entries.pattern import Pointer, carry, globs, places, text_of, without
from reconciler.core.entries.training_view import meaning


@dataclass(frozen=True, slots=True)
class IgnoreRule:
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
