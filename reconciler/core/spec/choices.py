"""Values that users write: the enumerated ones of specs, ARNs, queues, ids of commits, pinned files."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple, Self

COMMIT_ID: Final = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"
"""The pattern of a whole commit id: SHA-1, or SHA-256 in repositories of that format."""


class DatasetType(StrEnum):
    TRAIN = "TRAIN"
    TEST = "TEST"


class Mode(StrEnum):
    """How far an apply may go on one dataset."""

    OBSERVE = "observe"
    CREATE_ONLY = "create-only"
    UPSERT = "upsert"


class OnChange(StrEnum):
    """What to do when git changed."""

    APPLY = "apply"
    PLAN = "plan"


class OnDrift(StrEnum):
    """What to do when AWS changed, outside git."""

    REVERT = "revert"
    REPORT = "report"


class Compare(StrEnum):
    """Which differences count."""

    EXACT = "exact"
    LABELS = "labels"


class Orphans(StrEnum):
    """What to do with entries that are observed but not desired."""

    REPORT = "report"
    BLANK = "blank"
    REBUILD = "rebuild"


class ImagePolicy(StrEnum):
    """What to do with new or changed entries whose images are missing or cannot be used."""

    IGNORE = "ignore"
    WARN = "warn"
    REQUIRE = "require"


class WindowKind(StrEnum):
    """Whether changes are sent in a change window."""

    ALLOW = "allow"
    DENY = "deny"


class ClosedBy(StrEnum):
    """The setting that closes a dataset."""

    FREEZE = "freeze"
    WINDOWS = "windows"


class DriftClass(StrEnum):
    """Kinds of difference, the most severe first: what costs a model most, or cannot be trained on at all."""

    ERRORED = "errored"  # AWS marks it with errors
    MISSING = "missing"  # desired, but not in AWS
    RELABELLED = "relabelled"  # other labels, of the image or of a box
    BOX_REMOVED = "box_removed"
    BOX_ADDED = "box_added"
    BOX_MOVED = "box_moved"
    UNMANAGED = "unmanaged"  # in AWS, but not desired
    METADATA_ONLY = "metadata_only"  # what training uses is the same, except perhaps the image size


class PinnedObject(NamedTuple):
    """
    An object in S3 whose bytes are pinned by their digest.

    Attributes:
        version_id: None for the latest version.
        sha256: 64 lower-case hexadecimal digits.
    """

    bucket: str
    key: str
    version_id: str | None
    sha256: str

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def __str__(self) -> str:
        return f"{self.address} (version {self.version_id})" if self.version_id else self.address


class Pointer(NamedTuple):
    """
    What git has of a file that Git LFS keeps.

    Attributes:
        sha256: 64 lower-case hexadecimal digits.
        size: In bytes.
    """

    sha256: str
    size: int

    @property
    def content(self) -> bytes:
        """Return the pointer as git has it."""
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n"
        return text.encode()


class Arn(NamedTuple):
    """
    The parts of an ARN.

    Attributes:
        region: Empty for global services such as IAM.
        account: Twelve digits; empty for S3.
        resource: Everything after the fifth colon.
    """

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """
        Split an ARN into its parts.

        Raises:
            ValueError: It has fewer than six parts.
        """
        _, partition, service, region, account, resource = text.split(":", 5)
        return cls(partition, service, region, account, resource)

    @property
    def project(self) -> str:
        """The NAME in the resource of a project or dataset: ``project/NAME/…``."""
        return self.resource.split("/")[1]

    @property
    def dataset(self) -> tuple[str, DatasetType]:
        """The project and the type in the resource of a dataset: ``project/NAME/dataset/train/NUMBER``."""
        return self.project, DatasetType(self.resource.split("/")[3].upper())


QUEUE_SCHEME: Final = "sqs://"

_QUEUE_NAME: Final = r"(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
_QUEUE_ARN: Final = re.compile(
    rf"arn:(?P<partition>aws[a-z-]*):sqs:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{{12}}):{_QUEUE_NAME}"
)
_QUEUE_URL: Final = re.compile(
    rf"(?P<scheme>https?://)?(?P<host>[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?)/(?P<account>[0-9]{{12}})/{_QUEUE_NAME}"
)
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")
_OF_AWS: Final = re.compile(r"sqs\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?")


class QueueAddress(NamedTuple):
    """
    One queue.

    Attributes:
        region: None if the URL does not say.
        url: None if the ARN was given: then SQS is asked for it.
        endpoint: Where to send calls; None for the usual endpoint of the Region.
    """

    account: str
    name: str
    region: str | None
    url: str | None = None
    endpoint: str | None = None
    partition: str = "aws"

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``sqs://ARN``, ``sqs://HOST/ACCOUNT/NAME`` or ``sqs://https://HOST/ACCOUNT/NAME``.

        Raises:
            ValueError: The text is none of these.
        """
        address = text.removeprefix(QUEUE_SCHEME)
        if (found := _QUEUE_ARN.fullmatch(address)) and text.startswith(QUEUE_SCHEME):
            return cls(found["account"], found["name"], found["region"], partition=found["partition"])
        found = _QUEUE_URL.fullmatch(address)
        if not found or not text.startswith(QUEUE_SCHEME):
            raise ValueError(
                f"{text[:200]!r} is not sqs://arn:aws:sqs:REGION:ACCOUNT:NAME or sqs://HOST/ACCOUNT/NAME"
            )
        root = f"{found['scheme'] or 'https://'}{found['host']}"
        region = _REGION.search(found["host"])
        return cls(
            found["account"],
            found["name"],
            region[0] if region else None,
            f"{root}/{found['account']}/{found['name']}",
            None if _OF_AWS.fullmatch(found["host"]) else root,
            "aws-cn" if found["host"].endswith(".cn") else "aws",
        )

    @property
    def arn(self) -> str:
        """Return the ARN, with ``*`` for a Region that is not known."""
        return f"arn:{self.partition}:sqs:{self.region or '*'}:{self.account}:{self.name}"
