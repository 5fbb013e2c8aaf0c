"""Write lines in a format of others, and read them again by `convert` or, where it does not, by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from hypothesis.errors import UnsatisfiedAssumption

from reconciler.convert.compose import Converted
from reconciler.convert.export.run import Job, Report, Split, write
from reconciler.convert.writers.registry import WRITERS
from reconciler.core.validation.spec_codes import NO_RECORDS
from tests.convert.inputs import convert, png


def export(
    name: str,
    directory: Path,
    *,
    images_at: Sequence[Any] = (),
    about: Mapping[str, str] = {},
    **lines: Iterable[bytes],
) -> Report:
    """Write the lines of each split, such as ``train=[…]``, to a directory that is there."""
    splits = []
    for split, given in lines.items():
        ordered = sorted(given, key=lambda raw: orjson.loads(raw)["source-ref"])
        refs = [orjson.loads(raw)["source-ref"] for raw in ordered]
        splits.append(Split(split, refs, lambda ordered=ordered: ordered))
    return write(Job(WRITERS[name], "bees", splits, images_at, about), directory)


def _coco(directory: Path, split: str, base: str) -> list[Converted]:
    return [convert("coco", directory / "annotations" / f"instances_{split}.json", base=base)]


def _yolo(directory: Path, split: str, base: str) -> list[Converted]:
    """Read the images that are there; without a box in any of them the classes have no names."""
    if "names: {}" in (directory / "data.yaml").read_text("utf-8"):
        raise UnsatisfiedAssumption
    images = directory / "images" / split
    return [convert("yolo", images, base=base)] if images.exists() else []


def _voc(directory: Path, split: str, base: str) -> list[Converted]:
    files = directory / split / "Annotations"
    return [convert("voc", directory / split, base=base)] if files.exists() else []


def _csv(directory: Path, split: str, base: str) -> list[Converted]:
    """Read both tables; labels may be numbers, which a table is believed only if somebody says so."""
    edges = ("xmin", "ymin", "xmax", "ymax")
    columns = {
        f"{split}.csv": {"image": ("filename",), "label": ("class",), "image_width": ("width",)}
        | {"image_height": ("height",), **{edge: (edge,) for edge in edges}},
        f"{split}-labels.csv": {"image": ("image",), "label": ("label",)},
    }
    return [
        convert("csv", directory / name, base=base, columns=roles)
        for name, roles in columns.items()
        if (directory / name).exists()
    ]


READ: dict[str, Callable[[Path, str, str], list[Converted]]] = {
    "coco": _coco,
    "yolo": _yolo,
    "voc": _voc,
    "csv": _csv,
}
"""How the files of a split are converted again."""


def converted(name: str, directory: Path, report: Report, split: str = "train") -> dict[str, bytes]:
    """Convert what was exported; return source-ref -> line, and assert that nothing is wrong with it."""
    base = next(written.base for written in report.splits if written.of.name == split)
    lines: dict[str, bytes] = {}
    for done in READ[name](directory, split, base or ""):
        # An input without images is an error to `convert`, and no line is lost by it.
        assert [] == [problem for problem in done.errors if problem.code != NO_RECORDS.code]
        lines |= done.lines
    return lines


def losses(report: Report) -> dict[str, int]:
    """Return the kinds of what was lost, and how often."""
    return {str(kind): loss.count for kind, loss in report.losses.by_kind().items()}


def put_images(directory: Path, lines: Iterable[bytes]) -> None:
    """Put an image of the stated size wherever the list says that one belongs."""
    sizes = {}
    for raw in lines:
        line = orjson.loads(raw)
        stated = [
            value["image_size"][0]
            for value in line.values()
            if isinstance(value, dict) and "image_size" in value
        ]
        sizes[line["source-ref"]] = (
            (int(stated[0]["width"]), int(stated[0]["height"])) if stated else (64, 64)
        )
    for ref, name in images(directory).items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(png(*sizes[ref]))


def images(directory: Path) -> dict[str, str]:
    """Return source-ref -> path of the images."""
    rows = (directory / "images.tsv").read_text("utf-8").splitlines()
    return dict(row.split("\t") for row in rows)


def document(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
