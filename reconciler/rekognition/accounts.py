"""The credentials of calls: those that the SDK finds, or those of an assumed role."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import NoCredentialsError

from reconciler.errors import Denied
from reconciler.rekognition import NAME
from reconciler.rekognition.settings import unusable, unusable_in
from reconciler.rekognition.translate import translated

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
    Return a session of the SDK's own configuration.

    Raises:
        Denied: A variable or the profile holds what cannot be used.
    """
    if (reason := unusable()) is not None:
        raise Denied(reason)
    session = boto3.Session(region_name=region)
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
    return boto3.Session(botocore_session=session, region_name=ambient.region_name)
