"""What the engine remembers: observed datasets, entry by entry, checked lines of specs, and images."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:  # ports name these, and only code that uses them imports them
    from reconciler.core.images.judgement import CheckedImage
    from reconciler.core.images.lookup import Stored
    from reconciler.core.planning.remembered import RememberedBlock, Replaced
    from reconciler.core.validation.judged.columns import JudgedFile
    from reconciler.core.validation.judged.dataset import JudgedDataset


class LastObservation(NamedTuple):
    """
    The last complete observation of a dataset.

    Attributes:
        desired: The digest of the desired state at that time, the policy included.
        description: The answer of DescribeDataset at that time, as opaque text for comparison.
        scanned_at: When the listing was complete, in seconds since the epoch.
        body: The summary of the observation, as JSON.
    """

    arn: str
    desired: bytes
    description: str
    scanned_at: float
    body: Mapping[str, object]


class Observations(Protocol):
    """The last complete observation of each dataset, to find out whether anything has changed since."""

    def of(self, dataset: str) -> LastObservation | None: ...

    def put(self, dataset: str, kept: LastObservation | None) -> None:
        """Replace the observation of a dataset; None deletes it."""
        ...


class ObservedHead(NamedTuple):
    """
    What holds for all remembered entries of a dataset.

    Attributes:
        scope: The digest of what decides how an entry is remembered: target, equality, and format.
        description: The answer of DescribeDataset that they belong to, as opaque text for comparison; empty while
            it is not known, since an update was begun.
        scanned_at: When they were last listed whole, in seconds since the epoch.
        are_applied: Whether each entry that equals its desired line is recorded as applied, too.
        desired: The key of the desired entries, if exactly these were observed; empty if anything differed.
    """

    arn: str
    scope: bytes
    description: str
    scanned_at: float
    are_applied: bool
    desired: bytes = b""


class Recollection(Protocol):
    """The remembered entries of one dataset, as they were when it was read."""

    @property
    def head(self) -> ObservedHead: ...

    def blocks(self) -> Iterator[RememberedBlock]:
        """Yield the entries in blocks, ascending by source-ref."""
        ...


class ObservedEntries(Protocol):
    """The last complete observation of each dataset, entry by entry."""

    def of(self, dataset: str) -> Recollection | None: ...

    def head_of(self, dataset: str) -> ObservedHead | None:
        """Return the head alone, without reading the entries."""
        ...

    def replace(self, dataset: str, head: ObservedHead, blocks: Iterable[RememberedBlock]) -> None:
        """Remember these entries, and no other."""
        ...

    def update(
        self, dataset: str, before: Recollection, head: ObservedHead, changed: Iterable[Replaced]
    ) -> None:
        """Replace the head and some blocks; forget everything if *before* is not the current memory."""
        ...

    def invalidate(self, dataset: str) -> None:
        """Note that the entries are about to change: until they are updated, they belong to no description."""
        ...

    def forget(self, dataset: str) -> None: ...


class JudgedFiles(Protocol):
    """
    The lines of files as they were last checked, under the rules of this version and no other.

    It may forget anything at any time: then lines are checked again.

    Attributes:
        read_only: Whether nothing is stored: then the digests of new lines need not be computed.
    """

    @property
    def read_only(self) -> bool: ...

    def of(self, name: str) -> JudgedFile | None:
        """Return the remembered results for a file, by its name; None if there are none that can be used."""
        ...

    def put(self, name: str, judged: JudgedFile) -> None:
        """Replace the remembered results for a file. Raises nothing; results that cannot be stored are lost."""
        ...

    def dataset(self, name: str) -> JudgedDataset | None:
        """Return the remembered results for a dataset, by a name that is unique among all spec trees."""
        ...

    def put_dataset(self, name: str, judged: JudgedDataset) -> None:
        """Replace the remembered results for a dataset, as `put` does."""
        ...


class CheckedImages(Protocol):
    """What is known of images in S3, for as long as they do not change."""

    def of(self, dataset: str, source_refs: Iterable[str]) -> Mapping[str, CheckedImage]:
        """Return those of them that were checked before."""
        ...

    def put(self, dataset: str, images: Mapping[str, CheckedImage]) -> None:
        """Remember these; does nothing if the memory is read-only."""
        ...

    def retain(self, dataset: str, source_refs: Collection[str]) -> None:
        """Forget all others of the dataset."""
        ...

    def unhashed(self, dataset: str) -> Sequence[tuple[str, Stored]]:
        """Return the images of the dataset that may be hashed and were not, sorted."""
        ...

    def put_hashes(self, hashes: Mapping[Stored, int | None]) -> None:
        """Remember perceptual hashes of 256 bits; None for an image that has none."""
        ...

    def hashes(self, dataset: str) -> Mapping[str, int]:
        """Return the perceptual hashes of the images of the dataset, by source-ref."""
        ...

    def same_content(self, one: str, other: str) -> Iterator[tuple[str, str]]:
        """Yield the images of two datasets with equal ETags and sizes under two names, ordered by the second."""
        ...
