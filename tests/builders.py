"""Small makers of test data: each takes only what its test is about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import accumulate

import orjson

from reconciler.core.entries.entry import CLASSIFICATION, DETECTION
from reconciler.core.entries.index import Index, IndexedLines, Place
from reconciler.core.entries.lines import Line
from reconciler.core.entries.listed_form import are_compact, hash_desired

CREATED = "2026-03-01T12:00:00"


def ref(name: str) -> str:
    """Return the source-ref that all makers give to the image *name*."""
    return f"s3://b/{name}.jpg"


def line(name: str, **content: object) -> bytes:
    """Return a compact line with this content, in this order."""
    return orjson.dumps({"source-ref": ref(name), **content})


def classified(name: str, *labels: str) -> bytes:
    """Return a line with one attribute for each image-level label."""
    content: dict[str, object] = {}
    for label in labels:
        content[label] = 1
        content[f"{label}-metadata"] = {
            "confidence": 1,
            "class-name": label,
            "human-annotated": "yes",
            "creation-date": CREATED,
            "type": CLASSIFICATION,
        }
    return line(name, **content)


def named(names: Iterable[str], label: str = "rose") -> list[bytes]:
    """Return a line for each name, all with this label."""
    return [classified(name, label) for name in names]


def boxed(name: str, *boxes: tuple[str, int, int, int, int], size: tuple[int, int] = (640, 480)) -> bytes:
    """Return a line with one detection attribute; a box is its label, left, top, width and height."""
    labels = sorted({box[0] for box in boxes})
    annotations = [
        {"class_id": labels.index(label), "left": left, "top": top, "width": width, "height": height}
        for label, left, top, width, height in boxes
    ]
    return line(
        name,
        **{
            "boxes": {
                "image_size": [{"width": size[0], "height": size[1], "depth": 3}],
                "annotations": annotations,
            },
            "boxes-metadata": {
                "objects": [{"confidence": 1} for _ in boxes],
                "class-map": {str(number): label for number, label in enumerate(labels)},
                "type": DETECTION,
                "human-annotated": "yes",
                "creation-date": CREATED,
            },
        },
    )


def listed(raw: bytes, *codes: str, labeled: bool = True) -> bytes:
    """Return the line as the service lists it, with these codes in a list of errors at its top."""
    extra: dict[str, object] = {"cl-metadata": {"is_labeled": labeled}}
    if codes:
        extra["cl-errors"] = errors(*codes)
    return raw[:-1] + b"," + orjson.dumps(extra)[1:]


def errors(*codes: str) -> list[dict[str, str]]:
    """Return an error list in the shape of the service's own."""
    return [{"code": code, "message": f"about {code}"} for code in codes]


def index_of(*lines: bytes, void: Collection[str] = ()) -> Index:
    """
    Index these lines, as if each stood in a file of its own, at its place in *lines*.

    Args:
        void: Source-refs whose lines are unusable; their files are there.
    """
    files = []
    for raw in lines:
        ref = orjson.loads(raw)["source-ref"]
        alone = IndexedLines([ref], [0], [len(raw)], [1], hash_desired([raw], [0]))
        files.append(IndexedLines((), (), (), (), ()) if ref in void else alone)
    return Index(files, void, is_compact=are_compact(lines))


def reader(*lines: bytes) -> Callable[[str, Place], bytes]:
    """Read the lines that `index_of` indexed."""
    return lambda source_ref, place: lines[place.file]


def observed(*lines: bytes) -> Iterable[Line]:
    """Yield these lines as a listing does."""
    offsets = accumulate((len(raw) for raw in lines), initial=0)
    return [
        (raw, offset, number) for number, (raw, offset) in enumerate(zip(lines, offsets, strict=False), 1)
    ]
