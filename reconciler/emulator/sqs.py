"""Front end of SQS: standard queues in the protocol AWS JSON 1.0, as far as a receiver of events needs them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

import orjson
from botocore.loaders import Loader
from botocore.model import ServiceModel

from reconciler.emulator.access import Caller, identify
from reconciler.emulator.api import shapes
from reconciler.emulator.behaviour.faults import ANSWERS, answer
from reconciler.emulator.behaviour.switches import InvalidRequest
from reconciler.emulator.http import Answer, Request, ServiceError
from reconciler.emulator.storage import queues
from reconciler.emulator.storage.context import Context
from reconciler.emulator.storage.queues import Queue

Params = Mapping[str, Any]

TARGET_PREFIX: Final = "AmazonSQS."
CONTENT_TYPE: Final = "application/x-amz-json-1.0"

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_MAX_BYTES: Final = 1_048_576
_MAX_MESSAGES: Final = range(1, 11)
_WAIT_SECONDS: Final = range(21)
_HIDDEN_SECONDS: Final = range(43_201)
_POLL_SECONDS: Final = 0.05  # other processes may put messages into the same data

# Codes of the older query protocol, which SDKs still give to their users.
_QUERY_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {"QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue"}
)


class Sqs:
    """Answers SQS requests and logs each call."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._closing = threading.Event()
        queues.create_tables(context.store)

    def close(self) -> None:
        """End the requests that wait for a message."""
        self._closing.set()

    def handle(self, request: Request) -> Answer:
        """Answer one request. Never raises, whatever a client sends."""
        operation = request.headers.get("x-amz-target", "").removeprefix(TARGET_PREFIX)
        code, caller, status, headers = None, None, 200, {}
        params: Params = {}
        try:
            caller = identify(self._context, request.headers, request.query)
            act = self._acts().get(operation)
            if act is None:
                raise ServiceError("UnknownOperationException", "")
            self._refuse(caller, operation)
            shape = _model().operation_model(operation).input_shape
            params = shapes.read(shape, _parse(request.body), InvalidRequest.VALIDATION)
            body = orjson.dumps(act(caller, params))
        except ServiceError as exc:
            code, status = exc.code, exc.status
            body = orjson.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": exc.message})
            headers = {"x-amzn-query-error": f"{_QUERY_CODES.get(code, code)};Sender"}
        resource = str(params.get("QueueUrl") or params.get("QueueName") or "")
        self._context.log("sqs", operation, caller.owner if caller else None, resource, error=code)
        common = {"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": str(uuid4())}
        return Answer(status, body, common | headers)

    def _acts(self) -> Mapping[str, Callable[[Caller, Params], Params]]:
        return {
            "CreateQueue": self._create,
            "DeleteQueue": self._delete_queue,
            "GetQueueUrl": self._url,
            "SendMessage": self._send,
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "ChangeMessageVisibility": self._hide,
        }

    def _refuse(self, caller: Caller, operation: str) -> None:
        """Raise the ServiceError of a fault that names this operation."""
        armed = self._context.faults.armed()
        if any(operation in fault.operations for _, fault, _ in armed) and (
            struck := self._context.faults.strike(frozenset(ANSWERS), operation)
        ):
            raise answer(struck[0].kind, caller.arn, operation, "")

    def _create(self, caller: Caller, params: Params) -> Params:
        name, given = params["QueueName"], params.get("Attributes", {})
        if not _NAME.fullmatch(name):
            raise ServiceError(
                "InvalidParameterValue",
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
            )
        hidden = _number(given.get("VisibilityTimeout", queues.VISIBILITY_SECONDS), "VisibilityTimeout")
        kept = _number(
            given.get("MessageRetentionPeriod", queues.RETENTION_SECONDS), "MessageRetentionPeriod"
        )
        queues.create(self._context.store, caller.owner, name, hidden, kept)
        return self._url(caller, params)

    def _delete_queue(self, caller: Caller, params: Params) -> Params:
        queues.delete(self._context.store, self._queue(caller, params))
        return {}

    def _url(self, caller: Caller, params: Params) -> Params:
        owner = params.get("QueueOwnerAWSAccountId") or caller.account, caller.region
        queue = queues.find(self._context.store, owner, params["QueueName"])
        if queue is None:
            raise _no_queue()
        return {"QueueUrl": f"https://sqs.{queue.region}.amazonaws.com/{queue.account}/{queue.name}"}

    def _send(self, caller: Caller, params: Params) -> Params:
        queue, body, now = self._queue(caller, params), params["MessageBody"], self._context.clock.now()
        if len(body.encode()) > _MAX_BYTES:
            raise ServiceError("InvalidParameterValue", f"The message exceeds {_MAX_BYTES} bytes.")
        name = queues.send(self._context.store, queue, body, now, now + params.get("DelaySeconds", 0))
        return {"MD5OfMessageBody": queues.digest_of(body), "MessageId": name}

    def _receive(self, caller: Caller, params: Params) -> Params:
        """Return messages as soon as there are any, or none after WaitTimeSeconds."""
        most = _within(_MAX_MESSAGES, params, "MaxNumberOfMessages", 1)
        wait = _within(_WAIT_SECONDS, params, "WaitTimeSeconds", 0)
        hidden = params.get("VisibilityTimeout")
        if hidden is not None:
            _within(_HIDDEN_SECONDS, params, "VisibilityTimeout", 0)
        for _ in range(1 + round(wait / _POLL_SECONDS)):
            queue = self._queue(caller, params)
            seconds = queue.visibility if hidden is None else hidden
            if found := queues.receive(self._context.store, queue, most, seconds, self._context.clock.now()):
                return {"Messages": [_message(one, caller) for one in found]}
            if not wait or self._closing.wait(_POLL_SECONDS):
                break
        return {}

    def _delete(self, caller: Caller, params: Params) -> Params:
        queues.remove(self._context.store, self._queue(caller, params), params["ReceiptHandle"])
        return {}

    def _hide(self, caller: Caller, params: Params) -> Params:
        queue = self._queue(caller, params)
        seconds = _within(_HIDDEN_SECONDS, params, "VisibilityTimeout", 0)
        until = self._context.clock.now() + seconds
        if not queues.hide(self._context.store, queue, params["ReceiptHandle"], until):
            raise ServiceError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
        return {}

    def _queue(self, caller: Caller, params: Params) -> Queue:
        """Return the queue of a URL, whatever its host."""
        account, _, name = params["QueueUrl"].rpartition("/")
        owner = account.rpartition("/")[2], caller.region
        queue = queues.find(self._context.store, owner, name)
        if queue is None:
            raise _no_queue()
        return queue


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("sqs", "service-2"))


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as exc:
        raise ServiceError("InvalidRequest", "The body is not JSON.") from exc


def _number(given: Any, name: str) -> float:
    try:
        return float(given)
    except ValueError as exc:
        raise ServiceError("InvalidAttributeValue", f"Invalid value for the parameter {name}.") from exc


def _within(allowed: range, params: Params, name: str, default: int) -> int:
    value: int = params.get(name, default)
    if value not in allowed:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value {value} for parameter {name} is invalid. Reason: Must be >= {allowed[0]} and <="
            f" {allowed[-1]}, if provided.",
        )
    return value


def _message(one: queues.Received, caller: Caller) -> Params:
    attributes = {
        "ApproximateReceiveCount": str(one.receives),
        "SentTimestamp": str(int(one.sent * 1000)),
        "ApproximateFirstReceiveTimestamp": str(int(one.first * 1000)),
        "SenderId": caller.account,
    }
    return {
        "MessageId": one.name,
        "ReceiptHandle": one.receipt,
        "MD5OfBody": one.digest,
        "Body": one.body,
        "Attributes": attributes,
    }


def _no_queue() -> ServiceError:
    return ServiceError("QueueDoesNotExist", "The specified queue does not exist.")
