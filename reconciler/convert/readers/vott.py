"""
VoTT 2: an export as JSON, the files of its assets, or, by `csv`, CSV (github.com/microsoft/VoTT, archived).

A region with several tags is a box for each of them, as in VoTT's own exports.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reconciler.convert.geometry import cornered, not_upright, sides
from reconciler.convert.parsing.json_records import Record, document, mapping_of, records
from reconciler.convert.recognition import InputFormat
from reconciler.convert.record import (
    BadFile,
    LabelledImage,
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

EXPORT: Final = "*-export.json"
ASSET: Final = "*-asset.json"
_SIDES: Final = ("left", "top", "width", "height")
_UPRIGHT: Final = ("RECTANGLE", "SQUARE")
_SEEN: Final = 1  # states: 0 not visited, 1 visited, 2 tagged


def read_vott(path: Path, options: Options) -> Iterator[Read]:
    """Read one file, or the export or all assets of a directory."""
    files = [path]
    if path.is_dir():
        files = sorted(path.glob(EXPORT)) or sorted(path.glob(ASSET))
        if not files or (len(files) > 1 and files[0].match(EXPORT)):
            listed = ", ".join(file.name for file in files[:5]) or "none"
            raise UsageError(f"{path}: name one {EXPORT}; there are: {listed}")
    for file in files:
        for record in _assets(file):
            yield _image(record, options)


INPUT: Final = InputFormat(read_vott, keys=("assets tags", "asset regions"), has_tables=True)


def _assets(path: Path) -> Iterator[Record]:
    text, name = text_of(path), display(path)
    members = list(records(text, name, inside="assets"))
    keys = {record.key for record in members}
    if keys >= {"asset", "regions"}:
        yield Record("assets", 0, document(text, name), Origin(name, 1))
    elif "assets" in keys:
        yield from (record for record in members if record.key == "assets" and record.number is not None)
    else:
        raise BadFile(codes.OTHER_FORMAT, "no file of VoTT 2: it has no “assets”", Origin(name, 1))


def _image(record: Record, options: Options) -> Read:
    match record.value:
        case {"asset": {"name": str(name), **asset}, "regions": list(regions)} if name:
            pass
        case _:
            message = "an asset must have a name, and a list of regions"
            return wrong(codes.BAD_RECORD, message, record.origin)
    found = [
        item
        for number, region in enumerate(regions)
        for item in _boxes(region, f"regions[{number}]", record.origin, options)
    ]
    stated = mapping_of(asset.get("size"))
    size = sides(stated.get("width"), stated.get("height"))
    is_seen = bool(regions) or asset.get("state") == _SEEN
    return LabelledImage.of(name, record.origin, found, size=size, has_boxes=is_seen)


def _boxes(region: object, called: str, origin: Origin, options: Options) -> Iterator[Rectangle | Problem]:
    match region:
        case {"tags": [*tags], "boundingBox": dict(sides), **more} if all(
            isinstance(tag, str) for tag in tags
        ):
            kind = str(more.get("type", _UPRIGHT[0]))
        case _:
            yield wrong(codes.BAD_RECORD, f"{called} must be an object with tags and a boundingBox", origin)
            return
    if not tags:
        yield wrong(codes.NO_CLASS, f"{called} has no tag", origin)
    for tag in tags:
        problem = None if kind in _UPRIGHT else not_upright(tag, kind.lower(), origin, options)
        yield problem or cornered(tag, (sides.get(key) for key in _SIDES), origin)
