"""
Put a record of each writing call into the queues of its account and Region, as a rule of EventBridge does.

The envelope and the record have the members of the CloudTrail guide (events delivered via EventBridge; record
contents; userIdentity). Members of a request are written as CloudTrail writes those of Rekognition's own examples:
with a small first letter. Contents of a request that are bytes are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import orjson

from reconciler.emulator.access import Caller
from reconciler.emulator.storage import queues
from reconciler.emulator.storage.context import Context

CONSOLE_ADDRESS: Final = "198.51.100.7"
CONSOLE_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
CONSOLE_ROLE: Final = "Labelling"
CONSOLE_SESSION: Final = "console-user"


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    One call, as far as CloudTrail records it.

    Attributes:
        arn: Of the principal.
        agent, address: User agent and source address of the request.
        error: Code of the answer; None for success.
    """

    operation: str
    owner: tuple[str, str]
    arn: str
    agent: str
    address: str
    request_id: str
    parameters: Mapping[str, Any]
    answer: Mapping[str, Any] | None = None
    error: str | None = None


def record(context: Context, call: Recorded) -> None:
    """Send the record of a call to every queue of its account and Region; without a queue nothing is made."""
    found = queues.of_owner(context.store, call.owner)
    if not found:
        return
    now = context.clock.now()
    body = orjson.dumps(_envelope(call, now)).decode()
    for queue in found:
        queues.send(context.store, queue, body, now, now)


def called(
    caller: Caller, operation: str, headers: Mapping[str, str], request_id: str, params: Mapping[str, Any]
) -> Recorded:
    """Return the record of a request over HTTP, before it is answered."""
    agent = headers.get("user-agent", "")
    return Recorded(operation, caller.owner, caller.arn, agent, "127.0.0.1", request_id, params)


def acted(arn: str, operation: str, parameters: Mapping[str, Any]) -> Recorded:
    """Return the record of an edit in the console; *arn* is the dataset or project that is edited."""
    region, account = arn.split(":")[3:5]
    principal = f"arn:aws:sts::{account}:assumed-role/{CONSOLE_ROLE}/{CONSOLE_SESSION}"
    return Recorded(
        operation,
        (account, region),
        principal,
        CONSOLE_AGENT,
        CONSOLE_ADDRESS,
        str(uuid4()),
        parameters,
        {},
    )


def _envelope(call: Recorded, now: float) -> dict[str, Any]:
    account, region = call.owner
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.rekognition",
        "account": account,
        "time": _time(now),
        "region": region,
        "resources": [],
        "detail": _detail(call, now),
    }


def _detail(call: Recorded, now: float) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "userIdentity": _identity(call.arn),
        "eventTime": _time(now),
        "eventSource": "rekognition.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": call.owner[1],
        "sourceIPAddress": call.address,
        "userAgent": call.agent,
        **({"errorCode": call.error, "errorMessage": call.error} if call.error else {}),
        "requestParameters": _plain(call.parameters),
        "responseElements": None if call.answer is None else _plain(call.answer),
        "requestID": call.request_id,
        "eventID": str(uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": call.owner[0],
        "eventCategory": "Management",
    }


def _identity(arn: str) -> dict[str, Any]:
    account, resource = arn.split(":", 5)[4:]
    kind, _, name = resource.partition("/")
    if kind != "assumed-role":
        return {
            "type": "IAMUser",
            "principalId": "AIDAEMULATOR",
            "arn": arn,
            "accountId": account,
            "userName": name,
        }
    role, _, session = name.partition("/")
    issuer = {
        "type": "Role",
        "principalId": "AROAEMULATOR",
        "arn": f"arn:aws:iam::{account}:role/{role}",
        "accountId": account,
        "userName": role,
    }
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEMULATOR:{session}",
        "arn": arn,
        "accountId": account,
        "sessionContext": {"sessionIssuer": issuer, "attributes": {"mfaAuthenticated": "false"}},
    }


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {
                key[:1].lower() + key[1:]: _plain(item)
                for key, item in value.items()
                if not isinstance(item, bytes)
            }
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def _time(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
