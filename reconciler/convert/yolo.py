"""
YOLO: a text file an image, a box a line: ``class x y width height``, centre and lengths as shares of the image.

Which label file belongs to an image is as in Ultralytics. There an image with an empty file and one without a file
are the same; here the first is one in which nothing was found, and the second an unlabelled entry.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.convert.classes import found_near, names_in
from reconciler.convert.imagesize import Size, size_of
from reconciler.convert.pixels import number
from reconciler.convert.record import BadFile, Options, Picture, Read, Rectangle, odd, shown, text_of, wrong
from reconciler.convert.sizes import TURNED
from reconciler.core import codes_spec as codes
from reconciler.core.problem import Origin, Problem
from reconciler.errors import UsageError

# What Ultralytics reads. The probe says which of them Custom Labels takes.
_IMAGES: Final = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp", ".heic"}
)
_NO_LABELS: Final = frozenset({"classes.txt", "train.txt", "valid.txt", "val.txt", "test.txt", "obj.txt"})
_IMAGE_DIRECTORY: Final = "images"
_LABEL_DIRECTORY: Final = "labels"
_PARTS: Final = frozenset({"train", "val", "valid", "test"})  # each a dataset of its own
_HALF: Final = Decimal("0.5")


class _Layout(NamedTuple):
    """Where images are, and where the label file of each would be."""

    images: Path
    labels: Path


def read_yolo(path: Path, options: Options) -> Iterator[Read]:
    """Read the images of a directory and below it, in the order of their names."""
    layout = _layout(path)
    file = options.classes or found_near(path)
    if file is None:
        raise UsageError(
            f"{path}: no class names near it (data.yaml, classes.txt, obj.names): give --classes FILE"
        )
    names = names_in(file)
    expected = set()
    for image in _below(layout.images, _IMAGES):
        labels = layout.labels / image.relative_to(layout.images).with_suffix(".txt")
        expected.add(labels)
        yield _picture(image, labels, layout, names)
    for labels in _below(layout.labels, frozenset({".txt"})):
        if labels not in expected and labels.name not in _NO_LABELS:
            yield wrong(codes.NO_IMAGE, "there is no image for this label file", Origin(shown(labels), 1))


def _layout(path: Path) -> _Layout:
    """Find the directories: *path* is the one around ``images``, or one below such a one, or holds all files."""
    if not path.is_dir():
        raise UsageError(f"{path}: is no directory: name the one that holds images and labels")
    parts = [place for pattern in ("*/images", f"{_IMAGE_DIRECTORY}/*") for place in path.glob(pattern)]
    parts = sorted(place.parent if place.name == _IMAGE_DIRECTORY else place for place in parts)
    parts = [place for place in parts if place.is_dir() and place.name in _PARTS]
    if len(parts) > 1:
        raise UsageError(f"{path}: name one of its parts: {', '.join(map(str, parts))}")
    if (path / _IMAGE_DIRECTORY).is_dir():
        return _beside(path / _IMAGE_DIRECTORY, path / _LABEL_DIRECTORY)
    steps = list(path.absolute().parts)
    if _IMAGE_DIRECTORY in steps:
        last = len(steps) - 1 - steps[::-1].index(_IMAGE_DIRECTORY)
        steps[last] = _LABEL_DIRECTORY
        return _beside(path, Path(*steps) if path.is_absolute() else Path(os.path.relpath(Path(*steps))))
    return _Layout(path, path)


def _beside(images: Path, labels: Path) -> _Layout:
    """Take label files to lie beside the images where there is no directory for them."""
    return _Layout(images, labels if labels.is_dir() else images)


def _below(directory: Path, suffixes: frozenset[str]) -> list[Path]:
    return sorted(file for file in directory.rglob("*") if file.suffix.lower() in suffixes and file.is_file())


def _picture(image: Path, labels: Path, layout: _Layout, names: Mapping[int, str]) -> Read:
    name, origin = image.relative_to(layout.images).as_posix(), Origin(shown(image), 1)
    if not labels.is_file():
        return Picture(name, origin)
    try:
        size = size_of(image)
        rows = text_of(labels).split("\n")
    except BadFile as exc:
        return Picture(name, origin, problems=(exc.problem,))
    found = [
        _box(row.split(), Origin(shown(labels), number), size, names)
        for number, row in enumerate(rows, 1)
        if row.strip()
    ]
    problems = [item for item in found if isinstance(item, Problem)]
    if size.turned:
        problems.append(odd(codes.TURNED, TURNED, origin))
    return Picture(
        name,
        Origin(shown(labels), 1),
        boxes=tuple(item for item in found if isinstance(item, Rectangle)),
        size=(size.width, size.height),
        problems=tuple(problems),
    )


def _box(words: list[str], origin: Origin, size: Size, names: Mapping[int, str]) -> Rectangle | Problem:
    if len(words) != 5:
        return _no_box(words, origin)
    shares = [number(word) for word in words[1:]]
    match shares:
        case [Decimal() as x, Decimal() as y, Decimal() as width, Decimal() as height] if _are_shares(shares):
            pass
        case _:
            message = (
                f"x y width height must be shares of the image, from 0 to 1, not {' '.join(words[1:])[:60]}"
            )
            return wrong(codes.BAD_RECORD, message, origin)
    label = names.get(int(words[0])) if words[0].isascii() and words[0].isdigit() else None
    if label is None:
        return wrong(codes.NO_CLASS, f"the class {words[0][:20]} has no name; {len(names)} have one", origin)
    return Rectangle(
        label,
        left=(x - width * _HALF) * size.width,
        top=(y - height * _HALF) * size.height,
        right=(x + width * _HALF) * size.width,
        bottom=(y + height * _HALF) * size.height,
        origin=origin,
    )


def _no_box(words: list[str], origin: Origin) -> Problem:
    """Say what a line that is no box seems to be."""
    count = len(words)
    if count == 6:
        message = "six numbers: with a confidence at its end this is a prediction, not a label"
        return wrong(codes.NO_BOX, message, origin)
    if count > 6:
        message = f"{count} numbers: a polygon, a turned box or keypoints, which a line cannot hold"
        return wrong(codes.NO_BOX, message, origin)
    return wrong(codes.BAD_RECORD, f"{count} numbers where class x y width height are expected", origin)


def _are_shares(shares: list[Decimal | None]) -> bool:
    return all(share is not None and 0 <= share <= 1 for share in shares)
