"""The credentials of calls, and whether they have access to one account and Region. Makes no writing call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import NoCredentialsError

from reconciler.answers import limit_answers
from reconciler.core.spec.choices import DatasetType
from reconciler.errors import Denied, GatewayError, UnknownAnswer
from reconciler.ports import Description, Identity, Located
from reconciler.rekognition import NAME
from reconciler.rekognition.calls import refuse_long_retry
from reconciler.rekognition.gateway import Rekognition
from reconciler.rekognition.settings import unusable_in, unusable_setting
from reconciler.rekognition.translate import CONFIGURATION, translated

if TYPE_CHECKING:
    from types_boto3_sts import STSClient


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
            answer: Mapping[str, Any] = client.get_caller_identity()
            account, arn = answer["Account"], answer["Arn"]
        if not isinstance(account, str) or not isinstance(arn, str):  # a repeated element is not text
            raise UnknownAnswer("GetCallerIdentity: Account and Arn are not one text each")
        return Identity(account, arn)


class RekognitionAccess:
    """
    `ports.Access` through boto3 clients.

    Args:
        assumed: The assumed role; None if calls are made as *caller*.
    """

    def __init__(
        self, gateway: Rekognition, caller: Caller, assumed: Caller | None, region: tuple[str, str]
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


# botocore's names of credential sources -> names for people, where they differ.
_SOURCES: Final = {
    "env": "the environment",
    "explicit": "the embedded emulator",
    "shared-credentials-file": "the credentials file",
    "config-file": "the configuration file",
    "container-role": "the container",
    "iam-role": "the role of this instance",
    "assume-role-with-web-identity": "a web identity",
}


def source_of(session: boto3.Session) -> str:
    """Return where the credentials of a session were found, for messages; empty if there are none."""
    found = session.get_credentials()
    return _SOURCES.get(found.method, found.method) if found else ""


def ambient(region: str | None) -> boto3.Session:
    """
    Return a session of the SDK's own configuration, each of whose calls ends in a limited time.

    Raises:
        Denied: A variable or the profile holds what cannot be used.
    """
    if (reason := unusable_setting()) is not None:
        raise Denied(reason)
    limit_answers()
    session = boto3.Session(region_name=region)
    session.events.register("needs-retry", refuse_long_retry)
    # boto3 shows the name of the profile, and not what is in it.
    profile = session._session.get_scoped_config()
    if (reason := unusable_in(profile, session.profile_name)) is not None:
        raise Denied(reason)
    return session


def assuming(ambient: boto3.Session, role_arn: str, external_id: str | None, config: Config) -> boto3.Session:
    """
    Return a session of the role, with credentials that are fetched on first use and renewed in time.

    It asks the STS of the session's own Region: tokens of the global endpoint are not valid in every Region, and
    other partitions have no such endpoint.

    Args:
        config: The SDK settings for STS.

    Raises:
        NoCredentialsError: There are no credentials to assume the role with.
    """
    credentials = ambient.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    create_client = botocore.session.get_session().create_client
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(create_client, region_name=ambient.region_name, config=config),
        source_credentials=credentials,
        role_arn=role_arn,
        extra_args={"RoleSessionName": NAME} | ({"ExternalId": external_id} if external_id else {}),
    )

    def assumed() -> Any:
        with translated("AssumeRole"):
            return fetcher.fetch_credentials()

    session = botocore.session.get_session()
    # botocore has no public way to give a session refreshable credentials; this one is what its own
    # profile support does.
    session._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]
        method="assume-role", refresh_using=assumed
    )
    session.get_component("event_emitter").register("needs-retry", refuse_long_retry)
    return boto3.Session(botocore_session=session, region_name=ambient.region_name)
