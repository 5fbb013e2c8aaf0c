"""The images of an input: their names as keys in S3, and their sizes, from files or from objects in S3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from reconciler.convert.record import BadFile, ImagesInS3, LabelledImage, Options, display, odd
from reconciler.core.images.header import TAKEN, Header, read_header
from reconciler.core.spec.labelling import address, why_no_address
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin
from reconciler.core.validation.text import has_image_ending, is_suspicious

# Image formats that labelling tools support. Custom Labels accepts JPEG and PNG only.
IMAGES: Final = frozenset(
    {
        ".bmp",
        ".gif",
        ".jpeg",
        ".jpg",
        ".mpo",
        ".png",
        ".tif",
        ".tiff",
        ".webp",
        ".heic",
        ".avif",
        ".jfif",
        ".svg",
    }
)
_ORDINARY: Final = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*\.(?:jpe?g|png)", re.ASCII | re.IGNORECASE)
_ELSEWHERE: Final = re.compile(r"(?:gs|az|azure)://[^/]+/(?=.)")
_S3_HOST: Final = re.compile(r"https?://([^/.]+)\.s3[.-][^/]*amazonaws\.com/(.+)")
_S3_PATH: Final = re.compile(r"https?://s3[.-][^/]*amazonaws\.com/([^/]+)/(.+)")
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")
_SCHEME: Final = re.compile(r"[a-z0-9]+://[^/]*/")
_ENDINGS: Final = ("", ".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")
_TURNED: Final = (
    "the image is stored turned (EXIF orientation); its boxes are taken as those of what is shown"
)


def is_image(text: str) -> bool:
    """Return whether the text of a table cell may be an image name."""
    text = text.strip()
    return PurePosixPath(text).suffix.lower() in IMAGES or re.match(r"(?:s3|gs)://[^/]+/.", text) is not None


def is_elsewhere(name: str) -> bool:
    """Return whether a name is a URI in another store, which the base replaces."""
    return _ELSEWHERE.match(name) is not None


def is_ordinary(name: str, options: Options) -> bool:
    """Return whether a name is certainly a key below the base as it is."""
    return options.base is not None and not options.basename and _ORDINARY.fullmatch(name) is not None


def key_of(name: str, options: Options) -> str:
    """Return the name to join to the base, with the options for base name and extension applied."""
    if options.basename:
        name = re.split(r"[\\/]", name)[-1]
    elif options.base is not None:
        name = _ELSEWHERE.sub("", name)
    if options.extension and PurePosixPath(name).suffix.lower() not in IMAGES:
        name += options.extension
    return name


def why_no_key(name: str, options: Options) -> str | None:
    """Return why a name cannot be a key in S3 and which form it needs, or None."""
    if reason := why_no_address(name, options.base):
        return f"{reason}{_form(name)}"
    if name.startswith("s3://"):
        return None
    if "\\" in name or _DRIVE.match(name):
        return f"is a path of Windows, not a key below base{_form(name)}"
    if is_suspicious(name):
        return f"holds white space around it, or a character that cannot be seen{_form(name)}"
    if has_image_ending(name) or options.extension == "":
        return None
    suffix = PurePosixPath(name).suffix
    if suffix.lower() in IMAGES:
        return f"ends in {suffix}: Custom Labels takes images that are PNG or JPEG"
    return "does not end in .jpg, .jpeg or .png; --extension .jpg adds it, none takes names as they are"


def _form(name: str) -> str:
    """Return the required form of a name, as the end of a message."""
    if found := _S3_HOST.fullmatch(name) or _S3_PATH.fullmatch(name):
        return f"; its address is s3://{found[1]}/{found[2]}"
    text = re.sub(r"[\x00-\x1f\x7f]", "", name).strip()
    path = PureWindowsPath(text) if "\\" in text or _DRIVE.match(text) else PurePosixPath(text)
    steps = [step for step in path.parts if step not in (path.anchor, ".", "..")]
    if "://" in text and len(steps) > 2 and has_image_ending(text):
        return f"; --basename takes “{steps[-1]}”"
    if not steps or "://" in text:
        return ""
    whole = "/".join(steps)
    last = f", and --basename takes “{steps[-1]}”" if len(steps) > 1 else ""
    return f"; the form is “{whole}”{last}"


def read_image_header(path: Path) -> Header:
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
        return with_header(image, read_image_header(path), image.origin)
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
