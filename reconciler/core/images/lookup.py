"""
Find out which keys of a bucket exist, with few requests: the order of requests, without making any.

A page of ListObjectsV2 tells up to 1,000 objects, and starts after any key: each page starts just before the next
key that is looked for, so that it hardly ever decides none. A listing therefore takes no more requests than a HEAD
for each key would. Where objects that are not looked for fill the pages, keys are asked for by HEAD, since S3
charges a page about twelve times as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from reconciler.core.entries.pattern import shared_directory
from reconciler.errors import UnknownAnswer

PAGE_KEYS: Final = 1_000
"""API reference, ListObjectsV2: a page holds at most 1,000 keys."""

# HEADs between two pages double while pages decide a single key each.
_MAX_HEADS: Final = 64


class Stored(NamedTuple):
    """
    One object as S3 lists it.

    Attributes:
        etag: Without its quotes. Equal ETags of two objects are equal contents; not so the reverse, for uploads in
            parts and objects encrypted with KMS.
    """

    etag: str
    size_bytes: int


class PageRequest(NamedTuple):
    """The next request: one page of keys with a prefix, after a key."""

    prefix: str
    after: str


class HeadRequests(NamedTuple):
    """The next requests: one HEAD for each key."""

    keys: Sequence[str]


Decided = tuple[str, Stored | None]
"""A key, and its object; None if there is none."""


class Lookup:
    """
    Looks up the keys of one bucket.

    Args:
        keys: Sorted as S3 sorts them: by code points, which is the order of their bytes in UTF-8.
        lists: Whether the bucket may be listed; else each key takes a HEAD.
    """

    def __init__(self, keys: Sequence[str], *, lists: bool = True) -> None:
        self._keys = keys
        self._next = 0
        self._prefix = shared_directory(keys)
        self._after = ""
        self._lists = lists
        self._sparse = 0
        self._asked: PageRequest | HeadRequests | None = None

    @property
    def decided(self) -> int:
        """The number of keys that are decided."""
        return self._next

    def ask(self) -> PageRequest | HeadRequests | None:
        """Return the next request; None if every key is decided."""
        if self._next >= len(self._keys):
            return None
        listed_before = isinstance(self._asked, PageRequest) or self._asked is None
        if not self._lists:
            self._asked = HeadRequests(self._keys[self._next : self._next + _MAX_HEADS])
        elif self._sparse and listed_before:
            self._asked = HeadRequests(self._keys[self._next : self._next + min(2**self._sparse, _MAX_HEADS)])
        else:
            self._after = max(self._after, _just_before(self._keys[self._next]))
            self._asked = PageRequest(self._prefix, self._after)
        return self._asked

    def decide_page(self, page: Mapping[str, Stored], *, more: bool) -> Iterator[Decided]:
        """
        Take the answer to a `PageRequest`, and yield the keys that it decides.

        Args:
            page: Key -> object.
            more: Whether the listing goes on after this page.

        Raises:
            UnknownAnswer: The page does not go beyond the one before it.
        """
        last = max(page, default="") if more else ""
        if more and last <= self._after:
            raise UnknownAnswer(
                f"ListObjectsV2: a page ends at {last!r}, and was to begin after {self._after!r}"
            )
        before = self._next
        while self._next < len(self._keys) and (not more or self._keys[self._next] <= last):
            key = self._keys[self._next]
            self._next += 1
            yield key, page.get(key)
        self._after = last
        self._sparse = self._sparse + 1 if self._next - before <= 1 else 0

    def decide_heads(self, answers: Iterable[Stored | None]) -> Iterator[Decided]:
        """Take the answers to `HeadRequests`, in their order."""
        for found in answers:
            key = self._keys[self._next]
            self._next += 1
            yield key, found


def fewest_requests(keys: int) -> int:
    """Return how many pages list this many keys, if nothing else is listed with them."""
    return -(-keys // PAGE_KEYS)


def _just_before(key: str) -> str:
    """
    Return a text that sorts before *key*, with few keys between them.

    There is no greatest text below a key. This one leaves out keys of usual characters.
    """
    start, last = key[:-1], key[-1]
    return f"{start}{chr(ord(last) - 1)}~" if "!" < last <= "~" else start
