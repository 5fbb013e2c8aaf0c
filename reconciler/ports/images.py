"""Images in S3, and what is remembered of them. Nothing of it writes to S3."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:  # ports name these, and only code that uses them imports them
    from reconciler.core.images.judgement import CheckedImage
    from reconciler.core.images.lookup import Stored


class ImagePage(NamedTuple):
    """
    One page of a listing.

    Attributes:
        objects: Key -> object; None if the bucket can only be reached by a client of its own Region.
        more: Whether the listing goes on after the last of them.
        region: Where the bucket is; None if the server does not say.
    """

    objects: Mapping[str, Stored] | None
    more: bool
    region: str | None


class Images(Protocol):
    """
    The images of one dataset, for calls from several threads. Every method may raise `errors.GatewayError`.

    Attributes:
        requests: Operation -> requests made so far; a repetition by the SDK is none.
    """

    @property
    def region(self) -> str:
        """Return the Region in which images are expected."""
        ...

    @property
    def requests(self) -> Mapping[str, int]: ...

    def page(self, bucket: str, prefix: str, after: str) -> ImagePage:
        """
        Return the first page of the keys with a prefix that sort after a key.

        Raises:
            NotFound: There is no such bucket.
            Denied: It may not be listed.
        """
        ...

    def head(self, bucket: str, key: str) -> Stored | None:
        """
        Return an object; None if it does not exist.

        Raises:
            Denied: It may not be read. Without the permission to list the bucket it may as well not exist.
        """
        ...

    def content(self, bucket: str, key: str, stored: Stored) -> bytes | None:
        """
        Return an object whole; None if it is not (any more) the one that is known.

        Raises:
            Denied: It may not be read.
        """
        ...

    def read(self, bucket: str, key: str, stored: Stored) -> CheckedImage | None:
        """
        Read the header of an image; None if it does not exist (any more).

        Args:
            stored: What is known of it. If it has changed since, what is read counts.

        Raises:
            Denied: It may not be read.
        """
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
