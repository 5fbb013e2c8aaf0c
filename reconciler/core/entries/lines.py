"""Streaming of JSON Lines with bounded memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import accumulate, chain
from typing import BinaryIO, Final, NamedTuple

from reconciler.core.runtime.quotas import MAX_LINE_CHARS

MAX_LINE_BYTES: Final = 4 * MAX_LINE_CHARS
"""Upper bound for a line of allowed length: UTF-8 takes at most four bytes a character."""

TEXT_DIGEST_BYTES: Final = 16

_ARRAY: Final = "the file is a JSON array"
_SPREAD: Final = "an object goes over several lines"
_OPEN: Final = ("{", "[", ",", ":")
_DECODER: Final = json.JSONDecoder()

_PIECE_BYTES: Final = 1 << 16
_BLOCK_BYTES: Final = 1 << 16  # stays in the cache of a core: four times as much costs a fifth more

_one_more: Final = (1).__add__

_YAML: Final = re.compile(r"---(\s|$)|[A-Za-z_][\w.-]*:(\s|$)|- |%YAML")
_ENOUGH: Final = 2
"""Lines that tell a file of another format from a single bad line."""

Line = tuple[bytes, int, int]
"""One line: its text, its byte offset, and its number from 1."""


def text_digest(raw: bytes) -> bytes:
    """Return the digest of the text of a line, or of several lines, the same in every process."""
    return blake2b(raw, digest_size=TEXT_DIGEST_BYTES).digest()


class Block(NamedTuple):
    """
    Consecutive lines, so that what is done with each can be done in bulk.

    Attributes:
        texts: The text of each line.
        offsets: The byte offset of each line.
        first: The number of the first line, from 1.
        end: The byte offset after the last line.
        raw: The bytes that were read, the ends of the lines included; of a line that was cut, its beginning.
    """

    texts: Sequence[bytes]
    offsets: Sequence[int]
    first: int
    end: int
    raw: bytes

    def lines(self) -> Iterator[Line]:
        return zip(self.texts, self.offsets, range(self.first, self.first + len(self.texts)), strict=True)


def iter_lines(stream: BinaryIO, limit: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """Yield every line of *stream*, as `iter_blocks` gives them."""
    return chain.from_iterable(map(Block.lines, iter_blocks(stream, limit)))


def iter_blocks(stream: BinaryIO, limit: int = MAX_LINE_BYTES) -> Iterator[Block]:
    r"""
    Yield every line of *stream*, blank ones included. Offsets and numbers count from its current position.

    The text lacks its ``\n`` and any ``\r`` before it. A line longer than *limit* bytes is cut to
    ``limit + 1``, by which callers recognize it. Memory stays near *limit* and a sixth of a megabyte.
    """
    offset, number = 0, 1
    while read := stream.read(_BLOCK_BYTES):
        skipped = 0
        if not read.endswith(b"\n"):
            rest = stream.readline(limit + 2)
            read += rest
            if len(rest) == limit + 2 and not rest.endswith(b"\n"):
                skipped = _skip(stream)
        texts = read.split(b"\n")
        if not texts[-1]:
            texts.pop()
        *offsets, _ = accumulate(map(_one_more, map(len, texts)), initial=offset)
        end = offset + len(read) + skipped
        if b"\r" in read:
            texts = [text.rstrip(b"\r") for text in texts]
        if len(read) > limit:
            texts = [text[: limit + 1] for text in texts]
        yield Block(texts, offsets, number, end, read)
        offset = end
        number += len(texts)


def other_form(head: bytes) -> str | None:
    """
    Describe the JSON layout of a file that should be JSON Lines; None if it appears to be.

    A single malformed line does not count as another layout: it is an error of its own.

    Args:
        head: The first few kilobytes.
    """
    text = head.decode(errors="replace").lstrip()
    first, _, rest = text.partition("\n")
    if _is_json(first):
        return _ARRAY if first.startswith("[") and not rest.strip() else None
    if text.startswith("["):
        return _ARRAY
    if not text.startswith("{") or _is_json(rest.lstrip().partition("\n")[0]):
        return None
    try:
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):  # it continues beyond the head, or is not JSON
        return _SPREAD if rest and first.rstrip().endswith(_OPEN) else None
    if end > len(first):
        return _SPREAD
    if first[end:].lstrip(", \t").startswith("{") and not rest.strip():
        return "several objects are on one line"
    return "commas separate the objects" if first[end:].strip() == "," else None


def other_format(head: bytes) -> tuple[str, str] | None:
    """
    Describe a file that should be JSON Lines and is not JSON at all, and say what to do; None if it may be JSON.

    A single malformed line does not count, nor one among others: no line may begin as an object does.

    Args:
        head: As for `other_form`.
    """
    text = head.decode(errors="replace").lstrip("\ufeff")
    lines = [line for raw in text.splitlines() if (line := raw.strip())]
    if len(lines) < _ENOUGH or any(line.startswith(("{", "[", '"')) or _is_json(line) for line in lines):
        return None
    if lines[0].startswith("<"):
        return "a page in HTML, or XML", "perhaps a login or an error was saved in its place"
    if any(map(_YAML.match, lines[:_ENOUGH])):
        return "YAML", "entries in YAML have kind: Entries, and a name that ends in .yaml"
    for mark in ",;\t":
        if lines[0].count(mark) and lines[0].count(mark) == lines[1].count(mark):
            return "a table, such as CSV", "`reconciler convert csv {name} -o OUT` writes such lines"
    return "no JSON", "`reconciler convert --help` names the formats that it can convert"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _skip(stream: BinaryIO) -> int:
    """Skip to the end of the line and return the number of bytes skipped."""
    skipped = 0
    while piece := stream.readline(_PIECE_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
