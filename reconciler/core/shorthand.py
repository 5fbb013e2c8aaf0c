"""
The YAML shorthand as JSON Lines: the same input gives the same bytes on every machine.

A line depends on its image alone, and an attribute's name on its label alone, so that an edit of one
image never changes another's line. The shapes are those of Ground Truth's own output (developer guide,
"Image-level labels in manifest files" and "Object localization in manifest files").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from reconciler.core import codes_spec as codes
from reconciler.core.entry import ERROR_LISTS, SOURCE_REF, Fields
from reconciler.core.flaws import Flaw, Path, dotted
from reconciler.core.spec import Box, Entries, Image

BOXES: Final = "bounding-box"
_METADATA: Final = "-metadata"
_COLOUR_DEPTH: Final = 3

# Names that mean something else, or that other attributes' names could become.
_RESERVED: Final = frozenset({SOURCE_REF, "source", BOXES, "cl-metadata", *ERROR_LISTS})
_SAFE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_UNSAFE_CHARS: Final = re.compile(r"[^A-Za-z0-9_.]+")
_HASHED: Final = re.compile(r".*-[0-9a-f]{12}")


class CompiledLine(NamedTuple):
    """
    One JSON line.

    Attributes:
        item: Index of its image in the document.
    """

    raw: bytes
    item: int


class Compiled(NamedTuple):
    """What became of a document. An image with a flaw has no line."""

    lines: tuple[CompiledLine, ...]
    flaws: tuple[Flaw, ...]


def compile_lines(entries: Entries) -> Compiled:
    """Turn every image into its line, in order."""
    lines: list[CompiledLine] = []
    flaws: list[Flaw] = []
    for item, image in enumerate(entries.images):
        found = list(_flaws(image, entries.base, ("images", item)))
        flaws += found
        if not found:
            lines.append(CompiledLine(orjson.dumps(_line(image, entries)), item))
    return Compiled(tuple(lines), tuple(flaws))


def attribute_name(label: str) -> str:
    """
    Return the attribute that carries an image-level label: the label itself where that is safe.

    Else a readable part of it and twelve hexadecimal digits of its hash. No two labels share a name, and
    none takes the place of another attribute's metadata.
    """
    is_safe = (
        _SAFE.fullmatch(label)
        and label not in _RESERVED
        and not label.endswith((_METADATA, "-ref"))
        and not _HASHED.fullmatch(label)
    )
    if is_safe:
        return label
    readable = _UNSAFE_CHARS.sub("_", label).strip("_")[:40] or "label"
    return f"{readable}-{blake2b(label.encode(), digest_size=6).hexdigest()}"


def _flaws(image: Image, base: str | None, path: Path) -> Iterator[Flaw]:
    if reason := _bad_address(image.image, base):
        yield Flaw((*path, "image"), codes.IMAGE_ADDRESS.code, f"{dotted(path)}.image {reason}")
    seen: dict[str, int] = {}
    for index, label in enumerate(image.labels):
        if seen.setdefault(label, index) != index:
            message = f"the label “{label}” is repeated on one image"
            yield Flaw((*path, "labels", index), codes.REPEATED_LABEL.code, message)
    if image.boxes is not None and image.size is None:
        message = f"{dotted(path)} has boxes and so needs size: [width, height]"
        yield Flaw((*path, "boxes"), codes.NO_SIZE.code, message, at_key=True)


def _bad_address(image: str, base: str | None) -> str | None:
    """Say why no address can be made of *image*; None if one can."""
    if re.match(r"s3://[^/]+/.", image):
        return None
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", image):
        return "must be a key below base, or s3://bucket/key"
    if base is None:
        return "is not an s3:// address, and the document has no base"
    if image.startswith("/"):
        return "must not start with /: it is a key below base, not a path"
    if {".", ".."} & set(image.split("/")):
        return "must not hold . or .. as a step: S3 keys are not paths"
    return None


def _line(image: Image, entries: Entries) -> Fields:
    fields: Fields = {SOURCE_REF: _address(image.image, entries.base or "")}
    for label in image.labels:
        name = attribute_name(label)
        fields[name] = 1
        fields[name + _METADATA] = {
            "confidence": 1,
            "job-name": f"labeling-job/{name}",
            "class-name": label,
            "human-annotated": "yes",
            "creation-date": entries.created_at,
            "type": "groundtruth/image-classification",
        }
    if image.boxes is not None and image.size is not None:
        fields |= _boxes(image.boxes, image.size, entries.created_at)
    return fields


def _address(image: str, base: str) -> str:
    if image.startswith("s3://"):
        return image
    return f"{base}{image}" if base.endswith("/") else f"{base}/{image}"


def _boxes(boxes: tuple[Box, ...], size: tuple[int, ...], created_at: str) -> Fields:
    width, height, depth = (*size, _COLOUR_DEPTH)[:3]
    ids = {label: number for number, label in enumerate(dict.fromkeys(box.label for box in boxes))}
    annotations: list[dict[str, Any]] = [
        {
            "class_id": ids[box.label],
            "left": box.left,
            "top": box.top,
            "width": box.width,
            "height": box.height,
        }
        for box in boxes
    ]
    return {
        BOXES: {
            "image_size": [{"width": width, "height": height, "depth": depth}],
            "annotations": annotations,
        },
        BOXES + _METADATA: {
            "objects": [{"confidence": 1} for _ in boxes],
            "class-map": {str(number): label for label, number in ids.items()},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": created_at,
            "job-name": f"labeling-job/{BOXES}",
        },
    }
