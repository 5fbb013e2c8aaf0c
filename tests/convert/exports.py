"""Write lines in a format of others, and read them again by `convert` or, where it does not, by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from reconciler.convert.compose import Converted
from reconciler.convert.export.run import Job, Report, Split, write
from reconciler.convert.writers.registry import WRITERS
from reconciler.core.validation.spec_codes import NO_RECORDS
from tests.convert.inputs import convert


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


READ: dict[str, Callable[[Path, str, str], list[Converted]]] = {"coco": _coco}
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


def images(directory: Path) -> dict[str, str]:
    """Return source-ref -> path of the images."""
    rows = (directory / "images.tsv").read_text("utf-8").splitlines()
    return dict(row.split("\t") for row in rows)


def document(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
