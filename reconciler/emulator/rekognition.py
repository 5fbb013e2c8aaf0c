"""Front end of the Rekognition service: the protocol AWS JSON 1.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

import orjson

from reconciler.emulator import cloudtrail
from reconciler.emulator.access import Caller, identify
from reconciler.emulator.api import datasets, lifecycle, projects, shapes, versions
from reconciler.emulator.api.settling import Settler, scope_of
from reconciler.emulator.behaviour.calls import READS
from reconciler.emulator.behaviour.faults import ANSWERS, Fault, Kind, answer
from reconciler.emulator.behaviour.judge import source_refs
from reconciler.emulator.control.console import Console
from reconciler.emulator.http import Answer, Disposition, Request, ServiceError, serialization
from reconciler.emulator.s3 import copies
from reconciler.emulator.storage.context import Context

Params = dict[str, Any]

CONTENT_TYPE: Final = "application/x-amz-json-1.1"

OPERATIONS: Final[Mapping[str, Callable[[Context, Caller, Params], Params]]] = MappingProxyType(
    {
        "CreateProject": projects.create_project,
        "DescribeProjects": projects.describe_projects,
        "DeleteProject": projects.delete_project,
        "CreateProjectVersion": versions.create_project_version,
        "DescribeProjectVersions": versions.describe_project_versions,
        "CopyProjectVersion": versions.copy_project_version,
        "DeleteProjectVersion": versions.delete_project_version,
        "CreateDataset": datasets.create_dataset,
        "DescribeDataset": datasets.describe_dataset,
        "UpdateDatasetEntries": datasets.update_dataset_entries,
        "DistributeDatasetEntries": datasets.distribute_dataset_entries,
        "DeleteDataset": datasets.delete_dataset,
        "ListDatasetEntries": datasets.list_dataset_entries,
        "ListDatasetLabels": datasets.list_dataset_labels,
        "TagResource": projects.tag_resource,
        "UntagResource": projects.untag_resource,
        "ListTagsForResource": projects.list_tags_for_resource,
    }
)

_TAGGING: Final = ("TagResource", "UntagResource", "ListTagsForResource")
_REFUSING: Final = frozenset(ANSWERS) - {Kind.EXPIRED_PAGE_TOKEN}


class Rekognition:
    """Answers requests, applies armed faults, and logs each call."""

    def __init__(self, context: Context, console: Console, settler: Settler) -> None:
        self._context = context
        self._console = console
        self._settler = settler

    def handle(self, request: Request, *, settled: bool = False) -> Answer:
        """
        Answer one request. Never raises, whatever a client sends.

        Args:
            settled: Nothing is due, and the caller holds the lock.
        """
        request_id = str(uuid4())
        target = request.headers.get("x-amz-target", "")
        operation = target.rpartition(".")[2]
        caller, params, code, result = None, {}, None, None
        disposition = Answer(200)
        try:
            caller = identify(self._context, request.headers, request.query)
            shape = _input_shape(request, target)
            raw = _parse(request.body)
            resource = _resource(raw)
            disposition = self._apply_faults(operation, resource)
            if disposition.disposition is Disposition.CUT and disposition.status == 0:
                code = "cut"
                return disposition
            self._refuse(caller, operation, resource, raw)
            params = shapes.read(shape, raw, self._context.settings.switches.invalid_request)
            result = self._perform(caller, operation, params, settled)
            body = orjson.dumps(result)
            self._let_console(Kind.CONSOLE_AFTER, operation, resource)
            status = 200
        except ServiceError as exc:
            code, status, body = exc.code, exc.status, _error_body(exc, request_id)
        finally:
            self._log(operation, caller, params, code)
            if caller and code != "cut" and ("rekognition", operation) not in READS:
                call = cloudtrail.called(caller, operation, request.headers, request_id, params)
                cloudtrail.record(self._context, replace(call, answer=result, error=code))
            if not settled and self._context.faults.armed():
                self._context.keep_faults()
        if disposition.body:
            status, body = disposition.status, disposition.body
        headers = {"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": request_id}
        return replace(disposition, status=status, body=body, headers=headers)

    def _perform(self, caller: Caller, operation: str, params: Params, settled: bool) -> Params:
        """Carry out an operation in one transaction, after what is due and before what it made due."""
        act, store = OPERATIONS[operation], self._context.store
        scope = scope_of(*caller.owner, params)
        left = frozenset[int]() if settled else self._settler.settle(scope)
        if ("rekognition", operation) in READS:
            with self._settler.answering(), store.snapshot():
                result = act(self._context, caller, params)
            if operation == "DescribeDataset":
                lifecycle.poll(self._context, params["DatasetArn"])
            return result
        if operation == "CreateDataset" and self._context.s3_endpoint is not None:
            self._fetch_manifest(caller, params)
        with self._settler.answering(), store.transaction():  # checks and effects are one atomic step
            result = act(self._context, caller, params)
        self._settler.settle(scope, left)  # operations of 0 seconds finish before the answer
        return result

    def _fetch_manifest(self, caller: Caller, params: Params) -> None:
        projects.find(self._context, caller, params["ProjectArn"])
        place = params.get("DatasetSource", {}).get("GroundTruthManifest", {}).get("S3Object", {})
        if "Bucket" in place and "Name" in place:
            copies.fetch(self._context, caller, place)

    def _apply_faults(self, operation: str, resource: str) -> Answer:
        """Apply the faults that precede the call; return how to treat the answer."""
        context = self._context
        if not context.faults.armed():
            return Answer(200)
        for jump in context.faults.strike([Kind.CLOCK_JUMP], operation, resource):
            context.clock.advance(jump.seconds)
        self._let_console(Kind.CONSOLE_BEFORE, operation, resource)
        wire = (Kind.LATENCY, Kind.CUT_BEFORE, Kind.CUT_AFTER, Kind.CUT_INSIDE, Kind.GARBAGE)
        disposition = Answer(200)
        for fault in context.faults.strike(wire, operation, resource):
            disposition = _worsen(disposition, fault)
        return disposition

    def _refuse(self, caller: Caller, operation: str, resource: str, raw: Params) -> None:
        """Raise the ServiceError of the rate limit or of a fault, if there is one."""
        context, settings = self._context, self._context.settings
        rate = settings.tag_calls_per_second if operation in _TAGGING else settings.calls_per_second
        with context.store.turn:
            admitted = context.throttle.admits((*caller.owner, operation), rate, context.clock.now())
        if not admitted:
            raise answer(Kind(settings.throttling), caller.arn, operation, resource)
        struck = context.faults.strike(_REFUSING, operation, resource)
        if not struck and raw.get("NextToken"):
            struck = context.faults.strike([Kind.EXPIRED_PAGE_TOKEN], operation, resource)
        if struck:
            raise answer(struck[0].kind, caller.arn, operation, resource)

    def _let_console(self, kind: Kind, operation: str, resource: str) -> None:
        for fault in self._context.faults.strike([kind], operation, resource):
            self._settler.settle([""])
            try:
                self._console.do(fault.action)
            except ValueError as exc:
                # Not an error that SDKs retry: a retry would succeed and hide the missing edit.
                raise ServiceError("ConsoleActionFailed", f"the console user could not act: {exc}") from exc

    def _log(self, operation: str, caller: Caller | None, params: Params, code: str | None) -> None:
        refs = source_refs(params.get("Changes", {}).get("GroundTruth", b""))
        owner = caller.owner if caller else None
        self._context.log("rekognition", operation, owner, _resource(params), refs, code)


def _input_shape(request: Request, target: str) -> Any:
    """
    Return the input shape of an operation.

    Raises:
        ServiceError: UnknownOperationException, before the body is checked.
    """
    if (request.method, request.path) != ("POST", "/"):
        raise ServiceError("UnknownOperationException", "")
    model = shapes.operation_model(target)
    if model.name not in OPERATIONS:
        raise ServiceError(
            "UnknownOperationException", f"{model.name} is not emulated: no dataset operation."
        )
    return model.input_shape


def _parse(body: bytes) -> Params:
    try:
        raw = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as exc:
        raise serialization("") from exc  # Firehose and DynamoDB give no message for what is not JSON
    if not isinstance(raw, dict):
        raise serialization(shapes.mismatch("structure", raw))
    return raw


def _resource(params: Params) -> str:
    named = (params.get(key) for key in ("DatasetArn", "ProjectArn", "ResourceArn"))
    return next((arn for arn in named if isinstance(arn, str)), "")


def _error_body(exc: ServiceError, request_id: str) -> bytes:
    """Return the members of an error: four if the model of the service has it, else its type and message."""
    if exc.code in shapes.modelled_errors():
        members = {"Code": exc.code, "Logref": request_id, "Message": exc.message}
    elif exc.message:
        members = {"Message" if exc.code == "SerializationException" else "message": exc.message}
    else:
        members = {}
    return orjson.dumps({"__type": exc.code, **members})


def _worsen(disposition: Answer, fault: Fault) -> Answer:
    match fault.kind:
        case Kind.LATENCY:
            return replace(disposition, delay=disposition.delay + fault.seconds)
        case Kind.CUT_BEFORE:
            return replace(disposition, disposition=Disposition.CUT, status=0)
        case Kind.CUT_AFTER:
            return replace(disposition, disposition=Disposition.CUT)
        case Kind.CUT_INSIDE:
            return replace(disposition, disposition=Disposition.CUT_INSIDE)
        case _:
            return replace(disposition, status=200, body=b"<html>this is not the service</html>")
