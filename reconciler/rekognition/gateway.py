"""Rekognition through boto3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from reconciler import errors
from reconciler.core.runtime import quotas
from reconciler.core.spec.choices import DatasetType
from reconciler.ports import Description, Located, Phase, Stats
from reconciler.redact import redacted
from reconciler.rekognition.calls import (
    CallMeter,
    Limiter,
    add_meter,
    refuse_blind_retry,
    refuse_garbage,
    refuse_other_region,
)
from reconciler.rekognition.settings import unusable_header
from reconciler.rekognition.translate import translated

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from types_boto3_rekognition import RekognitionClient
    from types_boto3_sts import STSClient

OPERATIONS: Final = (
    "CreateDataset",
    "CreateProject",
    "DescribeDataset",
    "DescribeProjects",
    "ListDatasetEntries",
    "UpdateDatasetEntries",
)

# Maximum pages of listings other than entries: one project by name, and the trainings of one project.
MAX_ANSWERS: Final = 50

_WRITING: Final = ("Create", "Delete", "Update")

_ARN: Final = re.compile(rb'"(?:Dataset|Project)Arn": ?"arn:[^":]*:rekognition:[^":]*:([0-9]{12}):')
_DATASET_ARN: Final = re.compile(r"arn:[^:]+:rekognition:[^:]+:[0-9]{12}:project/[^/:]+/dataset/[^:]+")
_HEAD_BYTES: Final = 4096  # the ARN comes first; an update has five megabytes after it


class CallPermit(Protocol):
    """Raises `NotLeader` unless this replica may make a call that begins now."""

    def __call__(self, *, writes: bool) -> object: ...


class Rekognition:
    """
    `ports.Gateway` through boto3 clients.

    The SDK retries throttled and failed calls; each attempt passes the `Limiter`. An update is retried only after
    throttling: see `refuse_blind_retry`.

    Args:
        sts: Returns a client of STS; called when the account is needed.
        identity: The account for the limiter until a request contains an ARN.
        meter: Called for every attempt, the SDK's own retries included.
        permit: Called immediately before every attempt; raises `NotLeader` if another replica may call.
        called: Called after each writing call, with the ARN of its project or dataset and its request ID.
    """

    def __init__(
        self,
        client: RekognitionClient,
        sts: Callable[[], STSClient],
        limiter: Limiter,
        identity: str,
        meter: CallMeter | None = None,
        permit: CallPermit | None = None,
        called: Callable[[str, str], object] | None = None,
    ) -> None:
        self._client, self._sts, self._called = client, sts, called
        self._account: str | None = None
        self._limiter, self._owner = limiter, identity
        region = client.meta.region_name

        def before_send(event_name: str, request: AWSPreparedRequest, **_: Any) -> None:
            operation = _operation(event_name)
            if (
                reason := unusable_header(dict(request.headers.items()))
            ) is not None:  # the SDK would try it again and again
                raise errors.Denied(f"{operation}: {reason}")
            if owner := _owner_of(request.body):  # credentials of the machine do not say whose they are
                self._owner = owner
            limiter.wait(self._owner, region, operation)
            if permit is not None:
                permit(writes=operation.startswith(_WRITING))

        def received(
            event_name: str, response_dict: dict[str, Any] | None, parsed_response: Any, **_: Any
        ) -> None:
            model = client.meta.service_model.operation_model(_operation(event_name))
            refuse_garbage(model, response_dict, parsed_response)

        # Emitted before and after each attempt, the SDK's own retries included.
        client.meta.events.register("before-send.rekognition", before_send)
        client.meta.events.register("response-received.rekognition", lambda **_: limiter.record_answer())
        if meter is not None:  # first, so that it counts what is refused below
            add_meter(client.meta.events, meter)
        client.meta.events.register("response-received.rekognition", received)
        client.meta.events.register("needs-retry.rekognition.UpdateDatasetEntries", refuse_blind_retry)

    @property
    def region(self) -> str:
        return self._client.meta.region_name

    def account(self) -> str:
        if self._account is None:
            with translated("GetCallerIdentity"):
                account: Any = self._sts().get_caller_identity()["Account"]
                if not isinstance(account, str):
                    raise errors.UnknownAnswer("GetCallerIdentity: Account is not one text")
                self._account = account
        return self._account

    def locate(self, project: str, dataset_type: DatasetType) -> Located:
        request: dict[str, Any] = {"ProjectNames": [project]}
        answers = self._answers("DescribeProjects", self._client.describe_projects, request, MAX_ANSWERS)
        for answer in answers:
            with translated("DescribeProjects"):
                # Without a list it is not known that there is no such project: one might be created.
                for found in answer["ProjectDescriptions"]:
                    if _project_name(found["ProjectArn"]) == project:
                        refuse_other_region(found["ProjectArn"], self.region)
                        return Located(found["ProjectArn"], _dataset_arn(found, dataset_type))
        return Located(None, None)

    def describe(self, arn: str) -> Description:
        with translated("DescribeDataset"):
            answer = self._client.describe_dataset(DatasetArn=arn)
            found = answer["DatasetDescription"]
            updated = found.get("LastUpdatedTimestamp")
            stats = found.get("DatasetStats", {})
            return Description(
                phase=_phase(found["Status"]),
                code=_storable(found.get("StatusMessageCode", "")) or None,
                message=redacted(_storable(found.get("StatusMessage", ""))),
                updated_at=updated.timestamp() if updated else None,
                stats=Stats(
                    stats.get("TotalEntries"),
                    stats.get("LabeledEntries"),
                    stats.get("TotalLabels"),
                    stats.get("ErrorEntries"),
                ),
            )

    def list_one(self, arn: str) -> None:
        """List a single entry, to check the permission."""
        with translated("ListDatasetEntries"):
            self._client.list_dataset_entries(DatasetArn=arn, MaxResults=1)

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        request: dict[str, Any] = {"DatasetArn": arn, "MaxResults": quotas.PAGE_SIZE}
        if contains is not None:
            request["SourceRefContains"] = contains

        def call(**request: Any) -> Any:
            # A whole listing takes minutes: a page of an edit goes first. The first one is all of a small dataset.
            gives_way = contains is None and "NextToken" in request
            with self._limiter.yielding() if gives_way else nullcontext():
                return self._client.list_dataset_entries(**request)

        for answer in self._answers("ListDatasetEntries", call, request):
            if (
                contains is not None and "DatasetEntries" not in answer
            ):  # a page is counted, a search is believed
                raise errors.UnknownAnswer("ListDatasetEntries: the answer to a search has no DatasetEntries")
            yield [_one_line(text) for text in answer.get("DatasetEntries", ())]

    def update(self, arn: str, payload: bytes) -> None:
        """
        Start one update.

        Raises:
            Unavailable: It may have arrived nevertheless: call `describe` before it is sent again.
        """
        with translated("UpdateDatasetEntries"):
            answer = self._client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": payload})
        self._note_call(arn, answer)

    def create_project(self, project: str) -> str:
        with translated("CreateProject"):
            answer = self._client.create_project(ProjectName=project)
            arn = answer["ProjectArn"]
        self._note_call(arn, answer)
        return arn

    def create_dataset(self, project_arn: str, dataset_type: DatasetType) -> str:
        with translated("CreateDataset"):
            answer = self._client.create_dataset(ProjectArn=project_arn, DatasetType=dataset_type.value)
            arn = answer["DatasetArn"]
        self._note_call(project_arn, answer)  # the requests of a dataset are its updates
        return arn

    def _note_call(self, arn: str, answer: Mapping[str, Any]) -> None:
        if self._called and (request_id := answer.get("ResponseMetadata", {}).get("RequestId")):
            self._called(arn, request_id)

    @staticmethod
    def _answers(
        operation: str, call: Callable[..., Any], request: dict[str, Any], most: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """
        Yield pages until NextToken is missing or empty.

        Raises:
            ListingMoved: A token was repeated: the listing would never end.
            UnknownAnswer: There are more than *most* pages.
        """
        seen: set[str] = set()
        while True:
            with translated(operation):
                answer = call(**request)
            yield answer
            token = answer.get("NextToken")
            if not token:
                return
            if token in seen:
                raise errors.ListingMoved(f"{operation}: the service gave one page token twice")
            seen.add(token)
            if len(seen) == most:
                raise errors.UnknownAnswer(f"{operation}: {most} pages, and no end")
            request = {**request, "NextToken": token}


def _operation(event_name: str) -> str:
    """Return OPERATION of before-send.rekognition.OPERATION."""
    return event_name.rpartition(".")[2]


def _owner_of(body: object) -> str | None:
    """Return the account of the ARN in a request; None for a request with a name."""
    found = _ARN.search(body, 0, _HEAD_BYTES) if isinstance(body, bytes) else None
    return found[1].decode() if found else None


def _phase(status: str) -> Phase:
    try:
        return Phase(status)
    except ValueError:
        raise errors.UnknownAnswer(
            f"DescribeDataset: status {status!r} is one that this version does not know"
        ) from None


def _one_line(text: str) -> str:
    """Return an entry without line ends, which JSON allows between its parts: files hold an entry a line."""
    return text.replace("\n", " ").replace("\r", " ")


def _storable(text: str) -> str:
    """Return a text without half characters, which no file and no database takes."""
    return text.encode(errors="replace").decode()


def _project_name(arn: str) -> str:
    """Return NAME of arn:aws:rekognition:REGION:ACCOUNT:project/NAME/MILLISECONDS."""
    return arn.split(":", 5)[-1].split("/")[1]


def _dataset_arn(project: Mapping[str, Any], dataset_type: DatasetType) -> str | None:
    for dataset in project.get("Datasets", ()):
        if dataset.get("DatasetType") == dataset_type.value:
            arn: str = dataset["DatasetArn"]
            of_project = f"{project['ProjectArn'].rpartition('/')[0]}/dataset/"
            if not (_DATASET_ARN.fullmatch(arn) and arn.startswith(of_project)):
                raise errors.UnknownAnswer(
                    f"DescribeProjects: {arn[:200]!r} is not the ARN of a dataset of this project"
                )
            return arn
    return None
