"""Observed lines, kept in a file and never in memory: read once in order, and then by place."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise, repeat
from math import ceil
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.core.entries.entry import SOURCE_REF
from reconciler.core.entries.index import Place
from reconciler.core.entries.lines import Block, Line, iter_blocks
from reconciler.core.entries.observed_line import parse_observed
from reconciler.core.planning.calls import filter_of
from reconciler.core.runtime.quotas import MAX_ENTRIES, PAGE_SIZE
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.retry import retry
from reconciler.errors import ListingIncomplete, UnknownAnswer, UsageError
from reconciler.ports import Clock
from reconciler.private import temporary_file

_KEY: Final = b'"source-ref":'
_FIRST: Final = b"{" + _KEY
_NAMING: Final = (b'{"source-ref":"s3://', b'{"source-ref": "s3://')

# Of an object that names an image further on, or says why it names none.
_NAMED: Final = re.compile(rb'"(?:source-ref|cl-errors|errors)"\s*:')

# A listing that does not end is a fault of the service, and must not hold a worker for ever.
EMPTY_PAGES: Final = 20
SPARE_PAGES: Final = 50
PAGE_SECONDS: Final = 10.0  # with five calls a second for all datasets of an account, a page waits its turn


def bounded(pages: Iterable[Sequence[str]], entries: int | None, clock: Clock) -> Iterator[Sequence[str]]:
    """
    Yield the pages of a listing; give up once it takes more pages or time than its entries can need.

    Args:
        entries: Their number according to the service; None if it states none, or none that can be trusted.

    Raises:
        ListingIncomplete: There were 20 empty pages in a row, more than twice the pages needed and 50, or it
            takes longer than ten seconds for each of these.
    """
    most = 2 * ceil((2 * MAX_ENTRIES if entries is None else entries) / PAGE_SIZE) + SPARE_PAGES
    until = clock.now() + most * PAGE_SECONDS
    empty = 0
    for number, page in enumerate(pages, start=1):
        empty = 0 if page else empty + 1
        if empty >= EMPTY_PAGES:
            raise ListingIncomplete(f"the listing does not end: {empty} empty pages in a row")
        if number > most or clock.now() > until:
            counted = "" if entries is None else f" of {entries:,} entries"
            raise ListingIncomplete(f"the listing{counted} does not end: {number:,} pages so far")
        yield page


def pages_of(
    arn: str, context: Context, entries: int | None, filters: Iterable[str | None] = (None,)
) -> Iterator[Sequence[str]]:
    """
    Yield the pages of a listing, or of one search after the other; errors as `bounded`.

    Args:
        entries: Entries of the whole dataset according to the service; None if it states none.
        filters: What the source-ref of an entry must contain, one search for each; None lists all.

    Raises:
        UnknownAnswer: A line that was found by its source-ref has none.
    """
    most = None if context.trust_listing else entries
    for contains in filters:
        for page in bounded(context.gateway.pages(arn, contains), most, context.clock):
            if contains is not None and not all(
                _names_image(text.encode(errors="surrogatepass")) for text in page
            ):
                raise UnknownAnswer(f"a line found by {contains} names no image")
            yield page


def query_entry(
    source_ref: str, arn: str, context: Context, deadline: float, entries: int | None = None
) -> Sequence[str]:
    """Return the line of one entry in a sequence that is empty if there is none; *entries* as for `pages_of`."""

    def ask() -> Sequence[str]:
        pages = pages_of(arn, context, entries, [filter_of(source_ref)])
        return next(([line] for page in pages for line in page if _source_ref(line) == source_ref), [])

    return retry(ask, context.clock, max(deadline, context.clock.now() + context.wait_seconds))


def _source_ref(line: str) -> object:
    return parse_observed(line.encode(errors="surrogatepass")).get(SOURCE_REF)


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


class SpooledListing(Listing):
    """A listing that is being fetched, kept in a temporary file that vanishes with the process."""

    def __init__(self) -> None:
        super().__init__(temporary_file())
        self._starts = array("Q")
        self._nameless = 0

    @property
    def count(self) -> int:
        """Return how many lines are kept."""
        return len(self._starts)

    @property
    def named(self) -> int:
        """Return how many lines name an image. Each other is an entry of which only errors are known."""
        return self.count - self._nameless

    def fill(self, pages: Iterable[Sequence[str]]) -> Iterator[Line]:
        """
        Append every line to the file, and yield it.

        Raises:
            UnknownAnswer: A line cannot be one of a dataset.
        """
        offset, number = self._stream.seek(0, SEEK_END), self.count
        write = self._stream.write
        for page in pages:
            for text in page:
                raw = text.encode(errors="surrogatepass")
                self._nameless += not _names_image(raw)
                number += 1
                write(raw)
                self._starts.append(offset)
                yield raw, offset, number
                offset += len(raw)

    def lines(self) -> Iterator[Line]:
        """Yield every line again."""
        if not self._starts:
            return
        bounds = pairwise(chain(self._starts, [self._stream.seek(0, SEEK_END)]))
        for number, (start, end) in enumerate(bounds, start=1):
            yield self.read(Place(0, start, end - start, number)), start, number


class FileListing(Listing):
    """
    A listing in a file: one entry a line.

    Raises:
        UsageError: The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            super().__init__(path.open("rb"))
        except OSError as exc:
            raise UsageError(f"{path}: {exc.strerror or exc}") from exc

    def lines(self) -> Iterator[Line]:
        """
        Yield every line; blank ones are not entries.

        Raises:
            UsageError: A line is longer than any entry, not one JSON object, or names no image: such as the
                answer of a call, with all entries in it.
        """
        for block in iter_blocks(self._stream):
            if all(map(bytes.endswith, block.texts, repeat(b"}"))) and _begin_alike(block.texts):
                yield from block.lines()
            else:
                yield from self._entries(block)

    def _entries(self, block: Block) -> Iterator[Line]:
        for line in block.lines():
            raw = line[0]
            if _is_object(raw) and _NAMED.search(raw):
                yield line
            elif raw.strip():
                way = "one JSON object a line is needed, which `jq -c` makes of other JSON"
                raise UsageError(f"{self.path}:{line[2]}: not a listed entry: {way}")


def _names_image(raw: bytes) -> bool:
    """Return whether a listed line names an image; errors as `parse_observed`."""
    return raw.startswith(_NAMING) or SOURCE_REF in parse_observed(raw)


def _begin_alike(texts: Sequence[bytes]) -> bool:
    """Return whether all begin as objects do, and name an image; faster if they do so in the same way."""
    if all(map(bytes.startswith, texts, repeat(_FIRST))):
        return True
    # Where keys are sorted, "source-ref" is among the last ones.
    return all(map(bytes.startswith, texts, repeat(b"{"))) and min(map(bytes.rfind, texts, repeat(_KEY))) >= 0


def _is_object(raw: bytes) -> bool:
    return raw[:1] == b"{" and raw[-1:] == b"}"
