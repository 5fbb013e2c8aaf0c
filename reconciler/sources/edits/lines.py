"""Turn edit requests into edits of a JSON Lines file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from reconciler.core.proposals.patch import LineEdit
from reconciler.core.proposals.report import EditRequest, Kind
from reconciler.core.proposals.restyle import PLAIN, Style, composed, restyled, style_of

# The number of lines from which the style of the author is learned.
_SAMPLE = 50


def edits_of_lines(stream: BinaryIO, requests: Sequence[EditRequest]) -> tuple[list[LineEdit], int]:
    """
    Return the edits for the requests of one file, and its number of entries afterwards.

    Args:
        requests: At most one change or removal per line.
    """
    old = {request.line: request for request in requests if request.kind is not Kind.ADD}
    new: dict[int, list[EditRequest]] = defaultdict(list)
    for request in requests:
        if request.kind is Kind.ADD:
            new[request.line].append(request)
    style, end_of_line = _style_of(stream)
    stream.seek(0)
    edits: list[LineEdit] = []
    if 0 in new:
        edits.append(LineEdit(1, 0, tuple(_lines(new[0], style, end_of_line))))
    left = sum(len(behind) for behind in new.values())
    left -= sum(request.kind is Kind.REMOVE for request in old.values())
    for number, line in enumerate(stream, start=1):
        left += not line.isspace()
        if number in old or number in new:
            edits += _edits(number, line, old.get(number), new.get(number, ()), style, end_of_line)
    return edits, left


def _edits(
    number: int,
    line: bytes,
    request: EditRequest | None,
    new: Sequence[EditRequest],
    style: Style,
    end_of_line: bytes,
) -> Iterator[LineEdit]:
    text = line.rstrip(b"\r\n")
    end = line[len(text) :]
    near = _parsed_style(text).or_else(style)
    behind = list(_lines(sorted(new, key=lambda w: w.source_ref), near, end or end_of_line))
    kept = [line]
    if request is not None:
        kept = [] if request.kind is Kind.REMOVE else [restyled(text, request.fields, style) + end]
    if behind and not end:  # the last line of the file has no line end
        kept = [content + end_of_line for content in kept]
        behind[-1] = behind[-1].removesuffix(end_of_line)
    if kept == [line]:
        yield LineEdit(number + 1, 0, tuple(behind))
    else:
        yield LineEdit(number, 1, (*kept, *behind))


def _lines(requests: Iterable[EditRequest], style: Style, end: bytes) -> Iterator[bytes]:
    return (composed(request.fields, style) + end for request in requests)


def _style_of(stream: BinaryIO) -> tuple[Style, bytes]:
    """Return the style and the line end of the first lines."""
    style, end = PLAIN, b""
    for _, line in zip(range(_SAMPLE), stream, strict=False):
        text = line.rstrip(b"\r\n")
        style = style.or_else(_parsed_style(text))
        end = end or line[len(text) :]
    return style, end or b"\n"


def _parsed_style(text: bytes) -> Style:
    try:
        return style_of(text.decode()) if text.strip() else PLAIN
    except (ValueError, IndexError, AssertionError):
        return PLAIN  # a line that is no JSON has no style
