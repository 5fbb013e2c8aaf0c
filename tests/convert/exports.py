"""Write lines in the format of another tool, and read them again by `convert` or, where it does not, by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
from hypothesis.errors import UnsatisfiedAssumption

from reconciler.convert.compose import Converted
from reconciler.convert.export.run import Report, Split, write
from reconciler.convert.formats import WRITERS
from reconciler.core.spec.labelling import image_level, located
from reconciler.core.validation.codes import NO_RECORDS
from reconciler.core.validation.problem import Origin
from tests.convert.inputs import Drawn, convert, png

ABOUT = {
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "url": "https://example.com/bees",
    "creator": "Acme",
    "published": "2026-03-01",
}


def export(
    name: str,
    directory: Path,
    *,
    images_at: Mapping[str, str] = {},
    about: Mapping[str, str] = ABOUT,
    **lines: Iterable[bytes],
) -> Report:
    """Write the lines of each split, such as ``train=[…]``, to a directory that is there."""
    splits = []
    for split, given in lines.items():
        ordered = sorted(given, key=lambda raw: orjson.loads(raw)["source-ref"])
        refs = [orjson.loads(raw)["source-ref"] for raw in ordered]
        splits.append(Split(split, refs, lambda ordered=ordered: ordered))
    return write(WRITERS[name], "bees", splits, directory, images_at, about)


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


def _augmented(directory: Path, split: str, base: str) -> list[Converted]:
    paths = [directory / f"{split}{end}.manifest" for end in ("", "-labels")]
    return [convert("groundtruth", path, base=None) for path in paths if path.exists()]


def _hf(directory: Path, split: str, base: str) -> list[Converted]:
    """Read the rows, which `convert` does not: the lines that it would write of their labels."""
    done = Converted()
    for text in (directory / split / "metadata.jsonl").read_text("utf-8").splitlines():
        row = json.loads(
            text, parse_float=lambda digits: int(digits[:-2]) if digits.endswith(".0") else float(digits)
        )
        fields = {"source-ref": row["source-ref"]}
        for label, confidence, attribute in _parallel(row.get("labels"), "label", "confidence", "attribute"):
            named = dict(
                zip((attribute, f"{attribute}-metadata"), image_level([label], "").values(), strict=True)
            )
            fields |= _stated(named, attribute, row["creation_date"], confidence=confidence)
        boxes: dict[str, list[Any]] = {}
        objects = row.get("objects")
        for bbox, label, confidence, attribute in _parallel(
            objects, "bbox", "categories", "confidence", "attribute"
        ):
            boxes.setdefault(attribute, []).append((Drawn(label, *bbox), {"confidence": confidence}))
        for attribute, found in (boxes or {"bounding-box": []} if objects else {}).items():
            pair = located(
                [box for box, _ in found], [row[key] for key in ("width", "height", "depth")], ""
            ).values()
            named = dict(zip((attribute, f"{attribute}-metadata"), pair, strict=True))
            fields |= _stated(named, attribute, row["creation_date"], objects=[given for _, given in found])
        done.lines.add(row["source-ref"], orjson.dumps(fields), Origin("", 1))
    return [done]


def _parallel(columns: Any, *names: str) -> list[Any]:
    return list(zip(*(columns[name] for name in names), strict=True)) if columns else []


def _stated(fields: dict[str, Any], attribute: str, date: str, **stated: Any) -> dict[str, Any]:
    """Return the metadata of an attribute its own job, date and confidence."""
    fields[f"{attribute}-metadata"] |= {
        "job-name": f"labeling-job/{attribute}",
        "creation-date": date,
        **stated,
    }
    return fields


READ: dict[str, Callable[[Path, str, str], list[Converted]]] = {
    "coco": _coco,
    "yolo": _yolo,
    "voc": _voc,
    "csv": _csv,
    "augmented": _augmented,
    "hf": _hf,
    "croissant": _hf,
}
"""How the files of a split are converted again."""


def converted(name: str, directory: Path, report: Report, split: str = "train") -> dict[str, bytes]:
    """Convert what was exported; return source-ref -> line, and assert that nothing is wrong with it."""
    base = next(written.base for written in report.splits if written.of.name == split)
    lines: dict[str, bytes] = {}
    for done in READ[name](directory, split, base or ""):
        # An input without images is an error to `convert`, and no line is lost by it.
        assert [] == [problem for problem in done.errors if problem.code != NO_RECORDS]
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
    if not (directory / "images.tsv").exists():
        return {}
    rows = (directory / "images.tsv").read_text("utf-8").splitlines()
    return dict(row.split("\t") for row in rows)


def document(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
