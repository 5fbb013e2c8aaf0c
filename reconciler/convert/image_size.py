"""Find the size of an image: in its file, or in a table of what was read of images in S3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from reconciler.convert.names import IMAGES, key_of
from reconciler.convert.record import BadFile, ImagesInS3, LabelledImage, Options, display, odd
from reconciler.core.images.header import TAKEN, Header, read_header
from reconciler.core.spec.labelling import address, why_no_address
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin


def header_of(path: Path) -> Header:
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
    return found


def _bad(path: Path, reason: str) -> BadFile:
    return BadFile(codes.NO_HEADER, f"the size of the image is not known: {reason}", Origin(display(path), 1))


_SCHEME: Final = re.compile(r"[a-z0-9]+://[^/]*/")
_ENDINGS: Final = ("", ".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")

_TURNED: Final = (
    "the image is stored turned (EXIF orientation); its boxes are taken as those of what is shown"
)


def sized(image: LabelledImage, options: Options) -> LabelledImage:
    """
    Return the image with its size, or with the problem of its file; unchanged if it has one, or has no file.

    The file is in S3, or is searched by its full path below the directory of images, then by its file name.
    """
    if image.size is not None:
        return image
    if options.in_s3 is not None:
        return _sized_in_s3(image, options.in_s3, options)
    directory = options.images or options.beside
    return image if directory is None else _sized_in(image, directory)


def _sized_in(image: LabelledImage, directory: Path) -> LabelledImage:
    path = next((path for path in _candidates(directory, image.name) if _is_file(path)), None)
    if path is None:
        return image
    try:
        return with_header(image, header_of(path), image.origin)
    except BadFile as exc:
        return replace(image, problems=(*image.problems, exc.problem))


def _sized_in_s3(image: LabelledImage, images: ImagesInS3, options: Options) -> LabelledImage:
    """Return the image with its size, or its problem, if that is known; else note its address and return it."""
    key = key_of(image.name, options)
    if why_no_address(key, images.prefix):
        return image
    ref = address(key, images.prefix)
    match images.found.get(ref):
        case None:
            images.asked.add(ref)
            return image
        case Header() as header:
            return with_header(image, header, image.origin)
        case problem:
            return replace(image, problems=(*image.problems, problem.at(image.origin, ref)))


def with_header(image: LabelledImage, header: Header, origin: Origin) -> LabelledImage:
    """Return the image with its size as it is shown, and a warning if it is stored turned."""
    turned = (odd(codes.TURNED, _TURNED, origin),) if header.turned else ()
    return replace(image, size=header.shown, problems=(*image.problems, *turned))


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
