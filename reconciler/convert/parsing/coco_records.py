"""
Decode a regular COCO file into typed records, at a small part of the cost of reading it value by value.

Boxes are rounded without a digit being lost. Places are found only when they are needed. A file that is not
certainly regular is left to `json_records`, which walks over each value.
"""

from __future__ import annotations

from array import array
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from decimal import Decimal
from struct import Struct as PackedStruct
from typing import Any, Final, NamedTuple

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder

from reconciler.convert.geometry import nearest
from reconciler.convert.parsing.json_records import document
from reconciler.convert.record import LabelledBox
from reconciler.core.validation.problem import Origin

_BOM: Final = b"\xef\xbb\xbf"
_CHUNK_BYTES: Final = 1 << 20
_EMPTY: Final = frozenset({b"", b"[]", b"{}", b"null", b'""', b"0", b"false"})
_NEAR: Final = 1e-6  # far more than the error of a sum of two coordinates as floats
_FAR: Final = 1 - _NEAR
_LARGEST: Final = 1e5
_ABSENT: Final = Raw()
_BOX: Final = PackedStruct("=5i")  # the number of the label; left, top, right and bottom
_NOWHERE: Final = (0, 0, 0, 0)
_NONE: Final = -1


class Image(Struct, gc=False):
    id: int
    file_name: str
    width: int
    height: int
    date_captured: str | int | None = None


class _Annotation(Struct, gc=False):
    image_id: int
    category_id: int
    bbox: Raw = _ABSENT
    segmentation: Raw = _ABSENT
    keypoints: Raw = _ABSENT
    iscrowd: int = 0

    @property
    def has_mask(self) -> bool:
        """Whether it has a mask or keypoints."""
        return bool(
            (self.segmentation and bytes(self.segmentation) not in _EMPTY)
            or (self.keypoints and bytes(self.keypoints) not in _EMPTY)
        )


class _Category(Struct, gc=False):
    id: int
    name: str


class _Outer(Struct, gc=False):
    images: Raw
    annotations: Raw
    categories: list[_Category]
    info: Raw = Raw()


class Records(NamedTuple):
    """
    The content of a regular file.

    Attributes:
        names: Id of a category -> its name.
    """

    images: list[Image]
    annotations: Annotations
    names: Mapping[object, str]
    info: Any
    image_places: Places
    annotation_places: Places


class Annotations:
    """
    The annotations of each image, by its index: their numbers in the file, and their boxes in 20 bytes each.

    Attributes:
        marked: The numbers of those that are crowd regions, or have a mask or keypoints, image after image.
    """

    def __init__(
        self, listed: list[_Annotation], indexes: Mapping[int, int], names: Mapping[object, str]
    ) -> None:
        """
        Take the annotations from the list, so that each is freed.

        Args:
            indexes: Id of an image -> its index.

        Raises:
            KeyError: There is no such image.
        """
        self._labels = list(names.values())
        self._first = array("l", [_NONE]) * len(indexes)
        self._next = array("l", [_NONE]) * len(listed)
        self._boxes = bytearray(_BOX.size * len(listed))
        numbers = {key: number for number, (key, label) in enumerate(names.items()) if label}
        marked = []
        for number in range(len(listed) - 1, -1, -1):
            annotation = listed.pop()
            index = indexes[annotation.image_id]
            self._next[number], self._first[index] = self._first[index], number
            edges = None if annotation.iscrowd else _whole(annotation.bbox)
            label = numbers.get(annotation.category_id, _NONE) if edges else _NONE
            _BOX.pack_into(self._boxes, _BOX.size * number, label, *(edges or _NOWHERE))
            if annotation.iscrowd or annotation.has_mask:
                marked.append((index, number))
        self.marked = [
            number for _, number in sorted(marked, key=lambda item: (self._first[item[0]], item[1]))
        ]

    def numbers(self, index: int) -> Iterator[int]:
        number = self._first[index]
        while number != _NONE:
            yield number
            number = self._next[number]

    def boxes(self, index: int, width: int, height: int) -> tuple[LabelledBox, ...] | None:
        """Return the boxes of an image; None unless all are certainly valid in it, and none is a crowd region."""
        boxes, number = [], self._first[index]
        while number != _NONE:
            label, left, top, right, bottom = _BOX.unpack_from(self._boxes, _BOX.size * number)
            if label == _NONE or right > width or bottom > height:
                return None
            boxes.append(_new(LabelledBox, (self._labels[label], left, top, right - left, bottom - top)))
            number = self._next[number]
        return tuple(boxes)


class Places:
    """Where the elements of a list start; found when the first place is asked for."""

    def __init__(self, content: bytes, key: bytes, listed: Raw, name: str) -> None:
        self._content = content
        self._start = content.index(key) + len(key)
        self._listed = listed
        self._name = name
        self._places: array[int] | None = None

    def origin(self, number: int) -> Origin:
        places = self._locate_all()
        return Origin(self._name, places[3 * number], places[3 * number + 1])

    def value(self, number: int) -> Any:
        """Return an element as `json_records` does, with fractions as text."""
        start = self._locate_all()[3 * number + 2]
        raw = next(iter(_RAWS.decode(b"[" + self._content[start : self._end(number)] + b"]")))
        return document(bytes(raw).decode(), self._name)

    def _end(self, number: int) -> int:
        places = self._locate_all()
        if 3 * number + 5 < len(places):
            end = self._content.rindex(b",", places[3 * number + 2], places[3 * number + 5])
        else:
            end = places[3 * number + 2] + len(self._last)
        return end

    def _locate_all(self) -> array[int]:
        """Return the line, the column and the offset in bytes of each element; searched for once."""
        if self._places is None:
            self._places = array("Q")
            line, column, at, position = 1, 1, 0, self._start
            for raw in _RAWS.decode(self._listed):
                position = self._content.index(raw, position)
                passed = self._content[at:position]
                if newlines := passed.count(b"\n"):
                    line += newlines
                    column, passed = 1, passed[passed.rindex(b"\n") + 1 :]
                column += len(passed) if passed.isascii() else len(passed.decode())
                self._places.extend((line, column, position))
                at = position
                self._last = bytes(raw)
                position += len(self._last)
        return self._places


_OUTER: Final = Decoder(_Outer)
_IMAGES: Final = Decoder(list[Image])
_ANNOTATIONS: Final = Decoder(list[_Annotation])
_RAWS: Final = Decoder(list[Raw])
_edges: Final = Decoder(tuple[float, float, float, float]).decode
_new: Final = tuple.__new__  # a fifth of what LabelledBox(...) costs


def regular_records(content: bytes, name: str) -> Records | None:
    """Return the records of a file; None if an id is repeated or unknown, or a value is not of the usual type."""
    content = content.removeprefix(_BOM)
    keys = (b'"images"', b'"annotations"', b'"categories"')
    if not _is_text(content) or any(content.count(key) != 1 for key in keys) or content.count(b'"info"') > 1:
        return None
    if b'"score"' in content:  # of a prediction, perhaps
        return None
    try:
        outer = _OUTER.decode(content)
        images, annotations = _IMAGES.decode(outer.images), _ANNOTATIONS.decode(outer.annotations)
    except (MsgspecError, RecursionError, ValueError):
        return None
    indexes = {image.id: index for index, image in enumerate(images)}
    names: dict[object, str] = {category.id: category.name for category in outer.categories}
    if len(indexes) < len(images) or len(names) < len(outer.categories):
        return None
    try:
        grouped = Annotations(annotations, indexes, names)
    except KeyError:
        return None
    return Records(
        images,
        grouped,
        names,
        document(bytes(outer.info).decode() or "null", name),
        Places(content, keys[0], outer.images, name),
        Places(content, keys[1], outer.annotations, name),
    )


def _whole(bbox: Raw) -> tuple[int, int, int, int] | None:
    """
    Return left, top, right and bottom in whole pixels; None unless it is certainly an ordinary box.

    Sums of floats decide only where they are certainly on one side of a half.
    """
    try:
        left, top, width, height = _edges(bbox)
    except MsgspecError:
        return None
    if not (0 <= left < _LARGEST and 0 <= top < _LARGEST and 0 < width < _LARGEST and 0 < height < _LARGEST):
        return None
    x, y, right, bottom = left + 0.5, top + 0.5, left + width + 0.5, top + height + 0.5
    start, upper, end, lower = int(x), int(y), int(right), int(bottom)
    if not (
        _NEAR < x - start < _FAR
        and _NEAR < y - upper < _FAR
        and _NEAR < right - end < _FAR
        and _NEAR < bottom - lower < _FAR
    ):
        start, upper, end, lower = _exactly(bbox)
    return (start, upper, end, lower) if end - start > 1 and lower - upper > 1 else None


def _exactly(bbox: Raw) -> tuple[int, int, int, int]:
    left, top, width, height = (Decimal(text.decode()) for text in bytes(bbox)[1:-1].split(b","))
    return nearest(left), nearest(top), nearest(left + width), nearest(top + height)


def _is_text(content: bytes) -> bool:
    """Return whether all is UTF-8, without a copy of all of it."""
    if content.isascii():
        return True
    decode = getincrementaldecoder("utf-8")().decode
    try:
        for start in range(0, len(content), _CHUNK_BYTES):
            decode(content[start : start + _CHUNK_BYTES])
        decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True
