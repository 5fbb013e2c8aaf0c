"""
The calls of AWS that an observation, an apply and its proof take, as few as possible.

Lines are packed into updates; an empty or oversize batch cannot be built. The fewest listing calls show what they
touch, in pages of up to 100 entries. `SourceRefContains` lists the entries whose source-ref contains a string: a
whole source-ref shows one entry, a prefix shows a folder.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from msgspec import Struct, field

from reconciler.core.runtime.quotas import CALLS_PER_SECOND, PAGE_SIZE


class ObservationKind(StrEnum):
    FINGERPRINT = "fingerprint"  # nothing changed since the last observation, and nothing was asked
    INCREMENTAL = "incremental"  # nothing changed since the last listing: what is in question was read
    FULL = "full"  # every entry was listed


class Calls(Struct, frozen=True):
    """
    Calls of AWS, by operation.

    Attributes:
        made: Those that were made so far.
        forecast: Those that applying a plan and proving it will take, at least.
    """

    made: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    forecast: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def forecast_seconds(self) -> int:
        """Return how long the forecast takes at the rate of AWS, without the time of the updates themselves."""
        return -(-sum(self.forecast.values()) // CALLS_PER_SECOND)


NO_CALLS: Final = Calls()


class Observed(Struct, frozen=True):
    """
    How a dataset was observed.

    Attributes:
        at: When that was complete, in seconds since the epoch.
        scanned_at: When it was last listed whole, in seconds since the epoch.
    """

    kind: ObservationKind
    at: float
    scanned_at: float


def forecast(updates: int, proof: Cover, *, created: bool) -> dict[str, int]:
    """
    Return the calls of an apply and its proof, by operation, if each update has ended when it is first asked for.

    Args:
        updates: Number of updates.
        proof: The listings that show what was sent; before a full one the dataset is described once more.
        created: Whether the dataset must be created first.
    """
    if not updates:
        return {}
    creation = {"CreateDataset": 1, "DescribeProjects": 1} if created else {}
    return creation | {
        "DescribeDataset": 2 * updates + 1 + proof.full + created,
        "ListDatasetEntries": proof.calls,
        "UpdateDatasetEntries": updates,
    }


T = TypeVar("T")

NEWLINE = b"\n"


class Batch(Struct, Generic[T], frozen=True):
    """
    The lines of one update.

    Attributes:
        items: At least one, in the order in which they are sent.
        size: Payload bytes, including the newline that ends each line.
        limit: Maximum payload bytes.
    """

    items: tuple[T, ...]
    size: int
    limit: int

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("a batch holds at least one line")
        if self.size > self.limit:
            raise ValueError(f"a batch of {self.size} bytes is over its limit of {self.limit}")

    def __len__(self) -> int:
        return len(self.items)


def pack(items: Iterable[tuple[T, int]], limit: int) -> tuple[Batch[T], ...]:
    """
    Pack items into batches in the given order.

    A batch is closed only when the next line does not fit, so there are at least ``ceil(total / limit)``
    batches and at most ``ceil(total / (limit - longest + 1))``.

    Args:
        items: Items to send, each with the bytes of its line, newline excluded.
        limit: Maximum bytes of one payload.

    Raises:
        ValueError: A single line exceeds the limit.
    """
    batches: list[Batch[T]] = []
    pending: list[T] = []
    used = 0
    for item, length in items:
        size = length + len(NEWLINE)
        if pending and used + size > limit:
            batches.append(Batch(tuple(pending), used, limit))
            pending, used = [], 0
        pending.append(item)
        used += size
    if pending:
        batches.append(Batch(tuple(pending), used, limit))
    return tuple(batches)


def payload(lines: Iterable[bytes]) -> bytes:
    """Join lines into the payload of one update, each ended by a newline."""
    return b"".join(line + NEWLINE for line in lines)


SCHEME: Final = "s3://"

# API reference, shape QueryString: 1 to 2,048 characters that match `.*\S.*`, whose dot stops at a line end.
# U+10FFFF is a noncharacter; excluding it gives every filter a successor in code point order.
USABLE: Final = re.compile(r"s3://[^\n\r\x85\u2028\u2029\U0010ffff]{0,2043}")


class Cover(Struct, frozen=True):
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


class _Branch(Struct):
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
