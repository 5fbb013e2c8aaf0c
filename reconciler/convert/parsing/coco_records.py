"""
Decode a regular COCO file into typed records, at a small part of the cost of reading it value by value.

Boxes stay as written, so that no digit is lost. Places are found only when they are needed. A file that is not
certainly regular is left to the reader that walks over each value.
"""

from __future__ import annotations

from array import array
from codecs import getincrementaldecoder
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder

from reconciler.convert.parsing.json_records import document
from reconciler.convert.pixels import nearest
from reconciler.convert.record import LabelledBox
from reconciler.core.validation.problem import Origin

_BOM: Final = b"\xef\xbb\xbf"
_CHUNK_BYTES: Final = 1 << 20
_EMPTY: Final = frozenset({b"", b"[]", b"{}", b"null", b'""', b"0", b"false"})
_NEAR: Final = 1e-6  # far more than the error of a sum of two coordinates as floats
_FAR: Final = 1 - _NEAR
_LARGEST: Final = 1e5
_ABSENT: Final = Raw()


class Image(Struct, gc=False):
    id: int
    file_name: str
    width: int
    height: int
    date_captured: str | int | None = None


class Annotation(Struct, gc=False):
    image_id: int
    category_id: int
    bbox: Raw = _ABSENT
    segmentation: Raw = _ABSENT
    keypoints: Raw = _ABSENT
    iscrowd: int = 0

    @property
    def is_marked(self) -> bool:
        """Whether it is a crowd region, or has a mask or keypoints."""
        return self.iscrowd != 0 or not {bytes(self.segmentation), bytes(self.keypoints)} <= _EMPTY


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
        objects: Id of an image -> the numbers of its annotations, in the order of the file.
    """

    images: list[Image]
    annotations: list[Annotation]
    names: Mapping[object, str]
    info: Any
    objects: Mapping[object, array[int]]
    image_places: Places
    annotation_places: Places


class Places:
    """Where the elements of a list start; found when the first place is asked for."""

    def __init__(self, content: bytes, key: bytes, listed: Raw, name: str) -> None:
        self._content = content
        self._start = content.index(key) + len(key)
        self._listed = listed
        self._name = name
        self._places: array[int] | None = None

    def origin(self, number: int) -> Origin:
        places = self._found()
        return Origin(self._name, places[3 * number], places[3 * number + 1])

    def value(self, number: int) -> Any:
        """Return an element as the walk over each value does, with fractions as text."""
        start = self._found()[3 * number + 2]
        raw = next(iter(_RAWS.decode(b"[" + self._content[start : self._end(number)] + b"]")))
        return document(bytes(raw).decode(), self._name)

    def _end(self, number: int) -> int:
        places = self._found()
        if 3 * number + 5 < len(places):
            end = self._content.rindex(b",", places[3 * number + 2], places[3 * number + 5])
        else:
            end = places[3 * number + 2] + len(self._last)
        return end

    def _found(self) -> array[int]:
        """Return line, column and byte of each element."""
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
_ANNOTATIONS: Final = Decoder(list[Annotation])
_RAWS: Final = Decoder(list[Raw])
_edges: Final = Decoder(tuple[float, float, float, float]).decode
_new: Final = tuple.__new__  # a fifth of what Box(...) costs


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
    objects: dict[object, array[int]] = {}
    for number, annotation in enumerate(annotations):
        if (found := objects.get(annotation.image_id)) is None:
            found = objects[annotation.image_id] = array("L")
        found.append(number)
    ids = {image.id for image in images}
    names: dict[object, str] = {category.id: category.name for category in outer.categories}
    if len(ids) < len(images) or len(names) < len(outer.categories) or not objects.keys() <= ids:
        return None
    return Records(
        images,
        annotations,
        names,
        document(bytes(outer.info).decode() or "null", name),
        objects,
        Places(content, keys[0], outer.images, name),
        Places(content, keys[1], outer.annotations, name),
    )


def ordinary_boxes(
    annotations: Iterable[Annotation], image: Image, names: Mapping[object, str]
) -> tuple[LabelledBox, ...] | None:
    """
    Return the boxes of annotations; None unless all are certainly valid in their image, and no crowd regions.

    Sums of floats decide only where they are certainly on one side of a half. One loop without calls: it runs
    for each of many boxes.
    """
    boxes = []
    wide, high = image.width, image.height
    try:
        for annotation in annotations:
            label = names.get(annotation.category_id)
            left, top, width, height = _edges(annotation.bbox)
            if not label or annotation.iscrowd or max(left, top, width, height) > _LARGEST:
                return None
            x, y, right, bottom = left + 0.5, top + 0.5, left + width + 0.5, top + height + 0.5
            start, upper, end, lower = int(x), int(y), int(right), int(bottom)
            if not (
                _NEAR < x - start < _FAR
                and _NEAR < y - upper < _FAR
                and _NEAR < right - end < _FAR
                and _NEAR < bottom - lower < _FAR
            ):
                start, upper, end, lower = _exactly(annotation.bbox)
            if not (left >= 0 and top >= 0 and start + 1 < end <= wide and upper + 1 < lower <= high):
                return None
            boxes.append(_new(LabelledBox, (label, start, upper, end - start, lower - upper)))
    except MsgspecError:
        return None
    return tuple(boxes)


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
