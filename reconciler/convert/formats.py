"""
Registry of the label formats that are read and of those that entries are written in.

To add one, add a module to `readers` or `writers`, an entry here, and a section to docs/convert.md. The `INPUT` of
a reader also holds the signs by which `convert auto` recognises its format.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from reconciler.convert.compose import Converted, convert
from reconciler.convert.export.format import Format
from reconciler.convert.parsing.json_records import objects
from reconciler.convert.readers import (
    azure,
    coco,
    createml,
    csv,
    cvat,
    folders,
    groundtruth,
    labelme,
    labelstudio,
    supervisely,
    vertex,
    via,
    voc,
    vott,
    yolo,
)
from reconciler.convert.recognition import InputFormat, Recogniser, Sign
from reconciler.convert.record import BadFile, Options, Read, bytes_of, display, text_of, wrong
from reconciler.convert.writers.augmented import AUGMENTED
from reconciler.convert.writers.coco import COCO
from reconciler.convert.writers.croissant import CROISSANT
from reconciler.convert.writers.csv import CSV
from reconciler.convert.writers.hf import HF
from reconciler.convert.writers.jsonl import JSONL
from reconciler.convert.writers.voc import VOC
from reconciler.convert.writers.yolo import YOLO
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin, Problem
from reconciler.errors import UsageError

READERS: Final[Mapping[str, InputFormat]] = {
    "coco": coco.INPUT,
    "yolo": yolo.INPUT,
    "voc": voc.INPUT,
    "csv": csv.INPUT,
    "cvat": cvat.INPUT,
    "via": via.INPUT,
    "labelme": labelme.INPUT,
    "labelstudio": labelstudio.INPUT,
    "folders": folders.INPUT,
    "createml": createml.INPUT,
    "vott": vott.INPUT,
    "vertex": vertex.INPUT,
    "supervisely": supervisely.INPUT,
    "azure": azure.INPUT,
    "groundtruth": groundtruth.INPUT,
}

WRITERS: Final[Mapping[str, Format]] = {
    "jsonl": JSONL,
    "coco": COCO,
    "yolo": YOLO,
    "voc": VOC,
    "csv": CSV,
    "augmented": AUGMENTED,
    "hf": HF,
    "croissant": CROISSANT,
}

recognised: Final = Recogniser(READERS).signs
"""Returns every format that is read and fits an input."""

AUTO: Final = "auto"
"""Recognises the format instead of naming it."""


def convert_input(name: str, path: Path, options: Options) -> Converted:
    """
    Convert an input of the format *name*, or of the only format that is recognised in it.

    Raises:
        UsageError: The input does not exist, needs further options, or may be of several formats.
    """
    if not path.exists():
        raise UsageError(f"{path}: does not exist")
    signs = recognised(path) if name == AUTO else []
    if name == AUTO:
        if not (len(signs) == 1 and signs[0].name):
            return Converted(problems=[_unrecognised(path, signs)])
        name, path = signs[0].name, signs[0].path
    if name == "csv" and path.is_dir():
        raise UsageError(f"{path}: is a directory; name the table")
    options = replace(options, beside=path if path.is_dir() else path.parent)
    read_as = "csv" if READERS[name].has_tables and path.suffix.lower() == ".csv" else name
    done = convert(_readable(READERS[read_as].read(path, options)), options)
    done.note = f"{display(path)}: read as {name}, since {signs[0].reason}." if signs else ""
    if not (done.lines or done.errors):
        message = f"this {name} input holds no image"
        done.problems.append(wrong(codes.NO_RECORDS, message, Origin(display(path), 1)))
    elif not done.lines and (others := _others(read_as, path)):
        known, why = done.problems, ""
        if [problem.code for problem in known] == [codes.OTHER_FORMAT]:
            known, why = [], f": {known[0].message}"
        message = f"no image could be read as {name}{why}; {others}"
        done.problems = [wrong(codes.OTHER_FORMAT, message, Origin(display(path), 1)), *known]
    return done


def _unrecognised(path: Path, signs: Sequence[Sign]) -> Problem:
    """
    Return the problem of an input in which no format that is read was recognised.

    Raises:
        UsageError: Several were.
    """
    known = [sign for sign in signs if sign.name]
    if known:
        listed = "".join(
            f"\n  reconciler convert {sign.name} {display(sign.path)} …  # {sign.reason}"
            for sign in known[:8]
        )
        raise UsageError(f"{path}: several formats fit, so name the one that is meant:{listed}")
    if not signs and path.is_file() and (broken := _broken_json(path)):
        return broken
    what = " or ".join(dict.fromkeys(f"it is {sign.reason}" for sign in signs)) or (
        f"nothing in it is that of a format that is read: {', '.join(READERS)}"
    )
    return wrong(codes.OTHER_FORMAT, f"no format is recognised; {what}", Origin(display(path), 1))


def _broken_json(path: Path) -> Problem | None:
    """Return where a file that begins as JSON or JSON Lines stops being it, such as one that was cut off."""
    if bytes_of(path).removeprefix(BOM_UTF8).lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        deque(objects(text_of(path), display(path)), maxlen=0)
    except BadFile as exc:
        return exc.problem
    return None


def _others(name: str, path: Path) -> str:
    """Return which other format the input seems to have; empty if it has the format *name*, or no known one."""
    try:
        signs = recognised(path)
    except BadFile:
        return ""
    if any(sign.name == name for sign in signs):
        return ""
    named = [f"{sign.name} ({sign.reason})" if sign.name else sign.reason for sign in signs]
    return f"it seems to be {' or '.join(dict.fromkeys(named))}" if named else ""


def _readable(reads: Iterator[Read]) -> Iterator[Read]:
    """Yield the items of a reader; if it raises BadFile, yield the problem as the last item."""
    try:
        yield from reads
    except BadFile as exc:
        yield exc.problem
