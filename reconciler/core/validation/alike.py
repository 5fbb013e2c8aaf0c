"""
The fast path for lines that are alike: each with boxes of one attribute, or with image-level labels, alone.

Such a line is decoded straight to what it must be, so that less is left to check in Python than in `fast`, where
a line may have any attributes; and what tells a repeated key, or an odd image, is asked of all lines at once.
Other lines are left to `fast`, those with very small boxes among them. Its property tests hold here as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import accumulate, chain, pairwise, repeat
from typing import Annotated, Any, Final, Literal, NamedTuple

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, defstruct, field
from msgspec.json import Decoder

from reconciler.core.entries.entry import SOURCE_REF
from reconciler.core.runtime import quotas
from reconciler.core.validation import fast
from reconciler.core.validation.checked_line import CheckedLine, CheckedLines, LabelKinds, Outcome, each
from reconciler.core.validation.fast import (
    CLEAN_BOXES,
    CLEAN_IMAGE_LEVEL,
    CLEAN_UNLABELLED,
    DECIMALS,
    DOUBTS,
    DoubtError,
    are_unsuspicious,
    check_beside_boxes,
    check_together,
    is_ordinary,
    metadata_key,
    without_boxes,
)

_PAUSE: Final = 50
"""Blocks in which a way is not tried after one in which it was in vain for most lines."""

_MAX_NAMES: Final = 256
"""Names of attributes of which each has a decoder of its own, made in 30 µs."""

_COMMAS: Final = 2
"""Between the source-ref, the boxes and their metadata."""

_LABEL_COMMAS: Final = 6
"""Inside the metadata of an image-level label that have every key."""

_is_odd: Final = (1).__and__
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
    job_name: str | UnsetType = UNSET
    adjustment_status: str | UnsetType = UNSET


class _Label(Struct, forbid_unknown_fields=True, gc=False, rename=fast.renamed):
    class_name: fast.Name
    confidence: fast.Share
    type: Literal["groundtruth/image-classification"]
    human_annotated: Literal["yes", "no"]
    creation_date: datetime
    job_name: str | UnsetType = UNSET
    adjustment_status: str | UnsetType = UNSET


_decode_labels: Final = Decoder(dict[str, str | fast.Value | _Label]).decode


class LinesAlike:
    """
    Checks blocks of lines.

    Args:
        warned: Checks those with common warnings, and clean ones as well; returns None for others.
        slowly: Checks any.
    """

    def __init__(
        self, warned: Callable[[bytes], CheckedLine | None], slowly: Callable[[bytes], CheckedLine]
    ) -> None:
        self._warned, self._slowly = warned, slowly
        self._pause = 0
        self._doubts = 0  # lines of a block that `fast` left to others
        self._warned_blocks = 0  # that are still to be checked for warnings first
        self._are_mixed = False  # the names of attributes
        self._decoders: dict[bytes, Callable[[bytes], Any]] = {}

    def check_all(self, texts: Sequence[bytes]) -> CheckedLines:
        """Check consecutive lines, at least one."""
        self._pause -= 1
        check = self._way(texts) if self._pause <= 0 else None
        if check is None or max(map(len, texts)) > quotas.MAX_LINE_CHARS:
            return self._check_others(texts)
        found, doubtful = check(texts)
        if 2 * len(doubtful) > len(texts):
            self._pause, self._are_mixed = _PAUSE, True
        if doubtful:
            others = self._check_others([texts[row] for row in doubtful])
            for row, ref, labels, outcome in zip(doubtful, *others, strict=True):
                found.source_refs[row], found.labels[row], found.outcomes[row] = ref, labels, outcome
        return CheckedLines(*found)

    def _check_others(self, texts: Sequence[bytes]) -> CheckedLines:
        """Check lines one by one; by `fast` first, unless it was in vain for most of some block before."""
        self._warned_blocks -= 1
        if self._warned_blocks > 0:
            return each(self._check_warned_first, texts)
        self._doubts = 0
        found = check_together(texts, self._check_doubtful)
        if 2 * self._doubts > len(texts):
            self._warned_blocks = _PAUSE
        return found

    def _check_doubtful(self, raw: bytes) -> CheckedLine:
        self._doubts += 1
        return self._warned(raw) or self._slowly(raw)

    def _check_warned_first(self, raw: bytes) -> CheckedLine:
        return self._warned(raw) or fast.check_clean(raw) or self._slowly(raw)

    def _way(self, texts: Sequence[bytes]) -> Way | None:
        """Return how to check lines like the first and the last of these; None if not in bulk."""
        first, last = texts[0], texts[-1]
        if _is_labelled(first) or _is_labelled(last):
            return _check_labels
        name, other = _only_attribute(first), _only_attribute(last)
        if name is None or other is None:
            return None
        self._are_mixed |= name != other
        return partial(_check_alike, self._decode if self._are_mixed else _decoder(name))

    def _decode(self, raw: bytes) -> Any:
        """Decode a line with boxes of any attribute whose key is the second of the line."""
        name = raw.split(b'"', 6)[5]
        decode = self._decoders.get(name)
        if decode is None:
            if len(self._decoders) == _MAX_NAMES:
                raise DoubtError
            decode = self._decoders[name] = _decoder(name.decode())
        return decode(raw)


class _Found(NamedTuple):
    """`CheckedLines` of which some are put in later."""

    source_refs: list[str | None]
    labels: list[Collection[str]]
    outcomes: list[Outcome]


def _is_labelled(raw: bytes) -> bool:
    """Return whether a line has labels of the image, and no boxes."""
    return b'"groundtruth/image-classification"' in raw and b'"image_size"' not in raw


def _only_attribute(raw: bytes) -> str | None:
    """Return the name of the attribute of a line that has no other; None for any other line, and odd names."""
    try:
        others = sorted(_members(raw).keys() - {SOURCE_REF})
        is_pair = len(others) == 2 and others[1] == metadata_key(others[0])
    except DOUBTS:
        return None
    return others[0] if is_pair and _is_word(others[0]) else None


Way = Callable[[Sequence[bytes]], tuple[_Found, Sequence[int]]]
"""Checks lines of one sort; returns what was found, and the rows of those left to `fast`."""


@lru_cache(maxsize=8)
def _decoder(name: str) -> Callable[[bytes], Any]:
    """Return what decodes a line whose attribute has that name."""
    fields = [
        ("ref", str, field(name=SOURCE_REF)),
        ("boxes", _Boxes, field(name=name)),
        ("metadata", _Metadata, field(name=metadata_key(name))),
    ]
    of_class = {"outcome_without_boxes": (LabelKinds.BOXES, without_boxes((name,), no_label=True))}
    line = defstruct("_Line", fields, namespace=of_class, forbid_unknown_fields=True, gc=False)
    return Decoder(line).decode


def _check_alike(decode: Callable[[bytes], Any], texts: Sequence[bytes]) -> tuple[_Found, Sequence[int]]:
    """Check lines with boxes of one attribute; return what was found, and the rows of those left to `fast`."""
    refs: list[str] = []
    of_lines: list[Collection[str]] = []
    outcomes, commas = [], []
    for raw in texts:
        labels: dict[str, None] = {}
        try:
            line = decode(raw)
            metadata, boxes, (size,) = line.metadata, line.boxes.annotations, line.boxes.image_size
            names, width, height = metadata.class_map, size.width, size.height
            for box in boxes:
                if box.left + box.width > width or box.top + box.height > height:
                    raise DoubtError
                labels[names[DECIMALS[box.class_id]]] = None
            expected = _COMMAS + check_beside_boxes(size, len(boxes), metadata)
            is_empty = not boxes and metadata.human_annotated == "yes"
            ref, outcome = line.ref, line.outcome_without_boxes if is_empty else CLEAN_BOXES
        except DOUBTS:
            ref, outcome, expected = "", CLEAN_BOXES, raw.count(b",")
        refs.append(ref)
        of_lines.append(labels)
        outcomes.append(outcome)
        commas.append(expected)
    found, are_ordinary = _Found([*refs], of_lines, outcomes), [*map(is_ordinary, refs)]
    # None has fewer commas than expected, so that none has more if all together have not.
    have_more = sum(commas) != b"".join(texts).count(b",")
    if not have_more and None not in are_ordinary:
        return found, ()
    counted = map(bytes.count, texts, repeat(b",")) if have_more else commas
    rows = enumerate(zip(are_ordinary, commas, counted, strict=True))
    return found, [row for row, (sound, least, count) in rows if not sound or least != count]


def _check_labels(texts: Sequence[bytes]) -> tuple[_Found, Sequence[int]]:
    """Check lines with labels of the image, or none; return the same as `_check_alike`."""
    lines: list[dict[str, Any]] = []
    failed: list[int] = []
    for row, raw in enumerate(texts):
        try:
            lines.append(_decode_labels(raw))
        except DOUBTS:
            failed.append(row)
            lines.append({SOURCE_REF: ""})
    try:
        refs = [fields.pop(SOURCE_REF) for fields in lines]
        are_ordinary = [*map(is_ordinary, refs)]
        commas = b"".join(texts).count(b",") - sum(texts[row].count(b",") for row in failed)
        labels = _labels_of(lines, commas)
    except (*DOUBTS, TypeError):  # a TypeError is one of a source-ref that is no text
        nothing: list[str | None] = [None] * len(texts)
        return _Found(nothing, [()] * len(texts), [CLEAN_UNLABELLED] * len(texts)), range(len(texts))
    outcomes = [CLEAN_IMAGE_LEVEL if fields else CLEAN_UNLABELLED for fields in lines]
    doubtful = [row for row, sound in enumerate(are_ordinary) if not sound] if None in are_ordinary else ()
    return _Found(refs, labels, outcomes), doubtful


def _labels_of(lines: Sequence[dict[str, Any]], commas: int) -> list[Collection[str]]:
    """
    Return the labels of each line, given by its fields but for the source-ref.

    Args:
        commas: In the texts of all lines. None has fewer than its fields imply, so that none has more if all
            together have not.

    Raises:
        DoubtError: Some line is not certainly clean.
    """
    keys = [*chain.from_iterable(lines)]
    values = [*chain.from_iterable(map(dict.values, lines))]
    names, metadata, counts = keys[::2], values[1::2], [*map(len, lines)]
    if (
        keys[1::2] != [*map(metadata_key, names)]
        or any(map(_is_odd, counts))
        or not {int}.issuperset(map(type, values[::2]))
        or not {_Label}.issuperset(map(type, metadata))
        or max(counts) > 2 * quotas.MAX_LABELS_PER_IMAGE
    ):
        raise DoubtError
    labels = [item.class_name for item in metadata]
    absent = [x for item in metadata for x in (item.job_name, item.adjustment_status)].count(UNSET)
    if commas != len(keys) + _LABEL_COMMAS * len(metadata) - absent or not are_unsuspicious(labels):
        raise DoubtError
    if labels == names:  # and so different, as keys are
        return [[*fields][::2] for fields in lines]
    ends = accumulate(counts, initial=0)
    return [dict.fromkeys(labels[start // 2 : end // 2]) for start, end in pairwise(ends)]
