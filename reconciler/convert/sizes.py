"""The sizes of images that an input does not state, from the headers of the images themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from reconciler.convert.imagesize import size_of
from reconciler.convert.names import IMAGES
from reconciler.convert.record import BadFile, Picture, odd
from reconciler.core.validation import spec_codes as codes

_SCHEME: Final = re.compile(r"[a-z0-9]+://[^/]*/")
_ENDINGS: Final = ("", ".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")

TURNED: Final = "the image is stored turned (EXIF orientation); its boxes are taken as those of what is shown"


def sized(picture: Picture, directory: Path) -> Picture:
    """
    Return the picture with the size of its image, or with what is wrong with that; as it is if there is none.

    The image is looked for at its path below the directory, then by the last step of its name.
    """
    path = next((path for path in _candidates(directory, picture.name) if _is_file(path)), None)
    if path is None:
        return picture
    try:
        found = size_of(path)
    except BadFile as exc:
        return replace(picture, problems=(*picture.problems, exc.problem))
    turned = (odd(codes.TURNED, TURNED, picture.origin),) if found.turned else ()
    return replace(picture, size=(found.width, found.height), problems=(*picture.problems, *turned))


def ending_in(directory: Path, name: str) -> str:
    """Return what the name of an image in *directory* ends in, and *name* lacks; nothing if there is none."""
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
    except (OSError, ValueError):  # a name that no file can have
        return False
