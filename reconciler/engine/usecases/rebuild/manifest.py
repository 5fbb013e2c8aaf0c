"""Whole datasets as files, compared by count and digest wherever they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import BinaryIO, Final

import orjson

from reconciler.core.entries.entry import SOURCE_REF, Fields, canonical, digest, without_service_keys
from reconciler.core.entries.equality import encode
from reconciler.core.entries.index import Place
from reconciler.core.entries.lines import iter_lines
from reconciler.core.entries.observed_line import UNREADABLE, parse_observed
from reconciler.core.planning.diff import place_of
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.listing import SpooledListing
from reconciler.errors import UnknownAnswer
from reconciler.ports import ContentDigest
from reconciler.private import temporary_file

MOST_BYTES: Final = 1_000_000_000
"""Maximum size of a manifest (limits page of the Rekognition documentation)."""


def content_of(lines: Iterable[bytes]) -> ContentDigest:
    """
    Return number and digest of lines, whatever their order. Holds 16 bytes a line in memory.

    Raises:
        UnknownAnswer: A line is not a JSON object.
    """
    found = sorted(digest(canonical(_readable(line))) for line in lines)
    total = blake2b(digest_size=16)
    for one in found:
        total.update(one)
    return ContentDigest(len(found), total.hexdigest())


def spooled(lines: Iterable[bytes]) -> BinaryIO:
    """Write lines to a temporary file and return it at its start; the caller closes it."""
    stream = temporary_file()
    try:
        stream.writelines(line + b"\n" for line in lines)
        stream.seek(0)
    except BaseException:
        stream.close()
        raise
    return stream


def lines_in(stream: BinaryIO) -> Iterator[bytes]:
    return (raw for raw, _, _ in iter_lines(stream) if raw)


def observed_lines(listing: SpooledListing) -> Iterator[bytes]:
    """Yield every listed line as it would be sent: without the keys that the service added."""
    return (encode(without_service_keys(_readable(raw))) for raw, _, _ in listing.lines())


def _readable(raw: bytes) -> Fields:
    """
    Parse a listed line.

    Raises:
        UnknownAnswer: It cannot be read, so that no manifest could restore it.
    """
    fields = parse_observed(raw)
    if SOURCE_REF not in fields:
        raise UnknownAnswer("AWS holds a line that names no image; no copy restores it")
    if UNREADABLE in fields:
        raise UnknownAnswer(
            f"{fields[SOURCE_REF]}: AWS holds a line that is no valid JSON; no copy restores it"
        )
    return fields


def desired_lines(desired: Desired, listing: SpooledListing) -> Iterator[bytes]:
    """Yield every desired line as it would be sent: ignored fields keep their observed values."""
    places: dict[str, Place] = {}
    if desired.equality.ignore:
        refs = ((parse_observed(line[0]).get(SOURCE_REF), line) for line in listing.lines())
        places = {ref: place_of(line) for ref, line in refs if isinstance(ref, str)}
    for ref, place in desired.index.items():
        there = parse_observed(listing.read(places[ref])) if ref in places else None
        yield encode(desired.equality.merged(orjson.loads(desired.read(ref, place)), there))
