"""Observed lines, kept in a file and never in memory: read once in order, and then by place."""

from __future__ import annotations

import re
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO, Final, cast

from reconciler.core.index import Place
from reconciler.core.lines import Line, iter_lines
from reconciler.errors import SourceError

_USUAL: Final = b'{"source-ref"'
_USUAL_CHARS: Final = len(_USUAL)

# Of an object that names an image further on, or says why it names none.
_NAMED: Final = re.compile(rb'"(?:source-ref|cl-errors|errors)"\s*:')


class Listing:
    """
    A listing of one dataset.

    Args:
        stream: Where the lines stand; seekable, closed with the listing.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, place: Place) -> bytes:
        self._stream.seek(place.offset)
        return self._stream.read(place.length)

    def close(self) -> None:
        self._stream.close()


class Spool(Listing):
    """A listing that is being fetched, kept in a temporary file that vanishes with the process."""

    def __init__(self) -> None:
        # Closed by `close`. The annotation of typeshed is that of the wrapper other systems need.
        super().__init__(cast(BinaryIO, tempfile.TemporaryFile(prefix="reconciler-")))  # noqa: SIM115
        self._starts = array("Q")

    def fill(self, pages: Iterable[Sequence[str]]) -> Iterator[Line]:
        """Keep every line as it comes, and give it on."""
        offset = number = 0
        write = self._stream.write
        for page in pages:
            for text in page:
                raw = text.encode(errors="surrogatepass")
                number += 1
                write(raw)
                self._starts.append(offset)
                yield raw, offset, number
                offset += len(raw)

    def lines(self) -> Iterator[Line]:
        """Give every line again."""
        ends = chain(self._starts[1:], [self._stream.seek(0, SEEK_END)])
        for number, (start, end) in enumerate(zip(self._starts, ends, strict=True), start=1):
            yield self.read(Place(0, start, end - start, number)), start, number


class FileListing(Listing):
    """
    A listing that somebody kept: one entry a line.

    Raises:
        SourceError: The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            super().__init__(path.open("rb"))
        except OSError as exc:
            raise SourceError(f"{path}: {exc.strerror or exc}") from exc

    def lines(self) -> Iterator[Line]:
        """
        Give every line; blank ones are no entries.

        Raises:
            SourceError: A line is longer than any entry, not one JSON object, or names no image: such as the
                answer of a call, with all entries in it.
        """
        for line in iter_lines(self._stream):
            raw = line[0]
            if _is_object(raw) and (raw[:_USUAL_CHARS] == _USUAL or _NAMED.search(raw)):
                yield line
            elif raw.strip():
                raise SourceError(f"{self.path}:{line[2]}: not a listed entry: one JSON object a line")


def _is_object(raw: bytes) -> bool:
    return raw[:1] == b"{" and raw[-1:] == b"}"
