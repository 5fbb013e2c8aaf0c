"""What the engine asks of AWS and the state to delete and recreate a dataset, surviving a kill at any step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import BinaryIO, NamedTuple, Protocol

from reconciler.core.spec.choices import DatasetType
from reconciler.ports.gateway import Gateway


class RebuildStep(StrEnum):
    """How far a rebuild has come. A step is on the disk before its first call goes out."""

    KEEPING = "keeping"  # nothing is changed: the snapshot and the manifest are being written
    KEPT = "kept"  # both are in S3, and were read back
    DELETING = "deleting"  # DeleteDataset may have been called
    DELETED = "deleted"  # the service knows the dataset no more
    CREATING = "creating"  # CreateDataset may have been called
    FILLING = "filling"  # the new dataset has an ARN; it is being filled, or verified

    @property
    def leaves_nothing(self) -> bool:
        """Return whether there may be no whole dataset while a rebuild stands here."""
        return self in (RebuildStep.DELETING, RebuildStep.DELETED, RebuildStep.CREATING)


class ContentDigest(NamedTuple):
    """
    What some lines say, whatever their order and form.

    Attributes:
        digest: Hexadecimal, of the canonical texts of all entries.
    """

    entries: int
    digest: str


class Rebuild(NamedTuple):
    """
    One rebuild that is not over.

    Attributes:
        id: Names its objects in S3.
        undoing: Whether the old entries are being brought back.
        plan: Digest of the plan that it carries out.
        old_arn: ARN of the dataset that is deleted, or was.
        description: The answer of DescribeDataset when its entries were saved; "" if it may have changed since.
        new_arn: ARN of the dataset that was created in its place; None before.
        tags: Of the old dataset, and then of the new one.
        before, desired: The entries observed at first, and the desired ones.
        snapshot: Where the observed lines are kept below the state directory.
    """

    id: str
    dataset: str
    step: RebuildStep
    plan: str
    revision: str | None
    project_arn: str
    dataset_type: DatasetType
    old_arn: str
    description: str
    bucket: str
    prefix: str
    begun_at: float
    tags: Mapping[str, str]
    before: ContentDigest
    desired: ContentDigest
    snapshot: str = ""
    new_arn: str | None = None
    undoing: bool = False

    @property
    def wanted(self) -> ContentDigest:
        """What the dataset is to hold in the end."""
        return self.before if self.undoing else self.desired

    def key(self, name: str) -> str:
        """Return the key of one of its objects: ``before`` or ``desired``."""
        return "/".join(part for part in (self.prefix, self.dataset, self.id, f"{name}.manifest") if part)

    @property
    def wanted_key(self) -> str:
        return self.key("before" if self.undoing else "desired")


class Rebuilds(Protocol):
    """The rebuild of each dataset that was begun and is not over."""

    def of(self, dataset: str) -> Rebuild | None: ...

    def put(self, rebuild: Rebuild) -> None:
        """Store the progress of a rebuild; it is on the disk when this returns."""
        ...

    def forget(self, dataset: str) -> None:
        """Forget the rebuild of a dataset, which is finished or undone."""
        ...


class RebuildGateway(Gateway, Protocol):
    """Rekognition, with what only a rebuild needs."""

    def trainings(self, project_arn: str) -> Sequence[str]:
        """Return the names of the project's models that are being trained."""
        ...

    def tags(self, arn: str) -> Mapping[str, str]: ...

    def delete_dataset(self, arn: str) -> None:
        """Start to delete; it is gone when `describe` raises `errors.NotFound`."""
        ...

    def create_dataset_from(
        self,
        project_arn: str,
        dataset_type: DatasetType,
        manifest: tuple[str, str] | None,
        tags: Mapping[str, str],
    ) -> str:
        """
        Start to make a dataset and return its ARN.

        Args:
            manifest: Bucket and key of what it is to hold; None makes an empty one.
        """
        ...


class Objects(Protocol):
    """Objects in S3. Every method may raise a `errors.GatewayError`."""

    def put(self, bucket: str, key: str, content: BinaryIO) -> None: ...

    def open(self, bucket: str, key: str) -> BinaryIO:
        """Fetch an object whole; seekable, and closed by the caller."""
        ...
