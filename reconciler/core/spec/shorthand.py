"""
Compilation of the YAML shorthand to JSON Lines: the same input gives the same bytes on every machine.

A line depends only on its image and the document's base and date, and an attribute's name only on its label,
so that editing one image never changes another's line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from reconciler.core.entries.entry import SOURCE_REF, Fields
from reconciler.core.spec.documents import Entries, Image
from reconciler.core.spec.labelling import address, image_level, located, why_no_address
from reconciler.core.spec.messages import ModelError, Path, dotted
from reconciler.core.validation import spec_codes as codes


class CompiledLine(NamedTuple):
    """
    One JSON line.

    Attributes:
        item: Index of its image in the document.
    """

    raw: bytes
    item: int


class Compiled(NamedTuple):
    """The result of compiling a document. An image with an error has no line."""

    lines: tuple[CompiledLine, ...]
    model_errors: tuple[ModelError, ...]


def compile_lines(entries: Entries) -> Compiled:
    """Compile every image to its line, in order."""
    lines: list[CompiledLine] = []
    model_errors: list[ModelError] = []
    for item, image in enumerate(entries.images):
        found = list(_model_errors(image, entries.base, ("images", item)))
        model_errors += found
        if not found:
            lines.append(CompiledLine(orjson.dumps(_line(image, entries)), item))
    return Compiled(tuple(lines), tuple(model_errors))


def _model_errors(image: Image, base: str | None, path: Path) -> Iterator[ModelError]:
    if reason := why_no_address(image.image, base):
        yield ModelError((*path, "image"), codes.IMAGE_ADDRESS.code, f"{dotted(path)}.image {reason}")
    seen: dict[str, int] = {}
    for index, label in enumerate(image.labels):
        if seen.setdefault(label, index) != index:
            message = f"the label “{label}” is repeated on one image"
            yield ModelError((*path, "labels", index), codes.REPEATED_LABEL.code, message)
    if image.boxes is not None and image.size is None:
        message = f"{dotted(path)} has boxes and so needs size: [width, height]"
        yield ModelError((*path, "boxes"), codes.NO_SIZE.code, message, at_key=True)


def _line(image: Image, entries: Entries) -> Fields:
    fields: Fields = {SOURCE_REF: address(image.image, entries.base)}
    fields |= image_level(image.labels, entries.created_at)
    if image.boxes is not None and image.size is not None:
        fields |= located(image.boxes, image.size, entries.created_at)
    return fields
