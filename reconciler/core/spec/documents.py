"""
The documents of a spec tree, exactly as they may be written.

Strict: nothing is converted, nothing unknown is allowed. Descriptions are what an editor shows.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from reconciler.core.spec.choices import (
    Arn,
    Compare,
    DatasetType,
    DriftClass,
    Mode,
    OnChange,
    OnDrift,
    Orphans,
)
from reconciler.core.spec.field_types import (
    AccountId,
    DatasetArn,
    Day,
    Duration,
    ExternalId,
    FieldGlob,
    LabelName,
    Moment,
    Name,
    NotEmpty,
    ProjectName,
    Region,
    RoleArn,
    S3Base,
    SourceGlob,
    Text,
    refusal,
)
from reconciler.core.validation import spec_codes as codes

API_VERSION: Final = "reconciler/v1"


# A closed set or a list may be given as YAML has it: as text, as a sequence.
def _choice(default: Any, description: str) -> Any:
    return Field(default, strict=False, description=description)


def _described(description: str, default: Any = ..., **more: Any) -> Any:
    return Field(default, description=description, **more)


def _list(description: str, default: Any = (), **more: Any) -> Any:
    return Field(default, strict=False, description=description, **more)


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel)


class Metadata(_Part):
    """Name and labels of the dataset, in this tree."""

    name: Name = _described("Unique in the tree.", examples=["flowers-train"])
    labels: dict[str, str] = _described(
        "Free, for selection: --selector team=botany.", {}, examples=[{"team": "botany"}]
    )


class Target(_Part):
    """The dataset in AWS: by project and type, or by its ARN."""

    project: ProjectName | None = _described("Rekognition project name.", None)
    type: DatasetType | None = _choice(None, "TRAIN or TEST.")
    region: Region | None = _described("AWS Region. Default: the SDK's own resolution.", None)
    account_id: AccountId | None = _described(
        "Asserted before the first call that writes. In quotes.", None, examples=["111122223333"]
    )
    role_arn: RoleArn | None = _described("Role to assume.", None)
    external_id: ExternalId | None = _described("External id for assuming the role.", None)
    create: bool = _described("Create a missing project and an empty dataset.", False)
    dataset_arn: DatasetArn | None = _described("Instead of project and type.", None)

    @property
    def identity(self) -> tuple[str, DatasetType]:
        """The project's name and the kind of dataset, whichever way they were given."""
        if self.project is not None and self.type is not None:
            return self.project, self.type
        _, project, _, kind, _ = str(self.dataset_arn).split("/")
        return project, DatasetType(kind.upper())

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
            raise PydanticCustomError(codes.BAD_TARGET.code, "{reason}", {"reason": reason})
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


class EntrySource(_Part):
    """Files with entries."""

    file: Text = _described(
        "JSON Lines (one entry a line), or .yaml with the shorthand. Relative to this file; *, ?, "
        "[…] and ** are patterns.",
        examples=["train.jsonl", "shots/*.jsonl", "labels.yaml"],
    )


class Policy(_Part):
    """What may be done, and when."""

    mode: Mode = _choice(
        Mode.OBSERVE,
        "observe: write nothing. create-only: add, never change. upsert: add and change.",
    )
    on_change: OnChange = _choice(OnChange.APPLY, "Changes made in git: apply them, or only plan.")
    on_drift: OnDrift = _choice(OnDrift.REVERT, "Changes made in AWS, outside git: revert or report them.")
    compare: Compare = _choice(
        Compare.EXACT, "exact, or labels: only what training sees (image, labels, boxes)."
    )
    orphans: Orphans = _choice(
        Orphans.REPORT,
        "Observed but not desired. AWS cannot delete one entry: report it, blank it, or rebuild the dataset.",
    )
    allow_empty: bool = _described("A spec with zero entries is otherwise an error.", False)
    sealed: bool = _described("Every change is blocked, as for a test set that is compared with.", False)


class Limits(_Part):
    """Exceeding one blocks the apply, never the plan."""

    max_change_ratio: float = _described(
        "Share of the observed entries, when at least 10 are observed.", 0.30, ge=0, le=1
    )
    max_changes: int = _described("Number of changed entries.", 20_000, ge=0)


class Ignore(_Part):
    """Fields that are copied from the observed line into what is sent."""

    paths: Annotated[tuple[FieldGlob, ...], NotEmpty] = _list(
        "Paths from the top of the line; * is a pattern.",
        ...,
        examples=[["/*-metadata/creation-date"]],
    )
    match: SourceGlob | None = _described("Only for images whose address matches.", None)


class Schedule(_Part):
    """When the controller observes the dataset."""

    interval_seconds: Duration = _described("Time between two cycles.", 5 * 60, alias="interval")
    full_scan_max_age_seconds: Duration = _described(
        "A complete listing at least this often.", 6 * 3_600, alias="fullScanMaxAge"
    )
    jitter: float = _described("Random share added to the interval.", 0.1, ge=0, le=1)
    update_timeout_seconds: Duration = _described(
        "How long one update may take.", 60 * 60, alias="updateTimeout"
    )


class DatasetSpec(_Part):
    target: Target = _described("The dataset in AWS.")
    entries: Annotated[tuple[EntrySource, ...], NotEmpty] = _list("Where the entries are, in order.", ...)
    policy: Policy = _described("What may be done, and when.", Policy())
    limits: Limits = _described("Exceeding one blocks the apply, never the plan.", Limits())
    protect: tuple[SourceGlob, ...] = _list(
        "Images that are never changed without --allow-protected.",
        examples=[["s3://acme-flowers/golden/**"]],
    )
    ignore: tuple[Ignore, ...] = _list("Fields whose observed value is kept.")
    schedule: Schedule = _described("When the controller observes the dataset.", Schedule())
    suspend: bool = _described("The controller leaves this dataset alone.", False)


class Dataset(_Part):
    """One Rekognition Custom Labels dataset, kept in git."""

    api_version: Literal["reconciler/v1"] = _described("The format of this document.")
    kind: Literal["Dataset"] = _described("What this document is.")
    metadata: Metadata = _described("Name and labels of the dataset, in this tree.")
    spec: DatasetSpec = _described("What the dataset holds and how it is kept.")

    @property
    def name(self) -> str:
        return str(self.metadata.name)


class Box(_Part):
    """One labelled rectangle, in whole pixels."""

    label: LabelName = _described("What is in the box.")
    left: int = _described("From the left edge of the image, in pixels.")
    top: int = _described("From the upper edge of the image, in pixels.")
    width: int = _described("In pixels.")
    height: int = _described("In pixels.")


def _two_or_three(size: tuple[int, ...]) -> tuple[int, ...]:
    if len(size) not in {2, 3}:
        raise refusal("must be [width, height] or [width, height, depth]")
    return size


class Image(_Part):
    """One image and its labels."""

    image: Text = _described("Key below base, or a whole s3:// address.", examples=["spurge1.jpg"])
    labels: tuple[LabelName, ...] = _list("Labels of the whole image.")
    size: Annotated[tuple[int, ...], AfterValidator(_two_or_three)] | None = _list(
        "Width, height and, if not 3, depth. Needed for boxes.", None, examples=[[640, 480]]
    )
    boxes: tuple[Box, ...] | None = _list(
        "Labelled rectangles. An empty list means that the image contains none.", None
    )


class Entries(_Part):
    """The YAML shorthand: entries for people to write."""

    api_version: Literal["reconciler/v1"] = _described("The format of this document.")
    kind: Literal["Entries"] = _described("What this document is.")
    base: S3Base | None = _described("Where the images are.", None, examples=["s3://bucket/train/"])
    created_at: Moment = _described("Becomes creation-date, as written.", examples=["2026-03-01T12:00:00"])
    images: tuple[Image, ...] = _list("The entries, in order.", ...)


class Acknowledgement(_Part):
    """Expected drift: it is still reported, and raises no alarm until it expires."""

    api_version: Literal["reconciler/v1"] = _described("The format of this document.")
    kind: Literal["Acknowledgement"] = _described("What this document is.")
    dataset: Name = _described("Name of the dataset.", examples=["flowers-train"])
    match: SourceGlob | None = _described("Only images whose address matches.", None)
    classes: tuple[Annotated[DriftClass, Field(strict=False)], ...] = _list(
        "Only these kinds of drift. Default: all."
    )
    until: Day = _described("The last day on which it holds, in UTC.", examples=["2026-12-31"])
    reason: Text = _described("Why it is expected, for readers of the report.")


DOCUMENTS: Final[dict[str, type[Dataset | Entries | Acknowledgement]]] = {
    "Dataset": Dataset,
    "Entries": Entries,
    "Acknowledgement": Acknowledgement,
}


def json_schema(kind: Literal["dataset", "entries", "acknowledgement"]) -> dict[str, Any]:
    """Return the JSON Schema of a document, for editors and checkers."""
    model: type[_Part] = DOCUMENTS[kind.capitalize()]
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
