"""Check access to one account and Region, and as which identity. Makes no writing call."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from reconciler.core.spec.choices import DatasetType
from reconciler.errors import GatewayError
from reconciler.ports import Description, Identity, Located
from reconciler.rekognition.gateway import Rekognition
from reconciler.rekognition.translate import CONFIGURATION, translated

if TYPE_CHECKING:
    from types_boto3_sts import STSClient


class DiagnosticRekognition(Rekognition):
    """A gateway that can also list a single entry, to check the permission."""

    def list_one(self, arn: str) -> None:
        with translated("ListDatasetEntries"):
            self._client.list_dataset_entries(DatasetArn=arn, MaxResults=1)


class Skew:
    """
    The difference between the clock of AWS and ours, from the dates of its answers, errors included.

    Attributes:
        seconds: The smallest seen, since the delay of an answer adds to it; None before the first.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.seconds: float | None = None

    def watch(self, events: Any) -> None:
        """Read the date of every answer to a client."""
        events.register("after-call", self._answered)

    def _answered(self, http_response: Any, **_: Any) -> None:
        try:
            date = parsedate_to_datetime(http_response.headers["date"]).timestamp()
        except (KeyError, TypeError, ValueError):
            return
        found = date - self._now()
        if self.seconds is None or abs(found) < abs(self.seconds):
            self.seconds = found


class Caller:
    """
    The identity behind the credentials of a session, asked from STS once for all datasets that share them.

    Args:
        sts: Returns a client of STS.
        source: Returns where the credentials were found.
    """

    def __init__(self, sts: Callable[[], STSClient], source: Callable[[], str], skew: Skew) -> None:
        self._sts = sts
        self.source = source
        self._skew = skew
        self._answer: Identity | GatewayError | None = None

    def identity(self) -> Identity:
        if self._answer is None:
            try:
                self._answer = self._ask()
            except GatewayError as exc:
                self._answer = exc
        if isinstance(self._answer, GatewayError):
            raise self._answer
        return self._answer

    def _ask(self) -> Identity:
        with translated("GetCallerIdentity"):
            client = self._sts()
            self._skew.watch(client.meta.events)
            answer = client.get_caller_identity()
            return Identity(answer["Account"], answer["Arn"])


class RekognitionAccess:
    """
    `ports.Access` through boto3 clients.

    Args:
        assumed: The assumed role; None if calls are made as *caller*.
    """

    def __init__(
        self, gateway: DiagnosticRekognition, caller: Caller, assumed: Caller | None, region: tuple[str, str]
    ) -> None:
        self._gateway = gateway
        self._caller = caller
        self._assumed = assumed
        self.region, self.region_from = region

    @property
    def assumes(self) -> bool:
        return self._assumed is not None

    def caller(self) -> Identity:
        return self._caller.identity()

    def caller_from(self) -> str:
        with translated(CONFIGURATION):
            return self._caller.source()

    def identity(self) -> Identity:
        return (self._assumed or self._caller).identity()

    def locate(self, project: str, dataset_type: DatasetType) -> Located:
        return self._gateway.locate(project, dataset_type)

    def describe(self, arn: str) -> Description:
        return self._gateway.describe(arn)

    def list_one(self, arn: str) -> None:
        self._gateway.list_one(arn)
