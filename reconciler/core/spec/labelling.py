"""
The YAML shorthand, exactly as it may be written, and the lines to which it compiles; and the address of an image.

The same labels of the same image give the same line, byte for byte, whether written in the shorthand or read by
`convert`: a line depends only on its image and the document's base and date, so that editing one changes no other.
Shapes and key order follow the developer guide, "Image-level labels in manifest files" and "Object
localization in manifest files".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Annotated, Final, Literal, NamedTuple

import orjson
from pydantic import AfterValidator

from reconciler.core.entries.entry import (
    CLASSIFICATION,
    DETECTION,
    ERROR_LISTS,
    METADATA,
    SOURCE_REF,
    Fields,
)
from reconciler.core.spec.field_types import (
    LabelName,
    Moment,
    Part,
    S3Base,
    Text,
    described,
    list_field,
    refusal,
)
from reconciler.core.spec.messages import ModelError, Path, dotted
from reconciler.core.validation import codes


class Box(Part):
    """One labelled rectangle, in whole pixels."""

    label: LabelName = described("What is in the box.")
    left: int = described("From the left edge of the image, in pixels.")
    top: int = described("From the upper edge of the image, in pixels.")
    width: int = described("In pixels.")
    height: int = described("In pixels.")


def _two_or_three(size: tuple[int, ...]) -> tuple[int, ...]:
    if len(size) not in {2, 3}:
        raise refusal("must be [width, height] or [width, height, depth]")
    return size


class Image(Part):
    """One image and its labels."""

    image: Text = described("Key below base, or a whole s3:// address.", examples=["spurge1.jpg"])
    labels: tuple[LabelName, ...] = list_field("Labels of the whole image.")
    size: Annotated[tuple[int, ...], AfterValidator(_two_or_three)] | None = list_field(
        "Width, height and, if not 3, depth. Needed for boxes.", None, examples=[[640, 480]]
    )
    boxes: tuple[Box, ...] | None = list_field(
        "Labelled rectangles. An empty list means that the image contains none.", None
    )


class Entries(Part):
    """The YAML shorthand: entries for people to write."""

    api_version: Literal["reconciler/v1"] = described("The format of this document.")
    kind: Literal["Entries"] = described("What this document is.")
    base: S3Base | None = described("Where the images are.", None, examples=["s3://bucket/train/"])
    created_at: Moment = described("Becomes creation-date, as written.", examples=["2026-03-01T12:00:00"])
    images: tuple[Image, ...] = list_field("The entries, in order.", ...)


BOXES: Final = "bounding-box"
COLOUR_DEPTH: Final = 3

# Names with another meaning in a line.
_RESERVED: Final = frozenset({SOURCE_REF, "source", BOXES, "cl-metadata", *ERROR_LISTS})
_SAFE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_UNSAFE_CHARS: Final = re.compile(r"[^A-Za-z0-9_.]+")
_HASHED: Final = re.compile(r".*-[0-9a-f]{12}")


LabelAndBox = tuple[str, int, int, int, int]
"""The label of a box, and its left and upper edge, width and height in whole pixels."""


def attribute_name(label: str) -> str:
    """
    Return the name of the attribute for an image-level label: the label itself where that is safe.

    Otherwise a readable part of it and twelve hexadecimal digits of its hash. No two labels share a name, and
    no name collides with another attribute's metadata.
    """
    is_safe = (
        _SAFE.fullmatch(label)
        and label not in _RESERVED
        and not label.endswith((METADATA, "-ref"))
        and not _HASHED.fullmatch(label)
    )
    if is_safe:
        return label
    readable = _UNSAFE_CHARS.sub("_", label).strip("_")[:40] or "label"
    return f"{readable}-{blake2b(label.encode(), digest_size=6).hexdigest()}"


def image_level(labels: Iterable[str], created_at: str) -> Fields:
    """Return an attribute pair for each image-level label."""
    fields: Fields = {}
    for label in labels:
        name = attribute_name(label)
        fields[name] = 1
        fields[name + METADATA] = {
            "confidence": 1,
            "job-name": f"labeling-job/{name}",
            "class-name": label,
            "human-annotated": "yes",
            "creation-date": created_at,
            "type": CLASSIFICATION,
        }
    return fields


def located(boxes: Sequence[LabelAndBox], size: Sequence[int], created_at: str) -> Fields:
    """
    Return the attribute pair that holds all boxes of an image.

    Without boxes it records that the image was annotated and has none. Class ids number the labels in
    order of first use.

    Args:
        size: Width and height in pixels, and the depth if it is not 3.
    """
    width, height, depth = (*size, COLOUR_DEPTH)[:3]
    ids: dict[str, int] = {}
    annotations = [
        {
            "class_id": ids.setdefault(label, len(ids)),
            "left": left,
            "top": top,
            "width": across,
            "height": down,
        }
        for label, left, top, across, down in boxes
    ]
    return {
        BOXES: {
            "image_size": [{"width": width, "height": height, "depth": depth}],
            "annotations": annotations,
        },
        BOXES + METADATA: {
            "objects": [{"confidence": 1} for _ in boxes],
            "class-map": {str(number): label for label, number in ids.items()},
            "type": DETECTION,
            "human-annotated": "yes",
            "creation-date": created_at,
            "job-name": f"labeling-job/{BOXES}",
        },
    }


def address(image: str, base: str | None) -> str:
    """Return the source-ref of *image*: *base* and the unchanged name, neither decoded nor normalised."""
    if image.startswith("s3://") or base is None:
        return image
    return f"{base}{image}" if base.endswith("/") else f"{base}/{image}"


def why_no_address(image: str, base: str | None) -> str | None:
    """Return the reason why *image* has no valid address; None if it has one."""
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


class Compiled(NamedTuple):
    """
    The result of compiling a document. An image with an error has no line.

    Attributes:
        lines: JSON lines by the index of their image in the document, in order.
    """

    lines: Mapping[int, bytes]
    model_errors: tuple[ModelError, ...]


def compile_lines(entries: Entries) -> Compiled:
    """Compile every image to its line, in order."""
    lines: dict[int, bytes] = {}
    model_errors: list[ModelError] = []
    for item, image in enumerate(entries.images):
        found = list(_model_errors(image, entries.base, ("images", item)))
        model_errors += found
        if not found:
            lines[item] = orjson.dumps(_line(image, entries))
    return Compiled(lines, tuple(model_errors))


def _model_errors(image: Image, base: str | None, path: Path) -> Iterator[ModelError]:
    if reason := why_no_address(image.image, base):
        yield ModelError((*path, "image"), codes.IMAGE_ADDRESS, f"{dotted(path)}.image {reason}")
    seen: dict[str, int] = {}
    for index, label in enumerate(image.labels):
        if seen.setdefault(label, index) != index:
            message = f"the label “{label}” is repeated on one image"
            yield ModelError((*path, "labels", index), codes.REPEATED_LABEL, message)
    if image.boxes is not None and image.size is None:
        message = f"{dotted(path)} has boxes and so needs size: [width, height]"
        yield ModelError((*path, "boxes"), codes.NO_SIZE, message, at_key=True)


def _line(image: Image, entries: Entries) -> Fields:
    fields: Fields = {SOURCE_REF: address(image.image, entries.base)}
    fields |= image_level(image.labels, entries.created_at)
    if image.boxes is not None and image.size is not None:
        boxes = [(box.label, box.left, box.top, box.width, box.height) for box in image.boxes]
        fields |= located(boxes, image.size, entries.created_at)
    return fields
