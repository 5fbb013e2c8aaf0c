"""Small inputs in every format, and a look at what became of them."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from reconciler.convert.compose import Converted
from reconciler.convert.formats import convert_input
from reconciler.convert.record import Options
from tests.builders import CREATED

BASE = "s3://b/p/"


class Drawn(NamedTuple):
    """A box as people think of it."""

    label: str
    left: int
    top: int
    width: int
    height: int


def convert(name: str, path: Path, **options: Any) -> Converted:
    """Convert with a base and a date, unless the test is about them."""
    return convert_input(name, path, Options(**{"base": BASE, "created_at": CREATED, **options}))


def fields(done: Converted) -> list[dict[str, Any]]:
    """Return the content of every line, in the order in which they are written."""
    return [json.loads(line) for line in done.ordered()]


def boxes(line: dict[str, Any], attribute: str = "bounding-box") -> list[Drawn]:
    """Return the boxes of a line, with the names of their classes."""
    names = line[f"{attribute}-metadata"]["class-map"]
    return [
        Drawn(names[str(box["class_id"])], box["left"], box["top"], box["width"], box["height"])
        for box in line[attribute]["annotations"]
    ]


def errors(done: Converted) -> list[tuple[str, str]]:
    """Return where each error is, without its directory, and its code."""
    return [(Path(str(p.origin)).name, p.code) for p in done.problems if p.is_error]


def warnings(done: Converted) -> list[str]:
    return [str(p.code) for p in done.problems if not p.is_error]


def coco(path: Path, images: list[Any], annotations: list[Any], *names: str, **more: Any) -> Path:
    """Write a COCO file, a record a line; categories are numbered from 1."""
    categories = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
    document = {**more, "images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(document, indent=0))
    return path


def jpeg(width: int = 640, height: int = 480, orientation: int = 1, **more: Any) -> bytes:
    """Return a black photograph, its orientation as in EXIF."""
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (width, height)).save(stream, "JPEG", exif=exif.tobytes(), **more)
    return stream.getvalue()


def png(width: int, height: int) -> bytes:
    """Return the start of a PNG, which is all that is looked at."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def yolo(path: Path, images: dict[str, tuple[int, int, str | None]], *names: str) -> Path:
    """Write images and label files: name -> width, height, text of the label file."""
    for name, (width, height, labels) in images.items():
        image = path / "images" / name
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(png(width, height))
        if labels is not None:
            file = (path / "labels" / name).with_suffix(".txt")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(labels)
    (path / "classes.txt").write_text("".join(f"{name}\n" for name in names))
    return path


def voc(path: Path, name: str, *objects: str, size: str = "<width>640</width><height>480</height>") -> Path:
    """Write one VOC file; an object is what stands in its element."""
    shown = "".join(f"\n<object>{content}</object>" for content in objects)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation><filename>{name}</filename><size>{size}</size>{shown}\n</annotation>")
    return path


def voc_box(label: str, *edges: object) -> str:
    """Return the content of an object: xmin, ymin, xmax, ymax."""
    inner = "".join(
        f"<{key}>{edge}</{key}>" for key, edge in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True)
    )
    return f"<name>{label}</name><bndbox>{inner}</bndbox>"


def manifest(path: Path, *lines: dict[str, Any] | str) -> Path:
    """Write a manifest, a line an object."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{text}\n" for text in texts))
    return path
