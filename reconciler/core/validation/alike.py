"""
The fast path for lines that are alike: each with boxes of the same attribute, and nothing else.

Such a line is decoded straight to what it must be, so that less is left to check in Python than in `fast`, where
a line may have any attributes; and what tells a repeated key, or an odd image, is asked of all lines at once.
Other lines are left to `fast`, those with very small boxes among them. Its property tests hold here as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import repeat
from typing import Annotated, Any, Final, Literal, NamedTuple

from msgspec import Meta, Raw, Struct, defstruct, field
from msgspec.json import Decoder

from reconciler.core.entries.entry import SOURCE_REF
from reconciler.core.runtime import quotas
from reconciler.core.validation import fast
from reconciler.core.validation.checked_line import CheckedLine, CheckedLines, LabelKinds, Outcome
from reconciler.core.validation.fast import (
    CLEAN_BOXES,
    DECIMALS,
    DOUBTS,
    DoubtError,
    check_beside_boxes,
    check_together,
    is_ordinary,
    metadata_key,
    without_boxes,
)

_PAUSE: Final = 50
"""Blocks that are not tried after one in which most lines were decoded in vain."""

_COMMAS: Final = 2
"""Between the source-ref, the boxes and their metadata."""

_is_word: Final = re.compile(r"[\w-]+").fullmatch
_members: Final = Decoder(dict[str, Raw]).decode

# Longer than a pixel however far training scales the image down: its size need not be known.
_Length = Annotated[int, Meta(ge=fast.LONG_ENOUGH_SCALED, le=quotas.MAX_IMAGE_SIDE)]


class _Annotation(Struct, forbid_unknown_fields=True, gc=False):
    class_id: fast.ClassId
    left: fast.Offset
    top: fast.Offset
    width: _Length
    height: _Length


class _Boxes(Struct, forbid_unknown_fields=True, gc=False):
    image_size: Annotated[list[fast.Size], Meta(min_length=1, max_length=1)]
    annotations: Annotated[list[_Annotation], Meta(max_length=quotas.MAX_BOXES_PER_IMAGE)]


class _Metadata(Struct, forbid_unknown_fields=True, gc=False, rename=fast.renamed):
    objects: list[fast.Confidence]
    class_map: dict[str, fast.Name]
    type: Literal["groundtruth/object-detection"]
    human_annotated: Literal["yes", "no"]
    creation_date: datetime
    job_name: str | None = None
    adjustment_status: str | None = None


class LinesAlike:
    """
    Checks blocks of lines.

    Args:
        otherwise: Checks those that may have a problem beyond those that `fast.check_clean` knows.
    """

    def __init__(self, otherwise: Callable[[bytes], CheckedLine]) -> None:
        self._otherwise = otherwise
        self._pause = 0

    def check_all(self, texts: Sequence[bytes]) -> CheckedLines:
        """Check consecutive lines, at least one."""
        self._pause -= 1
        name = None if self._pause > 0 else _only_attribute(texts[0])
        if name is None or name != _only_attribute(texts[-1]) or max(map(len, texts)) > quotas.MAX_LINE_CHARS:
            return check_together(texts, self._otherwise)
        found, doubtful = _check_alike(texts, name)
        if 2 * len(doubtful) > len(texts):
            self._pause = _PAUSE
        if doubtful:
            others = check_together([texts[row] for row in doubtful], self._otherwise)
            for row, ref, labels, outcome in zip(doubtful, *others, strict=True):
                found.source_refs[row], found.labels[row], found.outcomes[row] = ref, labels, outcome
        return CheckedLines(*found)


class _Found(NamedTuple):
    """`CheckedLines` of which some are put in later."""

    source_refs: list[str | None]
    labels: list[Collection[str]]
    outcomes: list[Outcome]


def _only_attribute(raw: bytes) -> str | None:
    """Return the name of the attribute of a line that has no other; None for any other line, and odd names."""
    try:
        others = sorted(_members(raw).keys() - {SOURCE_REF})
        is_pair = len(others) == 2 and others[1] == metadata_key(others[0])
    except DOUBTS:
        return None
    return others[0] if is_pair and _is_word(others[0]) else None


@lru_cache(maxsize=8)
def _decoder(name: str) -> Callable[[bytes], Any]:
    """Return what decodes a line whose attribute has that name."""
    fields = [
        ("ref", str, field(name=SOURCE_REF)),
        ("boxes", _Boxes, field(name=name)),
        ("metadata", _Metadata, field(name=metadata_key(name))),
    ]
    return Decoder(defstruct("_Line", fields, forbid_unknown_fields=True, gc=False)).decode


def _check_alike(texts: Sequence[bytes], name: str) -> tuple[_Found, Sequence[int]]:
    """Check lines with boxes of one attribute; return what was found, and the rows of those left to `fast`."""
    decode, empty = _decoder(name), (LabelKinds.BOXES, without_boxes((name,), no_label=True))
    refs: list[str] = []
    of_lines: list[Collection[str]] = []
    outcomes, commas = [], []
    for raw in texts:
        labels: dict[str, None] = {}
        ref, expected, outcome = "", 0, CLEAN_BOXES
        try:
            line = decode(raw)
            expected = _check_boxes(line.boxes, line.metadata, labels)
            if not labels and line.metadata.human_annotated == "yes":
                outcome = empty
            ref = line.ref
        except DOUBTS:
            pass
        refs.append(ref)
        of_lines.append(labels)
        outcomes.append(outcome)
        commas.append(expected)
    found = _Found([*refs], of_lines, outcomes)
    are_ordinary, counted = [*map(is_ordinary, refs)], [*map(bytes.count, texts, repeat(b","))]
    if commas == counted and None not in are_ordinary:
        return found, ()
    return found, [row for row, sound in enumerate(are_ordinary) if not sound or commas[row] != counted[row]]


def _check_boxes(value: _Boxes, metadata: _Metadata, labels: dict[str, None]) -> int:
    """Check the boxes of a line, add their labels, and return the number of commas in the line."""
    boxes, names, (size,) = value.annotations, metadata.class_map, value.image_size
    width, height = size.width, size.height
    for box in boxes:
        if box.left + box.width > width or box.top + box.height > height:
            raise DoubtError
        labels[names[DECIMALS[box.class_id]]] = None
    return _COMMAS + check_beside_boxes(size, len(boxes), metadata)
