"""The names of images: keys in S3 for those of an input, and paths of an export, from which addresses follow."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

from reconciler.convert.record import Options
from reconciler.core.spec.labelling import why_no_address
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
