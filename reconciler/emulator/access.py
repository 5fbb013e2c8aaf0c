"""
Who calls: the principal in the credential scope of a signature, and the roles that STS lets it assume.

Signatures themselves are not verified.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from reconciler.emulator import xml
from reconciler.emulator.http import Answer, Request, ServiceError
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


Params = Mapping[str, str]

NAMESPACE: Final = "https://sts.amazonaws.com/doc/2011-06-15/"

_ROLE: Final = re.compile(
    r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/(?P<path>[\w+=,.@\-/]*/)?(?P<name>[\w+=,.@\-]+)"
)
_SECONDS: Final = range(900, 43_201)
_SESSION: Final = re.compile(r"[\w+=,.@\-]{2,64}")


class Sts:
    """Answers STS requests and logs each call."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def handle(self, request: Request) -> Answer:
        """Answer one request. Never raises, whatever a client sends."""
        params = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
        action, code, caller = params.get("Action", ""), None, None
        request_id = str(uuid4())
        try:
            caller = identify(self._context, request.headers, request.query)
            act = _ACTIONS.get(action)
            if act is None:
                raise ServiceError("InvalidAction", f"Could not find operation {action[:100]}")
            with self._context.store.transaction():
                result = act(self._context, caller, params)
            meta: xml.Content = [("RequestId", request_id)]
            body = xml.document(
                f"{action}Response", NAMESPACE, [(f"{action}Result", result), ("ResponseMetadata", meta)]
            )
            status = 200
        except ServiceError as exc:
            code, status = exc.code, exc.status
            body = _error(exc, request_id)
        self._context.log("sts", action, caller.owner if caller else None, error=code)
        return Answer(status, body, {"Content-Type": "text/xml", "x-amzn-RequestId": request_id})


def _get_caller_identity(_: Context, caller: Caller, __: Params) -> xml.Content:
    return [("Arn", caller.arn), ("UserId", caller.access_key), ("Account", caller.account)]


def _assume_role(context: Context, caller: Caller, params: Params) -> xml.Content:
    role, session = params.get("RoleArn", ""), params.get("RoleSessionName", "")
    match = _ROLE.fullmatch(role)
    seconds = params.get("DurationSeconds", "3600")
    lasting = re.fullmatch(r"[0-9]{3,5}", seconds) is not None and int(seconds) in _SECONDS
    if match is None or not _SESSION.fullmatch(session) or not lasting:
        raise ServiceError("ValidationError", "1 validation error detected in the request.")
    _require_trust(context, caller, role, params.get("ExternalId"))
    account, name = match.group("account"), match.group("name")
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
    key = f"ASIA{secrets.token_hex(8).upper()}"
    expires = context.clock.now() + int(seconds)
    context.store.db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (key, account, arn, expires))
    expiration = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        (
            "Credentials",
            [
                ("AccessKeyId", key),
                ("SecretAccessKey", secrets.token_urlsafe(30)),
                ("SessionToken", secrets.token_urlsafe(60)),
                ("Expiration", expiration),
            ],
        ),
        ("AssumedRoleUser", [("AssumedRoleId", f"AROA{key[4:]}:{session}"), ("Arn", arn)]),
    ]


def _require_trust(context: Context, caller: Caller, role: str, external_id: str | None) -> None:
    roles = context.settings.roles
    if not roles:
        return
    if role not in roles or (roles[role] is not None and roles[role] != external_id):
        raise ServiceError(
            "AccessDenied",
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role}",
            403,
        )


def _error(exc: ServiceError, request_id: str) -> bytes:

    details: xml.Content = [
        ("Type", "Sender" if exc.status < 500 else "Receiver"),
        ("Code", exc.code.removesuffix("Exception")),
        ("Message", exc.message),
    ]
    return xml.document("ErrorResponse", NAMESPACE, [("Error", details), ("RequestId", request_id)])


_ACTIONS: Final[Mapping[str, Callable[[Context, Caller, Params], xml.Content]]] = MappingProxyType(
    {"GetCallerIdentity": _get_caller_identity, "AssumeRole": _assume_role}
)
