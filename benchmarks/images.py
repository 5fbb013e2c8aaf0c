"""What `check-images` costs in a dataset whose images are all known: requests of S3, CPU and memory."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Mapping
from contextlib import closing
from functools import lru_cache
from hashlib import md5
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from benchmarks import datasets
from benchmarks.datasets import SIZES, Fields, Shape, boxes, source_ref
from benchmarks.emulator import client, running
from benchmarks.measure import Cost, Setting, reconciler
from reconciler.core.images.header import Header
from reconciler.core.images.judgement import CheckedImage
from reconciler.core.images.lookup import PAGE_KEYS
from reconciler.state import State

_BUCKET: Final = "acme-inspection"
_WIDTH, _HEIGHT = max(SIZES)
_NEW: Final = 100  # one image in so many was replaced since


class _Check(NamedTuple):
    cost: Cost
    requests: Mapping[str, int]


def requests(setting: Setting) -> list[float]:
    fewest = -(-setting.entries // PAGE_KEYS) + -(-setting.entries // _NEW)
    return [sum(_checked(setting).requests.values()) / fewest]


def cpu(setting: Setting) -> list[float]:
    return [1e6 * _checked(setting).cost.cpu / setting.entries]


def memory(setting: Setting) -> list[float]:
    return [_checked(setting).cost.peak_mb]


@lru_cache(maxsize=1)
def _checked(setting: Setting) -> _Check:
    """Check a dataset of which one image in 100 was replaced since it was checked, by an emulator beside it."""
    home = setting.directory / "images"
    datasets.write(home, Shape("one size", _in_one_size), setting.entries)
    keys = [source_ref(number).removeprefix(f"s3://{_BUCKET}/") for number in range(setting.entries)]
    known, new = _png(b"known"), _png(b"new")
    s3 = home / "s3"
    with running("--data", str(s3)) as (_, url, _):
        one = client(url, "s3")
        one.create_bucket(Bucket=_BUCKET)
        for name, body in (("known", known), ("new", new)):
            one.put_object(Bucket=_BUCKET, Key=name, Body=body)
    _multiply(s3 / "emulator.sqlite3", keys)
    stored = CheckedImage(md5(known, usedforsecurity=False).hexdigest(), len(known), _HEADER)
    with State(home / "state") as state:
        state.images.put("bench", {f"s3://{_BUCKET}/{key}": stored for key in keys})
    out = home / "checked.json"
    words = ("check-images", str(home / "specs"), "-o", "json")
    with running("--data", str(s3)) as (_, url, _):
        variables = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "111122223333",
            "AWS_SECRET_ACCESS_KEY": "y",
            "AWS_REGION": "us-east-1",
        }
        cost = reconciler(*words, state=home / "state", out=out, variables=variables)
    (dataset,) = json.loads(out.read_bytes())["datasets"]
    if dataset["counts"]["read"] != -(-setting.entries // _NEW):
        raise SystemExit(f"the check is wrong: {dataset['counts']}")
    return _Check(cost, dataset["requests"])


def _in_one_size(draw: Random, number: int) -> Fields:
    fields: dict[str, Any] = boxes(draw, number)
    fields["bounding-box"]["image_size"] = [{"width": _WIDTH, "height": _HEIGHT, "depth": 3}]
    return fields


_HEADER: Final = Header("PNG", _WIDTH, _HEIGHT)


def _png(text: bytes) -> bytes:
    """Return the beginning of a PNG, which is all that is read, with a comment."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)), (b"tEXt", text))
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _multiply(path: Path, keys: list[str]) -> None:
    """Give all keys the content of two objects: to upload 250,000 would take an hour."""
    columns = "bucket, version, latest, marker, size, etag, type, modified, metadata, body"
    with closing(sqlite3.connect(path)) as db, db:
        rows = {key: tuple(row) for key, *row in db.execute(f"SELECT key, {columns} FROM objects")}  # noqa: S608
        db.executemany(
            f"INSERT INTO objects (key, {columns}) VALUES (?{', ?' * 10})",  # noqa: S608
            ((key, *rows["known" if number % _NEW else "new"]) for number, key in enumerate(keys)),
        )
