"""Find the size of an image in its file, on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.convert.names import IMAGES
from reconciler.convert.record import BadFile, LabelledImage, display, odd
from reconciler.core.images.header import TAKEN, read_header
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin


class Size(NamedTuple):
    """
    The displayed width and height of an image, in pixels.

    Attributes:
        turned: Whether the stored width and height are swapped.
    """

    width: int
    height: int
    turned: bool = False


def size_of(path: Path) -> Size:
    """
    Read the header of an image.

    Raises:
        BadFile: It cannot be read, is truncated, or is neither PNG nor JPEG.
    """
    try:
        with path.open("rb") as stream:
            found = read_header(stream)
    except OSError as exc:
        raise _bad(path, f"it cannot be read: {exc.strerror or exc}") from exc
    except ValueError as exc:
        raise _bad(path, "its header is cut or broken") from exc
    if found.form not in TAKEN:
        raise _bad(path, f"it is {found.form}; Custom Labels takes PNG and JPEG")
    return Size(*found.shown, found.turned)


def _bad(path: Path, reason: str) -> BadFile:
    return BadFile(codes.NO_HEADER, f"the size of the image is not known: {reason}", Origin(display(path), 1))


_SCHEME: Final = re.compile(r"[a-z0-9]+://[^/]*/")
_ENDINGS: Final = ("", ".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")

TURNED: Final = "the image is stored turned (EXIF orientation); its boxes are taken as those of what is shown"


def sized(image: LabelledImage, directory: Path) -> LabelledImage:
    """
    Return the image with the size from its file, or the problem of the file; unchanged without a file.

    The file is searched by its full path below the directory, then by its file name.
    """
    path = next((path for path in _candidates(directory, image.name) if _is_file(path)), None)
    if path is None:
        return image
    try:
        found = size_of(path)
    except BadFile as exc:
        return replace(image, problems=(*image.problems, exc.problem))
    turned = (odd(codes.TURNED, TURNED, image.origin),) if found.turned else ()
    return replace(image, size=(found.width, found.height), problems=(*image.problems, *turned))


def ending_in(directory: Path, name: str) -> str:
    """Return the suffix that *name* lacks to match an image file in *directory*; empty if none matches."""
    if Path(name).suffix.lower() in IMAGES:
        return ""
    found = next((path for path in _candidates(directory, name) if _is_file(path)), None)
    return found.suffix if found is not None and found.suffix.lower() in IMAGES else ""


def _candidates(directory: Path, name: str) -> Iterator[Path]:
    below = _SCHEME.sub("", name.strip()).replace("\\", "/").lstrip("/")
    endings = _ENDINGS[:1] if Path(below).suffix.lower() in IMAGES else _ENDINGS
    for step in dict.fromkeys((below, below.rpartition("/")[2])):
        if step and ".." not in step.split("/"):
            yield from (directory / f"{step}{ending}" for ending in endings)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # not a valid file name
        return False
