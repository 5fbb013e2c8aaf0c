"""Identify callers by the credential scope of the signature. Signatures themselves are not verified."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import unquote

from reconciler.emulator.http import ServiceError
from reconciler.emulator.storage.context import Context

_CREDENTIAL: Final = re.compile(
    r"(?P<key>[\w+=,.@\-]{1,128})/\d{8}/(?P<region>[a-z0-9\-]{2,32})/(?P<service>[a-z0-9\-]{2,32})/aws4_request"
)
_ACCOUNT: Final = re.compile(r"\d{12}")


class Caller(NamedTuple):
    """
    The principal of a request.

    Attributes:
        service: The service that the request was signed for, such as ``rekognition``.
    """

    account: str
    region: str
    service: str
    access_key: str
    arn: str

    @property
    def owner(self) -> tuple[str, str]:
        """Return the account and Region whose resources the caller can access."""
        return self.account, self.region


def identify(context: Context, headers: Mapping[str, str], query: Mapping[str, str]) -> Caller:
    """
    Return the principal that signed a request, by header or (presigned) by query.

    Raises:
        ServiceError: The signature is missing, malformed or expired, or the credentials are expired.
    """
    scope = _scope(headers.get("authorization", ""), query)
    key, region, service = scope["key"], scope["region"], scope["service"]
    _require_fresh(query, context.clock.now())
    session = context.store.one("SELECT * FROM sessions WHERE access_key = ?", key)
    if session is None:
        account = context.settings.accounts.get(key) or (key if _ACCOUNT.fullmatch(key) else context.account)
        return Caller(account, region, service, key, f"arn:aws:iam::{account}:user/emulator")
    if session["expires"] <= context.clock.now():
        raise ServiceError("ExpiredTokenException", "The security token included in the request is expired")
    return Caller(session["account"], region, service, key, session["arn"])


def _scope(authorization: str, query: Mapping[str, str]) -> re.Match[str]:
    if query.get("X-Amz-Algorithm") == "AWS4-HMAC-SHA256":
        credential = unquote(query.get("X-Amz-Credential", ""))
    elif query.keys() >= {"AWSAccessKeyId", "Signature", "Expires"}:
        # botocore still presigns S3 requests with signature version 2, which states no Region.
        credential = f"{query['AWSAccessKeyId']}/00000000/us-east-1/s3/aws4_request"
    elif authorization.startswith("AWS4-HMAC-SHA256 "):
        parts = dict(
            part.strip().partition("=")[::2]
            for part in authorization.removeprefix("AWS4-HMAC-SHA256 ").split(",")
        )
        if not parts.keys() >= {"Credential", "SignedHeaders", "Signature"}:
            raise _incomplete(authorization)
        credential = parts["Credential"]
    elif authorization:
        raise _incomplete(authorization)
    else:
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    scope = _CREDENTIAL.fullmatch(credential)
    if scope is None:
        raise _incomplete(credential)
    return scope


def _require_fresh(query: Mapping[str, str], now: float) -> None:
    """Raise ServiceError if a presigned request has expired."""
    try:
        if "X-Amz-Date" in query:
            signed = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            end = signed.timestamp() + int(query["X-Amz-Expires"])
        else:
            end = float(query["Expires"])
    except (KeyError, ValueError, OverflowError):
        return
    if end < now:
        raise ServiceError("AccessDenied", "Request has expired", 403)


def _incomplete(text: str) -> ServiceError:
    return ServiceError(
        "IncompleteSignatureException", f"'{text[:100]}' is not a valid signature of version 4."
    )
