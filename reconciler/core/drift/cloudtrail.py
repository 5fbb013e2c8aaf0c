"""
Read a record of CloudTrail as EventBridge delivers it: which call it was, on which datasets, and whose.

Sources: the CloudTrail user guide (record contents; userIdentity element; events delivered through EventBridge).
A record is untrusted text: any principal that may write to the queue can make one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any, Final, NamedTuple

import orjson

from reconciler.core.drift.foreign_calls import AddressClass, ForeignCall, PrincipalKind
from reconciler.core.spec.choices import Arn
from reconciler.core.spec.documents import Target

CHANGES: Final = frozenset(
    {
        "CreateDataset",
        "CreateProject",
        "CreateProjectVersion",  # training without a test dataset splits the training dataset
        "DeleteDataset",
        "DeleteProject",
        "DistributeDatasetEntries",
        "UpdateDatasetEntries",
    }
)
"""The operations after which the entries of a dataset may be others."""

MAX_BYTES: Final = 1 << 20
"""The largest message of SQS."""

_MAX_CHARS: Final = 200
_MAX_AGENT_CHARS: Final = 2_000
_DATASET: Final = re.compile(
    r"arn:[a-z-]+:rekognition:[a-z0-9-]+:[0-9]{12}:project/[\w.-]{1,255}/dataset/(?:train|test)/[0-9]{1,20}"
)
_PROJECT: Final = re.compile(
    r"arn:[a-z-]+:rekognition:[a-z0-9-]+:[0-9]{12}:project/[\w.-]{1,255}/[0-9]{1,20}"
)
_PROJECT_NAME: Final = re.compile(r"[\w.-]{1,255}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_REGION: Final = re.compile(r"[a-z0-9-]{2,32}")
_KINDS: Final[Mapping[str, PrincipalKind]] = {
    "Root": PrincipalKind.ROOT,
    "IAMUser": PrincipalKind.USER,
    "AssumedRole": PrincipalKind.ROLE,
    "Role": PrincipalKind.ROLE,
    "FederatedUser": PrincipalKind.FEDERATED,
    "SAMLUser": PrincipalKind.FEDERATED,
    "WebIdentityUser": PrincipalKind.FEDERATED,
    "Directory": PrincipalKind.FEDERATED,
    "IdentityCenterUser": PrincipalKind.FEDERATED,
    "AWSService": PrincipalKind.SERVICE,
    "AWSAccount": PrincipalKind.ACCOUNT,
}
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_PRIVATE: Final = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8")
) + tuple(ip_network(text) for text in ("169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128"))


class Unreadable(Exception):
    """A message is not a usable record of CloudTrail; the text says why."""


class ApiCall(NamedTuple):
    """
    One recorded call to Rekognition.

    Attributes:
        call: What is kept of it.
        account, region: Whose datasets it is about.
        request_id: As the caller got it; empty if the record has none.
        agent: The user agent.
        failed: The error code; None if the call succeeded.
        datasets: The ARNs of the datasets that it names.
        projects: The names of the projects that it names.
    """

    call: ForeignCall
    account: str
    region: str
    request_id: str
    agent: str
    failed: str | None
    datasets: tuple[str, ...]
    projects: tuple[str, ...]

    @property
    def names_nothing(self) -> bool:
        """Return whether any dataset of the account and Region may be meant: the parameters were left out."""
        return not (self.datasets or self.projects)


def parse(body: str) -> ApiCall | None:
    """
    Return the call that a message records; None for a call that cannot change the entries of a dataset.

    Raises:
        Unreadable: The message is something else.
    """
    if len(body) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES} bytes")
    envelope = _envelope(body)
    detail = envelope.get("detail")
    if not isinstance(detail, dict):
        raise Unreadable("it has no detail: does the rule pass on the whole event?")
    if detail.get("eventSource") != "rekognition.amazonaws.com":
        raise Unreadable("detail.eventSource is not rekognition.amazonaws.com")
    operation = _text(detail.get("eventName"))
    if operation not in CHANGES:
        return None
    account = _matching(_ACCOUNT, "account", detail.get("recipientAccountId") or envelope.get("account"))
    region = _matching(_REGION, "detail.awsRegion", detail.get("awsRegion") or envelope.get("region"))
    datasets, projects = _named(detail)
    return ApiCall(
        _call(operation, envelope, detail),
        account,
        region,
        _text(detail.get("requestID")),
        _text(detail.get("userAgent"), _MAX_AGENT_CHARS),
        _text(detail.get("errorCode")) or None,
        datasets,
        projects,
    )


def is_about(found: ApiCall, target: Target, arn: str | None) -> bool:
    """
    Return whether a call may have changed the dataset of a target.

    Args:
        arn: The ARN under which the dataset was last observed; None if it was not.
    """
    known = Arn.parse(arn) if arn else None
    region, account = (known.region, known.account) if known else (target.home_region, target.home_account)
    if region not in (None, found.region) or account not in (None, found.account):
        return False
    return (
        found.names_nothing
        or target.identity[0] in found.projects
        or any(Arn.parse(text).dataset == target.identity for text in found.datasets)
    )


def _envelope(body: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body)
    except ValueError as exc:
        raise Unreadable("it is not JSON") from exc
    if not isinstance(found, dict):
        raise Unreadable("it is not a JSON object")
    if not _text(found.get("detail-type")).endswith("via CloudTrail"):
        raise Unreadable("detail-type is not that of a record of CloudTrail")
    return found


def _call(operation: str, envelope: Mapping[str, Any], detail: Mapping[str, Any]) -> ForeignCall:
    key = _text(detail.get("eventID")) or _text(envelope.get("id"))
    if not key:
        raise Unreadable("it has no eventID")
    principal, kind = _principal(detail.get("userIdentity"))
    at = _seconds(detail.get("eventTime") or envelope.get("time"))
    return ForeignCall(key, operation, principal, kind, _address_class(detail.get("sourceIPAddress")), at)


def _principal(identity: Any) -> tuple[str, PrincipalKind]:
    """Return the name of a principal, and its kind; of a role its name and that of the session."""
    if not isinstance(identity, dict):
        return "an unknown principal", PrincipalKind.UNKNOWN
    kind = _KINDS.get(_text(identity.get("type")), PrincipalKind.UNKNOWN)
    by = _text(identity.get("invokedBy"))
    if kind is PrincipalKind.UNKNOWN and by:
        return by, PrincipalKind.SERVICE
    arn, account = _text(identity.get("arn")), _text(identity.get("accountId"))
    session = arn.partition(":assumed-role/")[2]
    name = {
        PrincipalKind.ROOT: account,
        PrincipalKind.ACCOUNT: account,
        PrincipalKind.SERVICE: by,
        PrincipalKind.ROLE: session or arn.partition(":role/")[2],
        PrincipalKind.FEDERATED: arn.partition(":federated-user/")[2],
    }.get(kind, "")
    given = name or _text(identity.get("userName")) or arn or _text(identity.get("principalId")) or account
    return given or "an unknown principal", kind


def _address_class(address: Any) -> AddressClass:
    text = _text(address)
    if text == "AWS Internal" or text.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazon.com")):
        return AddressClass.SERVICE
    try:
        found = ip_address(text)
    except ValueError:
        return AddressClass.UNKNOWN
    is_private = any(found.version == network.version and found in network for network in _PRIVATE)
    return AddressClass.PRIVATE if is_private else AddressClass.PUBLIC


def _named(detail: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ARNs of the datasets and the names of the projects that a record names anywhere."""
    parameters, answer = detail.get("requestParameters"), detail.get("responseElements")
    texts = [*_arns(parameters), *_arns(answer), *_arns({"resources": detail.get("resources")})]
    datasets = tuple(dict.fromkeys(text for text in texts if _DATASET.fullmatch(text)))
    projects = [Arn.parse(text).project for text in texts if _PROJECT.fullmatch(text)]
    name = _text(parameters.get("projectName")) if isinstance(parameters, dict) else ""
    if _PROJECT_NAME.fullmatch(name):
        projects.append(name)
    return datasets, tuple(dict.fromkeys(projects))


def _arns(found: Any) -> Iterator[str]:
    """Yield the values of members named ARN, or that end so, one list deep."""
    if not isinstance(found, dict):
        return
    for key, value in found.items():
        if isinstance(value, str) and key.lower().endswith("arn"):
            yield value
        elif isinstance(value, list):
            yield from _in_list(value)


def _in_list(items: Iterable[Any]) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict):
            yield from (v for k, v in item.items() if isinstance(v, str) and k.lower().endswith("arn"))


def _seconds(given: Any) -> float:
    try:
        found = datetime.fromisoformat(_text(given))
    except ValueError as exc:
        raise Unreadable("detail.eventTime is not a time") from exc
    if not _FIRST_YEAR <= found.year < _LAST_YEAR:
        raise Unreadable("detail.eventTime is not of this century")
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _matching(pattern: re.Pattern[str], name: str, given: Any) -> str:
    text = _text(given)
    if not pattern.fullmatch(text):
        raise Unreadable(f"{name} is missing or malformed")
    return text


def _text(given: Any, most: int = _MAX_CHARS) -> str:
    """Return a text, cut and printable: it is shown on terminals and pages; empty for anything else."""
    if not isinstance(given, str):
        return ""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in given[:most])
