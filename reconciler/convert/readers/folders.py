"""
Folders: a directory for each label, with its images in it or below, as torchvision's ImageFolder reads them.

The name of an image is its path below IN.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reconciler.convert.images import IMAGES
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import LabelledImage, Options, Read, display, wrong
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin
from reconciler.errors import UsageError

SPLITS: Final = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})


def read_folders(path: Path, _: Options) -> Iterator[Read]:
    """Read the images below a directory, ordered by name."""
    if not path.is_dir():
        raise UsageError(f"{path}: is not a directory: name the one that holds a directory for each label")
    parts = sorted(place for place in path.iterdir() if place.is_dir() and place.name.lower() in SPLITS)
    if parts:
        raise UsageError(f"{path}: name one of its parts: {', '.join(map(str, parts))}")
    for file in sorted(path.rglob("*")):
        if file.suffix.lower() not in IMAGES or not file.is_file():
            continue
        label, *rest = (name := file.relative_to(path)).parts
        origin = Origin(display(file), 1)
        if label.startswith(".") or file.name.startswith("."):
            continue
        if not rest:
            message = "the image is in none of the directories that are labels"
            yield wrong(codes.BAD_RECORD, message, origin)
        else:
            yield LabelledImage(name.as_posix(), origin, labels=(label,))


INPUT: Final = InputFormat(read_folders)
