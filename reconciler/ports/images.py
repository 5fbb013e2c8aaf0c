"""What the engine asks of the images in S3. Nothing of it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

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

    def read(self, bucket: str, key: str, stored: Stored) -> CheckedImage | None:
        """
        Read the header of an image; None if it does not exist (any more).

        Args:
            stored: What is known of it. If it has changed since, what is read counts.

        Raises:
            Denied: It may not be read.
        """
        ...
