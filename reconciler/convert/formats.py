"""The formats that are read, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from reconciler.convert.compose import Converted, convert
from reconciler.convert.readers.coco import read_coco
from reconciler.convert.readers.csv import read_csv
from reconciler.convert.readers.groundtruth import read_groundtruth
from reconciler.convert.readers.voc import read_voc
from reconciler.convert.readers.yolo import read_yolo
from reconciler.convert.record import BadFile, Options, Read, shown, wrong
from reconciler.core.validation import spec_codes as codes
from reconciler.core.validation.problem import Origin
from reconciler.errors import UsageError

Reader = Callable[[Path, Options], Iterator[Read]]

READERS: Final[Mapping[str, Reader]] = {
    "coco": read_coco,
    "yolo": read_yolo,
    "voc": read_voc,
    "csv": read_csv,
    "groundtruth": read_groundtruth,
}


def converted(name: str, path: Path, options: Options) -> Converted:
    """
    Read an input of the format *name*, and make its lines.

    Raises:
        UsageError: There is no such input, or more has to be said about it.
    """
    if not path.exists():
        raise UsageError(f"{path}: does not exist")
    if name == "csv" and path.is_dir():
        raise UsageError(f"{path}: is a directory; name the table")
    done = convert(_readable(READERS[name](path, options)), options)
    if not (done.lines or done.errors):
        done.problems.append(
            wrong(codes.NO_RECORDS, f"no image is in this input of {name}", Origin(shown(path), 1))
        )
    return done


def _readable(reads: Iterator[Read]) -> Iterator[Read]:
    """Give what a reader gives, and at its end why it ended, if that was a file that cannot be read."""
    try:
        yield from reads
    except BadFile as exc:
        yield exc.problem
