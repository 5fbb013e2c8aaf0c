"""Types that readers yield: labelled images, manifest lines, and problems."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Self

from reconciler.core.entries.entry import Fields
from reconciler.core.images.header import Header
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.errors import SpecError


class Crowd(StrEnum):
    """How to treat crowd regions: one box around many objects."""

    BOX = "box"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class ImagesInS3:
    """
    Images in S3, for sizes that the input does not state.

    Attributes:
        prefix: Where they are, such as ``s3://bucket/prefix/``.
        found: Address -> header, or what is wrong with the image.
        asked: The addresses that a conversion needed and did not find there; it adds them.
    """

    prefix: str
    found: Mapping[str, Header | Problem] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Options:
    """
    User options for one conversion.

    Attributes:
        base: The prefix of all image keys, such as ``s3://bucket/prefix/``.
        created_at: The creation date of labels that have none in the input.
        clip: Whether to clip boxes to their image.
        one_based: Whether pixels of a VOC file count from 1, as in the files of the VOC challenge.
        classes: The file with the class names, for a YOLO input where it is not found automatically, or for
            a table whose labels are numbers.
        attributes: The label attributes of a manifest to convert; empty for all. For a VIA table, the region
            attribute that is the label.
        columns: Role -> columns of a table, by name or by number from 1; empty to find them by the header.
        split: The split of a table to convert, if it has a column for the split.
        images: The directory with the images, for sizes that the input does not state.
        in_s3: The images in S3, in place of a directory.
        beside: The directory of the input, where images are searched if neither is given.
        extension: Suffix for names without an image suffix; empty to leave them unchanged.
        basename: Whether only the last part of each name is a key below the base.
        crowd: How to treat crowd regions; None to omit them from images with other objects.
        polygons: Whether to convert a polygon without a box to its bounding box.
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
    in_s3: ImagesInS3 | None = None
    beside: Path | None = None
    extension: str | None = None
    basename: bool = False
    crowd: Crowd | None = None
    polygons: bool = False


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A labelled rectangle by its edges, in pixels, with the precision of the input."""

    label: str
    left: Decimal
    top: Decimal
    right: Decimal
    bottom: Decimal
    origin: Origin


class LabelledBox(NamedTuple):
    """A labelled rectangle in whole pixels, as in a manifest line."""

    label: str
    left: int
    top: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"“{self.label}” {self.width} x {self.height} at {self.left}, {self.top}"


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """
    One image with its labels.

    Attributes:
        name: As written in the input.
        boxes: Empty for an image annotated as having no objects; None if the input states no boxes.
        shares: Whether the edges of the boxes are fractions of the image.
        size: Width, height and perhaps depth, in pixels.
        problems: If one of them is an error, the image is not converted.
        rounded: The boxes in place of *boxes*, which is empty, if the reader knows them to be in whole pixels,
            within the image, and longer than a pixel.
    """

    name: str
    origin: Origin
    labels: tuple[str, ...] = ()
    boxes: tuple[Rectangle, ...] | None = None
    size: tuple[int, ...] | None = None
    created_at: str | None = None
    problems: tuple[Problem, ...] = ()
    shares: bool = False
    rounded: tuple[LabelledBox, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        origin: Origin,
        found: Iterable[Rectangle | Problem | str],
        *,
        size: tuple[int, ...] | None = None,
        has_boxes: bool = True,
        shares: bool = False,
    ) -> Self:
        """
        Return an image with the boxes, problems and labels among *found*.

        Args:
            has_boxes: Whether the input states boxes, none included.
        """
        items = list(found)
        return cls(
            name,
            origin,
            labels=tuple(item for item in items if isinstance(item, str)),
            boxes=tuple(item for item in items if isinstance(item, Rectangle)) if has_boxes else None,
            size=size,
            problems=tuple(item for item in items if isinstance(item, Problem)),
            shares=shares,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """
    One image whose labels are already in manifest format.

    Attributes:
        fields: None if the line cannot be read.
    """

    fields: Fields | None
    origin: Origin
    problems: tuple[Problem, ...] = ()


Read = LabelledImage | Line | Problem
"""One item of a reader. A problem on its own belongs to no image that could be identified."""


class Notes:
    """Counts the cases of each warning, and keeps the origin of the first."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._seen: dict[str, tuple[int, Origin]] = {}

    def add(self, what: str, origin: Origin) -> None:
        count, first = self._seen.get(what, (0, origin))
        self._seen[what] = count + 1, first

    def problems(self) -> Iterator[Problem]:
        for what, (count, first) in self._seen.items():
            yield odd(codes.LEFT_OUT, f"{what} ({self._unit}: {count})", first)


class BadFile(SpecError):
    """
    A file that cannot be read.

    Attributes:
        problem: The reason and its place.
    """

    def __init__(self, code: str, message: str, origin: Origin) -> None:
        super().__init__(message)
        self.problem = wrong(code, message, origin)


def wrong(code: str, message: str, origin: Origin) -> Problem:
    return Problem(Severity.ERROR, code, message, origin)


def odd(code: str, message: str, origin: Origin) -> Problem:
    return Problem(Severity.WARNING, code, message, origin)


def display(path: Path) -> str:
    """Return a path for messages; bytes that are not UTF-8 are escaped."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def files_below(directory: Path, ending: str) -> Iterator[Path]:
    """Yield the files below a directory with an ending in either case: one directory after another, by name."""
    for place, directories, names in os.walk(directory):
        directories.sort()
        for name in sorted(names):
            if name.lower().endswith(ending):
                yield Path(place, name)


def text_of(path: Path) -> str:
    """
    Return the text of a file, without the byte order mark that spreadsheets write.

    Raises:
        BadFile: It cannot be read, or is not UTF-8.
    """
    try:
        return bytes_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = exc.object[: exc.start].count(b"\n") + 1
        other = "UTF-16" if exc.object[:2] in (b"\xff\xfe", b"\xfe\xff") else "WINDOWS-1252"
        message = (
            f"byte 0x{exc.object[exc.start]:02x} is not UTF-8: iconv -f {other} -t UTF-8 may convert the file"
        )
        raise BadFile(codes.NOT_TEXT, message, Origin(display(path), line)) from exc


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
        raise BadFile(codes.FILE_UNREADABLE, message, Origin(display(path), 1)) from exc
