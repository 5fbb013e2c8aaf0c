"""
Croissant 1.1: ``croissant.json``, which describes the rows of `hf` to loaders and catalogues of data sets.

The vocabulary of MLCommons ("Croissant Format Specification", 1.1). License, address, creator and date of
publication are required there, and no dataset has them: the user says them. A column that no row of a file has is
not described, since mlcroissant, the reference implementation, fails to read it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from reconciler.convert.export.format import AllSplits, Files, Format
from reconciler.convert.writers.hf import CARRIES, METADATA_FILE, split

_OF_CROISSANT: Final = (
    "arrayShape citeAs column containedIn equivalentProperty extract field fileProperty fileObject fileSet format "
    "includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace "
    "samplingRate separator source subField transform"
)
_CONTEXT: Final[Mapping[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{name: f"cr:{name}" for name in _OF_CROISSANT.split()},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "sc": "https://schema.org/",
}


class _Field(NamedTuple):
    """One field of a record: its type, and the column and the path in it that hold it; a list if there is one."""

    kind: str
    column: str
    path: str | None = None


_FIELDS: Final[Mapping[str, _Field]] = {
    "file_name": _Field("sc:Text", "file_name"),
    "source-ref": _Field("sc:Text", "source-ref"),
    "creation_date": _Field("sc:Text", "creation_date"),
    "width": _Field("sc:Integer", "width"),
    "height": _Field("sc:Integer", "height"),
    "depth": _Field("sc:Integer", "depth"),
    "bbox": _Field("cr:BoundingBox", "objects", "$.bbox"),
    "categories": _Field("sc:Text", "objects", "$.categories"),
    "confidence": _Field("sc:Float", "objects", "$.confidence"),
    "labels": _Field("sc:Text", "labels", "$.label"),
}


class _Rows(NamedTuple):
    """The file of one split: its digest, and the columns that occur in it."""

    split: str
    sha256: str
    columns: frozenset[str]


def _finish(summary: AllSplits) -> None:
    found = [_rows(name, summary.files) for name in summary.splits]
    about = summary.about
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": summary.project,
        "description": f"Images and labels of {summary.project}: {', '.join(summary.splits)}",
        "license": about["license"],
        "url": about["url"],
        "creator": {"@type": "sc:Organization", "name": about["creator"]},
        "datePublished": about["published"],
        "distribution": [_file(rows) for rows in found],
        "recordSet": [_records(rows) for rows in found if rows.columns],
    }
    with summary.files.create("croissant.json") as out:
        out.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _rows(name: str, files: Files) -> _Rows:
    digest, columns = hashlib.sha256(), set()
    with files.read(METADATA_FILE.format(split=name)) as rows:
        for row in rows:
            digest.update(row)
            columns.update(orjson.loads(row))
    return _Rows(name, digest.hexdigest(), frozenset(columns))


def _file(rows: _Rows) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": f"{rows.split}-metadata",
        "name": f"{rows.split}-metadata",
        "contentUrl": METADATA_FILE.format(split=rows.split),
        "encodingFormat": "application/jsonlines",
        "sha256": rows.sha256,
    }


def _records(rows: _Rows) -> dict[str, Any]:
    fields = [
        _field(rows.split, name, field) for name, field in _FIELDS.items() if field.column in rows.columns
    ]
    return {"@type": "cr:RecordSet", "@id": rows.split, "name": rows.split, "field": fields}


def _field(rows: str, name: str, field: _Field) -> dict[str, Any]:
    source: dict[str, Any] = {"fileObject": {"@id": f"{rows}-metadata"}, "extract": {"column": field.column}}
    if field.path:
        source["transform"] = {"jsonPath": field.path}
    if field.kind == "cr:BoundingBox":
        source["format"] = "XYWH"
    described = {"@type": "cr:Field", "@id": f"{rows}/{name}", "dataType": field.kind, "source": source}
    return {**described, "repeated": True} if field.path else described


CROISSANT: Final = Format(split, CARRIES, finish=_finish, about=("license", "url", "creator", "published"))
