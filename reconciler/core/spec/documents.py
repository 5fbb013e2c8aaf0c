"""
The documents of a spec tree, exactly as they may be written.

Strict: nothing is converted, nothing unknown is allowed. Descriptions are what an editor shows.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from reconciler.core.entries.entry import bucket_and_key
from reconciler.core.entries.equality import IgnoreRule
from reconciler.core.entries.pattern import pointer
from reconciler.core.runtime.backoff import scan_is_due
from reconciler.core.runtime.quotas import listing_seconds
from reconciler.core.spec.choices import Arn, DatasetType, DriftClass, PinnedObject
from reconciler.core.spec.field_types import (
    AccountId,
    DatasetArn,
    Day,
    Duration,
    ExternalId,
    FieldGlob,
    Name,
    NotEmpty,
    Part,
    ProjectName,
    Region,
    RoleArn,
    S3Object,
    Sha256,
    SourceGlob,
    Text,
    choice,
    described,
    list_field,
    refusal,
)
from reconciler.core.spec.labelling import Entries
from reconciler.core.spec.policy import Policy
from reconciler.core.validation import codes

API_VERSION: Final = "reconciler/v1"


class Metadata(Part):
    """Name and labels of the dataset, in this tree."""

    name: Name = described("Unique in the tree.", examples=["flowers-train"])
    labels: dict[str, str] = described(
        "Free, for selection: --selector team=botany.", {}, examples=[{"team": "botany"}]
    )


class Target(Part):
    """The dataset in AWS: by project and type, or by its ARN."""

    project: ProjectName | None = described("Rekognition project name.", None)
    type: DatasetType | None = choice(None, "TRAIN or TEST.")
    region: Region | None = described("AWS Region. Default: the SDK's own resolution.", None)
    account_id: AccountId | None = described(
        "Asserted before the first call that writes. In quotes.", None, examples=["111122223333"]
    )
    role_arn: RoleArn | None = described("Role to assume.", None)
    external_id: ExternalId | None = described("External id for assuming the role.", None)
    create: bool = described("Create a missing project and an empty dataset.", False)
    dataset_arn: DatasetArn | None = described("Instead of project and type.", None)

    @property
    def identity(self) -> tuple[str, DatasetType]:
        """The project's name and the kind of dataset, whichever way they were given."""
        if self.project is not None and self.type is not None:
            return self.project, self.type
        return Arn.parse(str(self.dataset_arn)).dataset

    @property
    def kind(self) -> DatasetType:
        return self.identity[1]

    @property
    def home_region(self) -> str | None:
        """The Region as far as the spec says; None leaves it to the SDK."""
        return Arn.parse(self.dataset_arn).region if self.dataset_arn else self.region

    @property
    def home_account(self) -> str | None:
        """The account as far as the spec says; None leaves it to the credentials."""
        arn = self.dataset_arn or self.role_arn
        return self.account_id or (Arn.parse(arn).account if arn else None)

    def may_be_beside(self, other: Target) -> bool:
        """Return whether both are in one project, or may be: what one leaves open may be what the other says."""
        regions, accounts = {self.home_region, other.home_region}, {self.home_account, other.home_account}
        if self.identity[0] != other.identity[0] or len(regions - {None}) > 1:
            return False
        if None in accounts:
            return self.role_arn == other.role_arn  # the same credentials, whatever they are
        return len(accounts) == 1

    @model_validator(mode="after")
    def _consistent(self) -> Target:
        if reason := self._contradiction():
            raise PydanticCustomError(codes.BAD_TARGET, "{reason}", {"reason": reason})
        return self

    def _contradiction(self) -> str | None:
        if self.external_id and not self.role_arn:
            return "spec.target.externalId needs roleArn"
        if self.dataset_arn is None:
            missing = [key for key in ("project", "type") if getattr(self, key) is None]
            known = "spec.target needs project and type, or datasetArn"
            return f"{known}; missing: {' and '.join(missing)}" if missing else None
        if self.project or self.type:
            return "spec.target has datasetArn and also project or type; keep one of the two"
        if self.create:
            return "spec.target.create needs project and type: AWS chooses a new dataset's ARN"
        _, _, region, account, _ = Arn.parse(self.dataset_arn)
        if self.region not in {None, region}:
            return f"spec.target.region is {self.region}, but datasetArn lies in {region}"
        if self.account_id not in {None, account}:
            return f"spec.target.accountId is {self.account_id}, but datasetArn says {account}"
        return None


class EntrySource(Part):
    """Files with entries, or one object in S3 that is pinned by its digest."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["file"]}, {"required": ["s3", "sha256"]}]}
    )

    file: Text | None = described(
        "JSON Lines (one entry a line), or .yaml with the shorthand. Relative to this file; *, ?, "
        "[…] and ** are patterns.",
        None,
        examples=["train.jsonl", "shots/*.jsonl", "labels.yaml"],
    )
    s3: S3Object | None = described(
        "JSON Lines in S3, in place of file; needs sha256.",
        None,
        examples=["s3://acme-flowers/train.manifest"],
    )
    version_id: Text | None = described("Version of the S3 object. Default: the latest.", None)
    sha256: Sha256 | None = described("Digest of the S3 object: other bytes are refused.", None)

    @property
    def pinned(self) -> PinnedObject | None:
        """The object in S3; None for files of the tree."""
        if self.s3 is None or self.sha256 is None:
            return None
        return PinnedObject(*bucket_and_key(self.s3), self.version_id, self.sha256.lower())

    @model_validator(mode="after")
    def _consistent(self) -> EntrySource:
        if self.file is not None and (self.s3 or self.version_id or self.sha256):
            raise refusal("must name a file of the tree, or an object in S3 with its sha256, not both")
        if self.file is None and self.s3 is None:
            raise _missing("file", "; or name an object in S3, with s3 and sha256")
        if self.s3 is not None and self.sha256 is None:
            way = f"`aws s3 cp '{self.s3}' - | sha256sum` prints it"
            raise _missing("sha256", f": without it git would not say which bytes are desired; {way}")
        return self


def _missing(field: str, rest: str) -> PydanticCustomError:
    return PydanticCustomError(
        codes.MISSING_FIELD, "{field} is missing{rest}", {"field": field, "rest": rest}
    )


class Limits(Part):
    """Exceeding one blocks the apply, never the plan."""

    max_change_ratio: float = described(
        "Share of the observed entries that may be overwritten, when at least 10 are observed.",
        0.30,
        ge=0,
        le=1,
    )
    max_changes: int = described("Number of changed entries.", 20_000, ge=0)


class Ignore(Part):
    """Fields that are copied from the observed line into what is sent."""

    paths: Annotated[tuple[FieldGlob, ...], NotEmpty] = list_field(
        "Paths from the top of the line; * is a pattern.",
        ...,
        examples=[["/*-metadata/creation-date"]],
    )
    match: SourceGlob | None = described("Only for images whose address matches.", None)

    @property
    def rule(self) -> IgnoreRule:
        return IgnoreRule(tuple(map(pointer, self.paths)), self.match)


class Schedule(Part):
    """When the controller observes the dataset."""

    interval_seconds: Duration = described("Time between two cycles.", 5 * 60, alias="interval")
    full_scan_max_age_seconds: Duration = described(
        "A complete listing at least this often; it is begun so that it ends in time.",
        6 * 3_600,
        alias="fullScanMaxAge",
    )
    jitter: float = described("Random share added to the interval.", 0.1, ge=0, le=1)
    update_timeout_seconds: Duration = described(
        "How long one update may take.", 60 * 60, alias="updateTimeout"
    )

    @property
    def longest_interval_seconds(self) -> float:
        """Return the longest time between two cycles."""
        return self.interval_seconds * (1.0 + self.jitter)

    def is_scan_due(self, age: float, entries: int, ahead: float = 0.0) -> bool:
        """Return whether a dataset of so many entries is to be listed; *age* and *ahead* as in `scan_is_due`."""
        most = self.full_scan_max_age_seconds
        return scan_is_due(age, most, self.longest_interval_seconds, listing_seconds(entries), ahead)

    def latest_scan_age(self, entries: int) -> float:
        """Return the age of the last listing at which the next one must be begun to end in time."""
        return self.full_scan_max_age_seconds - listing_seconds(entries)


class DatasetSpec(Part):
    target: Target = described("The dataset in AWS.")
    entries: Annotated[tuple[EntrySource, ...], NotEmpty] = list_field(
        "Where the entries are, in order.", ...
    )
    policy: Policy = described("What may be done, and when.", Policy())
    limits: Limits = described("Exceeding one blocks the apply, never the plan.", Limits())
    protect: tuple[SourceGlob, ...] = list_field(
        "Images that are never changed without --allow-protected.",
        examples=[["s3://acme-flowers/golden/**"]],
    )
    ignore: tuple[Ignore, ...] = list_field("Fields whose observed value is kept.")
    schedule: Schedule = described("When the controller observes the dataset.", Schedule())
    suspend: bool = described("The controller leaves this dataset alone.", False)


class Dataset(Part):
    """One Rekognition Custom Labels dataset, kept in git."""

    api_version: Literal["reconciler/v1"] = described("The format of this document.")
    kind: Literal["Dataset"] = described("What this document is.")
    metadata: Metadata = described("Name and labels of the dataset, in this tree.")
    spec: DatasetSpec = described("What the dataset holds and how it is kept.")

    @property
    def name(self) -> str:
        return str(self.metadata.name)


class Acknowledgement(Part):
    """Expected drift: it is still reported, and raises no alarm until it expires."""

    api_version: Literal["reconciler/v1"] = described("The format of this document.")
    kind: Literal["Acknowledgement"] = described("What this document is.")
    dataset: Name = described("Name of the dataset.", examples=["flowers-train"])
    match: SourceGlob | None = described("Only images whose address matches.", None)
    classes: tuple[Annotated[DriftClass, Field(strict=False)], ...] = list_field(
        "Only these kinds of drift. Default: all."
    )
    until: Day = described("The last day on which it holds, in UTC.", examples=["2026-12-31"])
    reason: Text = described("Why it is expected, for readers of the report.")


DOCUMENTS: Final[dict[str, type[Dataset | Entries | Acknowledgement]]] = {
    "Dataset": Dataset,
    "Entries": Entries,
    "Acknowledgement": Acknowledgement,
}


def json_schema(kind: Literal["dataset", "entries", "acknowledgement"]) -> dict[str, Any]:
    """Return the JSON Schema of a document, for editors and checkers."""
    model: type[Part] = DOCUMENTS[kind.capitalize()]
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
