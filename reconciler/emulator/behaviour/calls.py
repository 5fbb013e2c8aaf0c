"""A log of calls, which lets tests verify what was sent and what was not, and the limit of their rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

# The operations that write nothing, of all services.
READS: Final = frozenset(
    {
        ("rekognition", "DescribeProjects"),
        ("rekognition", "DescribeProjectVersions"),
        ("rekognition", "DescribeDataset"),
        ("rekognition", "ListDatasetEntries"),
        ("rekognition", "ListDatasetLabels"),
        ("rekognition", "ListProjectPolicies"),
        ("rekognition", "ListTagsForResource"),
        ("s3", "GetBucketLocation"),
        ("s3", "GetBucketVersioning"),
        ("s3", "GetObject"),
        ("s3", "HeadBucket"),
        ("s3", "HeadObject"),
        ("s3", "ListBuckets"),
        ("s3", "ListObjects"),
        ("s3", "ListObjectVersions"),
        ("sqs", "GetQueueUrl"),
        ("sqs", "ReceiveMessage"),
        ("sts", "AssumeRole"),
        ("sts", "GetCallerIdentity"),
    }
)

_KEPT: Final = 50_000
_KEPT_SOURCE_REFS: Final = 1_000_000
_KEPT_CHARS: Final = 2_048


@dataclass(frozen=True, slots=True)
class Call:
    """
    One logged call.

    Attributes:
        time: Time by the emulator's clock, in seconds since the epoch.
        resource: ARN of the dataset or project, as sent; "" if there is none.
        source_refs: Source-refs in an UpdateDatasetEntries, in the order sent.
        error: Code of the answer; None for success, "cut" if the connection was dropped before the call.
    """

    time: float
    service: str
    operation: str
    account: str
    region: str
    resource: str = ""
    source_refs: tuple[str, ...] = ()
    error: str | None = None

    @property
    def writes(self) -> bool:
        """Return whether the operation is a write, whether or not the call succeeded."""
        return (self.service, self.operation) not in READS


class Calls:
    """
    The last 50,000 calls, oldest first.

    Fewer are kept if they have more than a million source-refs in total, to bound the memory of a
    long-running server; the last call is always kept. Overlong operation and resource names are truncated.
    """

    def __init__(self) -> None:
        self._calls: deque[Call] = deque()
        self._lock = Lock()
        self._source_refs = 0

    def add(self, call: Call) -> None:
        if len(call.operation) + len(call.resource) > _KEPT_CHARS:
            call = replace(call, operation=call.operation[:_KEPT_CHARS], resource=call.resource[:_KEPT_CHARS])
        with self._lock:
            self._calls.append(call)
            self._source_refs += len(call.source_refs)
            while len(self._calls) > _KEPT or (
                self._source_refs > _KEPT_SOURCE_REFS and len(self._calls) > 1
            ):
                self._source_refs -= len(self._calls.popleft().source_refs)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
            self._source_refs = 0

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter(tuple(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def of(self, *operations: str) -> list[Call]:
        return [call for call in self if call.operation in operations]

    def names(self) -> list[str]:
        return [call.operation for call in self]

    def writes(self) -> list[Call]:
        return [call for call in self if call.writes]


class Throttle:
    """Buckets that hold the calls of one second and refill continuously."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def admits(self, key: tuple[str, str, str], rate: float | None, now: float) -> bool:
        """Take a token of (account, Region, operation), if there is one; a *rate* of None is unlimited."""
        if rate is None:
            return True
        burst = max(rate, 1.0)
        tokens, since = self._buckets.get(key, (burst, now))
        tokens = min(burst, tokens + max(0.0, now - since) * rate)
        admitted = tokens >= 1
        self._buckets[key] = (tokens - 1 if admitted else tokens, now)
        return admitted

    def clear(self) -> None:
        """Fill all buckets."""
        self._buckets.clear()
