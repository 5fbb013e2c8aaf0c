"""Report what an export wrote, and what it left behind, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from reconciler.convert.export.losses import LEFT_OUT, MEANINGS, Kind, Loss
from reconciler.convert.export.run import Report, Written
from reconciler.reports.visible import counted, shortened, visible

_SHOWN_NAMES = 5
_SHOWN_CHARS = 40


class Result(NamedTuple):
    """One export in the format of another tool."""

    format: str
    directory: Path
    report: Report


def as_json(result: Result) -> bytes:
    """Return the document; the file in the directory of the export is the same."""
    report = result.report
    sources = [split.of.source for split in report.splits]
    refused = {ref: codes for split in report.splits for ref, codes in split.of.refused.items()}
    document = {
        "format": "export/v1",
        "arn": sources[0] if len(sources) == 1 and sources[0].startswith("arn:") else None,
        "entries": sum(split.entries for split in report.splits),
        "left_out": [{"source_ref": ref, "codes": list(codes)} for ref, codes in refused.items()],
        "files": _files(result),
        "written_as": result.format,
        "splits": [_split(split) for split in report.splits],
        "losses": [_loss(kind, loss) for kind, loss in report.losses.by_kind().items()],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _split(split: Written) -> dict[str, Any]:
    return {
        "name": split.of.name,
        "source": split.of.source,
        "entries": split.entries,
        "images": split.images,
        "boxes": split.boxes,
        "base": split.base,
    }


def _loss(kind: Kind, loss: Loss) -> dict[str, Any]:
    return {
        "kind": kind,
        "meaning": MEANINGS[kind],
        "images_left_out": kind in LEFT_OUT,
        "count": loss.count,
        "images": loss.images,
        "names": dict(loss.names.most_common()),
        "source_refs": loss.source_refs,
    }


def as_text(result: Result) -> str:
    """Return the report for people."""
    return "\n".join(_lines(result))


def _lines(result: Result) -> Iterator[str]:
    for split in result.report.splits:
        images, boxes = counted(split.images, "image"), counted(split.boxes, "box", "boxes")
        base = f", below {visible(split.base)}" if split.base else ""
        yield f"{split.of.name}: {images} with {boxes}, of {counted(split.entries, 'entry', 'entries')}{base}"
        if split.of.refused:
            first, codes = next(iter(split.of.refused.items()))
            many = counted(len(split.of.refused), "entry is", "entries are")
            yield f"  {many} left out: AWS would refuse them, such as {visible(first)} ({', '.join(codes)})"
    yield from (f"  {visible(name)}" for name in _files(result))
    losses = result.report.losses.by_kind()
    if not losses:
        yield f"Nothing is lost in {result.format}."
        return
    yield f"Lost in {result.format}, or when it is converted again:"
    for kind, loss in losses.items():
        many = f"{loss.count:,} in " if loss.count > loss.images else ""
        many += f"{counted(loss.images, 'image')}, such as {visible(loss.source_refs[0])}"
        yield f"  {kind}: {MEANINGS[kind]}: {many}{_names(loss)}"


def _names(loss: Loss) -> str:
    shown = [
        f"{shortened(visible(name), _SHOWN_CHARS)} {count:,}"
        for name, count in loss.names.most_common(_SHOWN_NAMES)
    ]
    more = len(loss.names) - len(shown)
    return f" ({', '.join(shown)}{f' and {more} more' if more else ''})" if shown else ""


def _files(result: Result) -> list[str]:
    return [f"{result.directory / name}{'/' * name.endswith('/')}" for name in result.report.files]
