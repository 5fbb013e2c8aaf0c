"""What doctor asks of AWS, and check-images of the images in S3. Nothing of it writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from reconciler.core.images.judgement import CheckedImage
from reconciler.core.images.lookup import Stored
from reconciler.core.spec.choices import DatasetType
from reconciler.ports.gateway import Description, Located


class Identity(NamedTuple):
    """The caller, as STS reports it."""

    account: str
    arn: str


class Access(Protocol):
    """
    Whether Rekognition can be reached in one account and Region. No call of it writes.

    Every method may raise a `errors.GatewayError`; none raises anything else on purpose.
    """

    @property
    def region(self) -> str: ...

    @property
    def region_from(self) -> str:
        """Return, for people, which setting chose this Region."""
        ...

    @property
    def assumes(self) -> bool:
        """Return whether calls are made as an assumed role."""
        ...

    def caller(self) -> Identity:
        """Return whose credentials were found."""
        ...

    def caller_from(self) -> str:
        """Return, for people, where they were found; call `caller` first."""
        ...

    def identity(self) -> Identity:
        """Return who makes the calls: the role, if there is one."""
        ...

    def locate(self, project: str, dataset_type: DatasetType) -> Located: ...

    def describe(self, arn: str) -> Description: ...

    def list_one(self, arn: str) -> None:
        """List one entry, to see whether that may be done."""
        ...


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
