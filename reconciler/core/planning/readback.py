"""
Choose the fewest listing calls that show a given set of entries.

The cost is the number of pages, each of up to 100 entries. `SourceRefContains` lists the entries whose
source-ref contains a string: a whole source-ref shows one entry, a prefix shows a folder.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from reconciler.core.runtime.quotas import PAGE_SIZE

SCHEME: Final = "s3://"

# API reference, shape QueryString: 1 to 2,048 characters that match `.*\S.*`, whose dot stops at a line end.
# U+10FFFF is a noncharacter; excluding it gives every filter a successor in code point order.
USABLE: Final = re.compile(r"s3://[^\n\r\x85\u2028\u2029\U0010ffff]{0,2043}")


@dataclass(frozen=True, slots=True)
class Cover:
    """
    The listings to make. A touched entry that none of them returns is absent.

    Attributes:
        full: Whether to list everything, without a filter.
        filters: Otherwise, the values for `SourceRefContains`, one listing each, in order.
        calls: Total pages to fetch, counting an empty answer as one, if exactly the known entries exist.
    """

    full: bool
    filters: tuple[str, ...]
    calls: int


@dataclass(slots=True)
class _Branch:
    """
    A prefix of touched refs in the prefix tree.

    Attributes:
        length: Characters in the prefix.
        calls: Minimum calls that show the touched refs visited below it; infinite if a ref ends here.
        kept: Number of filters chosen before the first of those refs.
    """

    length: int
    calls: float
    kept: int


def matches(contained: str, source_ref: str) -> bool:
    """Return whether a listing with `SourceRefContains=contained` includes a source-ref."""
    return contained in source_ref


def filter_of(source_ref: str) -> str:
    """Return the filter that shows one entry: its source-ref, or as much of it as a filter can hold."""
    usable = USABLE.match(source_ref)
    return usable.group() if usable else SCHEME


def cover(known: Sequence[str], touched: Collection[str], page_size: int = PAGE_SIZE) -> Cover:
    """
    Choose the fewest calls that show all touched refs, never more than a full listing takes.

    Filters are touched refs or prefixes of them, and no set of such filters takes fewer calls. Of two
    prefixes, either one begins with the other or no ref begins with both. So the best choice for a prefix is
    either to list it, or the best choice for each of its branches; and between two branchings only the
    longest prefix needs to be considered, since it shows the fewest other refs. On a tie, fewer filters win,
    and a full listing wins over any filters.

    `HasErrors` is not considered: it lists the rejected entries of the whole dataset separately.

    Args:
        known: Every source-ref that the dataset may hold, touched ones included, ascending and unique.
        touched: The source-refs to show.
        page_size: Entries per page.
    """
    if not touched:
        return Cover(full=False, filters=(), calls=0)
    census = _Census(known, page_size)
    everything = census.pages()
    calls, filters = _cheapest(sorted(set(touched)), census)
    if calls < everything:
        return Cover(full=False, filters=tuple(filters), calls=int(calls))
    return Cover(full=True, filters=(), calls=everything)


def _cheapest(touched: Iterable[str], census: _Census) -> tuple[float, list[str]]:
    """Walk the prefix tree of the touched refs in order, keeping only the path to the last one."""
    filters: list[str] = []
    path: list[_Branch] = []
    last = ""

    def close() -> _Branch:
        branch = path.pop()
        if usable := USABLE.match(last[: branch.length]):
            prefix = usable.group()
            if (calls := census.pages(prefix)) <= branch.calls:
                filters[branch.kept :] = [prefix]
                branch.calls = calls
        return branch

    for ref in touched:
        shared = _shared(last, ref)
        while path and path[-1].length > shared:
            done = close()
            if not path or path[-1].length < shared:
                path.append(_Branch(shared, 0, done.kept))
            path[-1].calls += done.calls
        path.append(_Branch(len(ref), inf, len(filters)))
        last = ref
    while len(path) > 1:
        done = close()
        path[-1].calls += done.calls
    return close().calls, filters


class _Census:
    """
    Count the refs that a filter shows.

    A prefix that begins with the scheme can match elsewhere than at the start only in a key that contains
    `s3://`. Such keys are rare but allowed, so their inner parts are kept in order too.
    """

    __slots__ = ("_inner", "_known", "_page_size")

    def __init__(self, known: Sequence[str], page_size: int) -> None:
        self._known = known
        self._page_size = page_size
        nested = (ref for ref in known if ref.find(SCHEME, 1) > 0)
        self._inner = sorted((ref[place:], ref) for ref in nested for place in _inner_places(ref))

    def pages(self, prefix: str | None = None) -> int:
        """Return the number of pages for all refs, or for those that contain this prefix."""
        return max(1, -(-self._matching(prefix) // self._page_size))

    def _matching(self, prefix: str | None) -> int:
        if prefix is None:
            return len(self._known)
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        count = bisect_left(self._known, end) - bisect_left(self._known, prefix)
        if not self._inner:
            return count
        first, last = bisect_left(self._inner, (prefix, "")), bisect_left(self._inner, (end, ""))
        inside = {ref for _, ref in self._inner[first:last]}
        return count + sum(not ref.startswith(prefix) for ref in inside)


def _inner_places(ref: str) -> Iterator[int]:
    place = ref.find(SCHEME, 1)
    while place > 0:
        yield place
        place = ref.find(SCHEME, place + 1)


def _shared(one: str, other: str) -> int:
    """Return the length of the longest common prefix, by halving, because comparing slices is fast."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
