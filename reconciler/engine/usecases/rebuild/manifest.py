"""Whole datasets as files: written once, counted, and recognised again wherever they are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import BinaryIO, Final, cast

import orjson

from reconciler.core.entries.entry import SOURCE_REF, canonical, digest, without_service_keys
from reconciler.core.entries.equality import encode
from reconciler.core.entries.index import Place
from reconciler.core.entries.lines import Line, iter_lines
from reconciler.core.planning.diff import place_of
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import Spool
from reconciler.engine.usecases.rebuild.context import RebuildContext
from reconciler.errors import UnknownAnswer
from reconciler.ports import Content

MOST_BYTES: Final = 1_000_000_000
"""Of a manifest (limits page)."""


def content_of(lines: Iterable[bytes]) -> Content:
    """
    Return what lines say: 16 bytes of memory an entry.

    Raises:
        UnknownAnswer: One of them is not an entry.
    """
    try:
        found = sorted(digest(canonical(orjson.loads(line))) for line in lines)
    except (ValueError, AttributeError) as exc:
        raise UnknownAnswer(f"a line is not a JSON object: {exc}") from exc
    total = blake2b(digest_size=16)
    for one in found:
        total.update(one)
    return Content(len(found), total.hexdigest())


def spooled(lines: Iterable[bytes]) -> BinaryIO:
    """Return the lines as a temporary file, for the caller to close."""
    stream = cast(BinaryIO, tempfile.TemporaryFile(prefix="reconciler-"))  # noqa: SIM115  see above
    try:
        stream.writelines(line + b"\n" for line in lines)
        stream.seek(0)
    except BaseException:
        stream.close()
        raise
    return stream


def lines_in(stream: BinaryIO) -> Iterator[bytes]:
    return (raw for raw, _, _ in iter_lines(stream) if raw)


def observed_lines(listing: Spool) -> Iterator[bytes]:
    """Give every listed line as it would be sent: without what the service wrote into it."""
    return (encode(without_service_keys(orjson.loads(raw))) for raw, _, _ in listing.lines())


def desired_lines(desired: Desired, listing: Spool) -> Iterator[bytes]:
    """Give every desired line as it would be sent: ignored fields as they are observed."""
    places: dict[str, Place] = {}
    if desired.equality.ignore:
        places = {ref: place for line in listing.lines() for ref, place in _named(line)}
    for ref, place in desired.index.items():
        there = orjson.loads(listing.read(places[ref])) if ref in places else None
        yield encode(desired.equality.merged(orjson.loads(desired.read(ref, place)), there))


def put_and_prove(
    lines: Callable[[], Iterable[bytes]], bucket: str, key: str, context: RebuildContext
) -> Content:
    """
    Keep lines in S3, read them back, and return what they say.

    Raises:
        UnknownAnswer: What was read back is not what was written.
        GatewayError: S3 refused, or did not answer.
    """
    with spooled(lines()) as written:
        expected = content_of(lines_in(written))
        written.seek(0)
        context.objects.put(bucket, key, written)
    with context.objects.open(bucket, key) as read:
        found = content_of(lines_in(read))
    if found != expected:
        raise UnknownAnswer(
            f"s3://{bucket}/{key} holds {found.entries} entries, not the {expected.entries} written"
        )
    return expected


def _named(line: Line) -> Iterator[tuple[str, Place]]:
    ref = orjson.loads(line[0]).get(SOURCE_REF)
    if isinstance(ref, str):
        yield ref, place_of(line)
