"""What readers give: images with their labels, lines, and what is wrong with the rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from reconciler.core.entries.entry import Fields
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import SpecError


class Crowd(StrEnum):
    """What becomes of regions that hold many objects, of which nobody drew each."""

    BOX = "box"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Options:
    """
    What the person at the keyboard adds to the input.

    Attributes:
        base: What image names are keys below, such as ``s3://bucket/prefix/``.
        created_at: The creation date of labels that the input does not date.
        clip: Whether boxes that reach beyond their image are cut off there.
        one_based: Whether the first pixel of a VOC file is 1, as in the files of the challenge itself.
        classes: The file with the class names of a YOLO input, where it is not found by itself, or of a table
            whose labels are numbers.
        attributes: The label attributes of a manifest that are kept; empty for all. Of the regions of a VIA
            table, the attribute that is the label.
        columns: Role -> columns of a table, by name or by number from 1; empty to find them by the header.
        split: The part of a table that is kept, where a column tells parts apart.
        images: The directory with the images, for the sizes that the input does not state.
        extension: Put after names that have none of an image; empty to take such names as they are.
        basename: Whether only the last step of each name is a key below the base.
        crowd: What becomes of crowd regions; None to leave them out of images that have other objects.
        polygons: Whether a polygon without a box becomes the box around it.
    """

    base: str | None = None
    created_at: str | None = None
    clip: bool = False
    one_based: bool = False
    classes: Path | None = None
    attributes: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    split: str | None = None
    images: Path | None = None
    extension: str | None = None
    basename: bool = False
    crowd: Crowd | None = None
    polygons: bool = False


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A labelled rectangle by its edges, in pixels, as exact as it is written."""

    label: str
    left: Decimal
    top: Decimal
    right: Decimal
    bottom: Decimal
    origin: Origin


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """
    One image, and what was said of it.

    Attributes:
        name: As the input has it.
        boxes: Empty if somebody looked and found nothing; None if nobody spoke of boxes.
        size: Width, height and perhaps depth, in pixels.
        problems: With an error among them the image is not converted.
    """

    name: str
    origin: Origin
    labels: tuple[str, ...] = ()
    boxes: tuple[Rectangle, ...] | None = None
    size: tuple[int, ...] | None = None
    created_at: str | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """
    One image whose labels are in the shape of a manifest already.

    Attributes:
        fields: None if nothing in the line can be read.
    """

    fields: Fields | None
    origin: Origin
    problems: tuple[Problem, ...] = ()


Read = LabelledImage | Line | Problem
"""One step of a reader. A problem by itself belongs to no image that could be named."""


class BadFile(SpecError):
    """
    A file of which nothing can be read.

    Attributes:
        problem: Why, and where in it.
    """

    def __init__(self, code: codes.Code, message: str, origin: Origin) -> None:
        super().__init__(message)
        self.problem = wrong(code, message, origin)


def wrong(code: codes.Code, message: str, origin: Origin) -> Problem:
    return Problem(Severity.ERROR, code.code, message, origin)


def odd(code: codes.Code, message: str, origin: Origin) -> Problem:
    return Problem(Severity.WARNING, code.code, message, origin)


def shown(path: Path) -> str:
    """Return a path as the user knows it; what is not UTF-8 in it is written out."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def text_of(path: Path) -> str:
    """
    Return the text of a file, without the byte order mark that spreadsheets put before it.

    Raises:
        BadFile: It cannot be read, or is not UTF-8.
    """
    try:
        return bytes_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        message = f"byte 0x{exc.object[exc.start]:02x} is not UTF-8"
        raise BadFile(codes.NOT_TEXT, message, Origin(shown(path), line)) from exc


def bytes_of(path: Path) -> bytes:
    """
    Return the content of a file.

    Raises:
        BadFile: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        message = f"the file cannot be read: {exc.strerror or exc}"
        raise BadFile(codes.FILE_UNREADABLE, message, Origin(shown(path), 1)) from exc
