"""
YOLO: a text file per image, a line ``class x y width height`` per box: centre and size as fractions.

Label files are located as Ultralytics does. Ultralytics treats an empty and a missing label file alike; here
an empty file means an image without objects, and a missing one an unlabelled entry.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.convert.geometry import around, from_centre, number, scaled
from reconciler.convert.images import ending_in, read_image_header, with_header
from reconciler.convert.parsing.class_names import FILES, Classes, agreeing, classes_in, find_near
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import (
    BadFile,
    LabelledImage,
    Notes,
    Options,
    Read,
    Rectangle,
    display,
    text_of,
    wrong,
)
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import UsageError

# Suffixes that Ultralytics reads. Reading the header rejects files that Custom Labels does not support.
SUFFIXES: Final = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp", ".heic"}
)
_NO_LABELS: Final = frozenset({*FILES, "train.txt", "valid.txt", "val.txt", "test.txt", "obj.txt"})
IMAGE_DIRECTORY: Final = "images"
LABEL_DIRECTORY: Final = "labels"
_PARTS: Final = frozenset({"train", "val", "valid", "test"})  # each is a separate dataset

# Whether a box is within its image is checked in whole pixels, since fractions are inexact. These bounds only
# distinguish fractions from pixels.
_LEAST: Final = -1
_MOST: Final = 2


class _Layout(NamedTuple):
    """The directories of the images and of their label files."""

    images: Path
    labels: Path


def read_yolo(path: Path, options: Options) -> Iterator[Read]:
    """Read the images below a directory, ordered by name."""
    elsewhere = options.in_s3 is not None or options.images is not None
    layout = _layout(path, elsewhere=elsewhere)
    file = options.classes or find_near(path, layout.labels)
    if file is None:
        raise UsageError(f"{path}: no class names near it ({', '.join(FILES)}): give --classes FILE")
    classes = classes_in(file if options.classes else agreeing(file, layout.labels))
    rules = _Rules(classes, options.polygons, Notes("rows"))
    expected = set()
    for image in _below(layout.images, SUFFIXES):
        labels = layout.labels / image.relative_to(layout.images).with_suffix(".txt")
        expected.add(labels)
        yield _image(image, labels, layout, rules)
    for labels in _below(layout.labels, frozenset({".txt"})):
        if labels in expected or labels.name in _NO_LABELS or labels == file:
            continue
        if elsewhere:
            name = labels.relative_to(layout.labels).with_suffix("").as_posix()
            ending = ending_in(options.images, name) if options.images else ""
            yield _labelled(f"{name}{ending}", labels, rules)
        else:
            message = "there is no image for this label file; --images names where the images are"
            yield wrong(codes.NO_IMAGE, message, Origin(display(labels), 1))
    yield from rules.notes.problems()


INPUT: Final = InputFormat(read_yolo)


def _layout(path: Path, *, elsewhere: bool) -> _Layout:
    """
    Find the directories: *path* contains ``images``, is within it, or contains all files.

    Args:
        elsewhere: Whether the images may be elsewhere, so that *path* need not hold them.
    """
    if not path.is_dir():
        raise UsageError(f"{path}: is not a directory: name the one that holds images and labels")
    parts = [place for pattern in ("*/images", f"{IMAGE_DIRECTORY}/*") for place in path.glob(pattern)]
    parts = sorted(place.parent if place.name == IMAGE_DIRECTORY else place for place in parts)
    parts = [place for place in parts if place.is_dir() and place.name in _PARTS]
    if len(parts) > 1:
        raise UsageError(f"{path}: name one of its parts: {', '.join(map(str, parts))}")
    if (path / IMAGE_DIRECTORY).is_dir() or (elsewhere and (path / LABEL_DIRECTORY).is_dir()):
        return _beside(path / IMAGE_DIRECTORY, path / LABEL_DIRECTORY)
    steps = list(path.absolute().parts)
    if IMAGE_DIRECTORY in steps:
        last = len(steps) - 1 - steps[::-1].index(IMAGE_DIRECTORY)
        steps[last] = LABEL_DIRECTORY
        return _beside(path, Path(*steps) if path.is_absolute() else Path(os.path.relpath(Path(*steps))))
    return _Layout(path, path)


def _beside(images: Path, labels: Path) -> _Layout:
    """Return the layout; label files are beside the images if the directory *labels* does not exist."""
    return _Layout(images, labels if labels.is_dir() else images)


def _below(directory: Path, suffixes: frozenset[str]) -> list[Path]:
    return sorted(file for file in directory.rglob("*") if file.suffix.lower() in suffixes and file.is_file())


def _image(image: Path, labels: Path, layout: _Layout, rules: _Rules) -> Read:
    name, origin = image.relative_to(layout.images).as_posix(), Origin(display(image), 1)
    if not labels.is_file():
        return LabelledImage(name, origin)
    try:
        header = read_image_header(image)
    except BadFile as exc:
        return LabelledImage(name, origin, problems=(exc.problem,))
    return with_header(_labelled(name, labels, rules, header.shown), header, origin)


def _labelled(name: str, labels: Path, rules: _Rules, size: tuple[int, int] | None = None) -> LabelledImage:
    """Return the image of a label file; its boxes are shares if its size is not known."""
    try:
        rows = text_of(labels).split("\n")
    except BadFile as exc:
        return LabelledImage(name, Origin(display(labels), 1), problems=(exc.problem,))
    found = [
        rules.box(row.split(), Origin(display(labels), number), size)
        for number, row in enumerate(rows, 1)
        if row.strip()
    ]
    return LabelledImage.of(name, Origin(display(labels), 1), found, size=size, shares=size is None)


class _Rules(NamedTuple):
    """The expected form of rows, the names of the classes, and what is left out."""

    classes: Classes
    polygons: bool
    notes: Notes

    def box(self, words: list[str], origin: Origin, size: tuple[int, int] | None) -> Rectangle | Problem:
        has_keypoints = self.classes.keypoints and len(words) > 5
        is_polygon = self.polygons and not has_keypoints and len(words) > 6 and len(words) % 2 == 1
        if len(words) != 5 and not has_keypoints and not is_polygon:
            return _no_box(words, origin)
        shares = [number(word) for word in (words[1:] if is_polygon else words[1:5])]
        known = [share for share in shares if share is not None and _LEAST <= share <= _MOST]
        if len(known) < len(shares):
            message = f"shares of the image, from 0 to 1, are expected, not {' '.join(words[1:])[:60]}"
            return wrong(codes.BAD_RECORD, message, origin)
        found = number(words[0])
        label = self.classes.names.get(int(found)) if found is not None and found == int(found) else None
        if label is None:
            message = f"the class {words[0][:20]} has no name; {len(self.classes.names)} have one"
            return wrong(codes.NO_CLASS, message, origin)
        if has_keypoints:
            self.notes.add("keypoints beside a box are left out", origin)
        box = around(label, known, origin) if is_polygon else Rectangle(label, *from_centre(*known), origin)
        return scaled(box, *size) if size else box


def _no_box(words: list[str], origin: Origin) -> Problem:
    """Return the problem of a line that is not a box."""
    count = len(words)
    if count == 6:
        message = "six numbers: with a confidence at its end this is a prediction, not a label"
        return wrong(codes.NO_BOX, message, origin)
    if count > 6:
        way = "; --polygons box takes the box around a polygon" if count % 2 else ""
        message = f"{count} numbers: a polygon, a turned box or keypoints, which a line cannot hold{way}"
        return wrong(codes.NO_BOX, message, origin)
    return wrong(codes.BAD_RECORD, f"{count} numbers where class x y width height are expected", origin)
