"""
Registry of label formats.

To add a format, add a module to `readers`, an entry to `READERS`, and a paragraph to docs/convert.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from reconciler.convert.compose import Converted, convert
from reconciler.convert.readers.coco import read_coco
from reconciler.convert.readers.azure import read_azure
from reconciler.convert.readers.createml import read_createml
from reconciler.convert.readers.csv import read_csv
from reconciler.convert.readers.cvat import read_cvat
from reconciler.convert.readers.folders import read_folders
from reconciler.convert.readers.groundtruth import read_groundtruth
from reconciler.convert.readers.labelme import read_labelme
from reconciler.convert.readers.labelstudio import read_labelstudio
from reconciler.convert.readers.vertex import read_vertex
from reconciler.convert.readers.supervisely import read_supervisely
from reconciler.convert.readers.via import read_via
from reconciler.convert.readers.voc import read_voc
from reconciler.convert.readers.vott import read_vott
from reconciler.convert.readers.yolo import read_yolo
from reconciler.convert.record import BadFile, Options, Read, display, wrong
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin
from reconciler.errors import UsageError

Reader = Callable[[Path, Options], Iterator[Read]]

READERS: Final[Mapping[str, Reader]] = {
    "coco": read_coco,
    "yolo": read_yolo,
    "voc": read_voc,
    "csv": read_csv,
    "cvat": read_cvat,
    "via": read_via,
    "labelme": read_labelme,
    "labelstudio": read_labelstudio,
    "folders": read_folders,
    "createml": read_createml,
    "groundtruth": read_groundtruth,
    "vott": read_vott,
    "vertex": read_vertex,
    "supervisely": read_supervisely,
    "azure": read_azure,
}


def converted(name: str, path: Path, options: Options) -> Converted:
    """
    Convert an input of the format *name*.

    Raises:
        UsageError: The input does not exist, or needs further options.
    """
    if not path.exists():
        raise UsageError(f"{path}: does not exist")
    if name == "csv" and path.is_dir():
        raise UsageError(f"{path}: is a directory; name the table")
    options = replace(options, beside=path if path.is_dir() else path.parent)
    done = convert(_readable(READERS[name](path, options)), options)
    if not (done.lines or done.errors):
        done.problems.append(
            wrong(codes.NO_RECORDS, f"no image is in this input of {name}", Origin(display(path), 1))
        )
    return done


def _readable(reads: Iterator[Read]) -> Iterator[Read]:
    """Yield the items of a reader; if it raises BadFile, yield the problem as the last item."""
    try:
        yield from reads
    except BadFile as exc:
        yield exc.problem
