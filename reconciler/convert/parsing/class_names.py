"""Read the class names of a YOLO input: the ``names`` of a data.yaml, or a file with one name per line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from reconciler.convert.record import BadFile, display, text_of
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin

FILES: Final = (
    *("data.yaml", "data.yml", "dataset.yaml", "dataset.yml"),
    *("classes.txt", "obj.names", "classes.names", "_darknet.labels", "predefined_classes.txt"),
)
_PRESETS: Final = ("predefined_classes.txt",)  # what a labelling tool offers, not what it wrote
_YAML: Final = (".yaml", ".yml")
MID: Final = re.compile(r"/[gmt]/[0-9a-z_]+")
"""The id of a class of Open Images, which a row ``MID,name`` of class-descriptions.csv names."""
_LEVELS: Final = 3


class Classes(NamedTuple):
    """
    The content of a file with class names.

    Attributes:
        names: Class number, or id of Open Images -> name.
        keypoints: Whether rows have keypoints after their box.
    """

    names: Mapping[int | str, str]
    keypoints: bool = False


def find_near(directory: Path, labels: Path) -> Path | None:
    """Find the file with the class names: in or above *directory*, or beside or above *labels*."""
    around = [directory.absolute(), *directory.absolute().parents][:_LEVELS]
    for place in (around[0], labels.absolute(), labels.absolute().parent, *around[1:]):
        for name in FILES:
            if (place / name).is_file():
                return labels / name if place == labels.absolute() else _as_typed(directory, place) / name
    return None


def agreeing(path: Path, labels: Path) -> Path:
    """
    Return *path*, after comparing it with the other files of class names beside it and beside the label files.

    Raises:
        BadFile: One gives a class another name: which of them is meant is not known.
    """
    names = names_in(path)
    others = (place / name for place in (path.parent, labels) for name in FILES if name not in _PRESETS)
    for other in (other for other in others if other.is_file() and not other.samefile(path)):
        theirs: Mapping[int | str, str] = {}
        with suppress(BadFile):  # no class names at all
            theirs = names_in(other)
        if (differ := next((n for n in theirs if names.get(n, theirs[n]) != theirs[n]), None)) is not None:
            called = f"the class {differ} is “{names[differ]}” here and “{theirs[differ]}”"
            raise _bad(path, f"{called} in {display(other)}: say which counts with --classes")
    return path


def names_in(path: Path) -> Mapping[int | str, str]:
    """
    Return class number, or id of Open Images -> name.

    Raises:
        BadFile: It cannot be read, or names no classes.
    """
    return classes_in(path).names


def classes_in(path: Path) -> Classes:
    """
    Return the content of a file with class names.

    Raises:
        BadFile: It cannot be read, or names no classes.
    """
    text = text_of(path)
    is_yaml = path.suffix.lower() in _YAML
    found = _from_yaml(text, path) if is_yaml else Classes(_described(text) or dict(enumerate(_lines(text))))
    if not found.names:
        raise _bad(path, "it names no classes")
    return found


def _lines(text: str) -> list[str]:
    """Return one name per line. Only trailing lines may be blank, as class numbers count lines."""
    return [line.removesuffix("\r") for line in text.rstrip("\r\n \t").split("\n")] if text.strip() else []


def _described(text: str) -> dict[int | str, str]:
    """Return the names of ids of Open Images; empty for another file."""
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        return {row[0]: row[1] for row in rows if len(row) > 1 and MID.fullmatch(row[0])}
    except csv.Error:
        return {}


def _from_yaml(text: str, path: Path) -> Classes:
    """Read the list, or the mapping from numbers, under ``names``, with all scalars as text."""
    try:
        document: Any = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  it constructs only strings
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise _bad(path, f"not valid YAML: {' '.join(str(exc).split())}") from exc
    names = document.get("names") if isinstance(document, dict) else None
    match names:
        case list():
            pairs = list(enumerate(names))
        case dict() if all(isinstance(key, str) and key.isascii() and key.isdigit() for key in names):
            pairs = [(int(key), name) for key, name in names.items()]
        case _:
            raise _bad(path, "it has no “names”: a list, or a mapping from class numbers")
    if not all(isinstance(name, str) for _, name in pairs):
        raise _bad(path, "a name under “names” is not text")
    return Classes(dict(pairs), keypoints="kpt_shape" in document)


def _as_typed(directory: Path, place: Path) -> Path:
    """Return *directory* as the user wrote it if *place* is the same directory; else *place*."""
    return directory if place == directory.absolute() else place


def _bad(path: Path, message: str) -> BadFile:
    return BadFile(codes.OTHER_FORMAT, message, Origin(display(path), 1))
