"""What the engine asks of AWS: a dataset, access to it for doctor, its images in S3, and a queue of events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct

from reconciler.core.spec.choices import DatasetType

if TYPE_CHECKING:  # ports name these, and only code that uses them imports them
    from reconciler.core.images.judgement import CheckedImage
    from reconciler.core.images.lookup import Stored


class Phase(StrEnum):
    """Where a dataset stands, in Rekognition's own words."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"

    @property
    def settled(self) -> bool:
        return not self.value.endswith("_IN_PROGRESS")

    @property
    def usable(self) -> bool:
        """Return whether its entries can be listed and updated, now or after the work in progress."""
        return self not in (Phase.CREATE_FAILED, Phase.DELETE_IN_PROGRESS)


class Stats(NamedTuple):
    """DatasetStats of DescribeDataset; None where the service leaves a number out."""

    total_entries: int | None = None
    labeled_entries: int | None = None
    total_labels: int | None = None
    error_entries: int | None = None


NO_STATS = Stats()


class Description(Struct, frozen=True):
    """
    What DescribeDataset says. Phase, code and message are those of the last operation only.

    Attributes:
        code: SUCCESS, SERVICE_ERROR (try later) or CLIENT_ERROR (the input is at fault); None if left out.
        updated_at: Seconds since the epoch, to the fraction that the service gives; None if left out.
    """

    phase: Phase
    code: str | None = None
    message: str = ""
    updated_at: float | None = None
    stats: Stats = NO_STATS

    @property
    def is_fingerprint(self) -> bool:
        """Return whether it changes with every change of entries; without a time, a new label does not show."""
        return self.updated_at is not None and self.stats.total_entries is not None


class Located(NamedTuple):
    """What DescribeProjects found; None for what does not exist."""

    project_arn: str | None
    dataset_arn: str | None


class Gateway(Protocol):
    """
    Rekognition in one account and Region, as one identity.

    Every method may raise a `errors.GatewayError`; none raises anything else on purpose.
    """

    @property
    def region(self) -> str:
        """The Region that the calls are made in."""
        ...

    def account(self) -> str:
        """Return the twelve digits of the account that the calls are made in."""
        ...

    def locate(self, project: str, dataset_type: DatasetType) -> Located:
        """Find a dataset by project and type. Its ARN is never an identity: a rebuild changes it."""
        ...

    def describe(self, arn: str) -> Description: ...

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        """
        Yield the whole listing, page by page, or raise part-way: an end is always the end.

        Args:
            contains: Only entries whose source-ref contains this; None for all.
        """
        ...

    def update(self, arn: str, payload: bytes) -> None:
        """Start one update. It returns at once; `describe` tells how it goes."""
        ...

    def create_project(self, project: str) -> str:
        """Return the ARN of a new project."""
        ...

    def create_dataset(self, project_arn: str, dataset_type: DatasetType) -> str:
        """Return the ARN of a new, empty dataset; it is being created until `describe` says otherwise."""
        ...


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
        """Return the identity that makes the calls: the assumed role, if there is one."""
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


class Message(NamedTuple):
    """
    One message of a queue, which comes again unless it is deleted.

    Attributes:
        receipt: What names it until it comes again.
        receives: How many times it was received, this time included.
    """

    body: str
    receipt: str
    receives: int


class EventQueue(Protocol):
    """A queue of messages, each delivered at least once, in any order. Every method may raise `GatewayError`."""

    @property
    def name(self) -> str:
        """Name the queue for people."""
        ...

    def receive(self) -> Sequence[Message]:
        """Return some messages; waits up to 20 s for the first."""
        ...

    def delete(self, message: Message) -> None: ...

    def postpone(self, message: Message, seconds: int) -> None:
        """Make the message visible again after *seconds*, to this receiver or another."""
        ...
