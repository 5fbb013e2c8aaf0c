"""
Read requests by botocore's service model of operations and parameters.

botocore itself checks only required members, types and minima before it sends a request. The emulator also
checks maxima, patterns, enumerations and blob sizes, as the service does.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from reconciler.emulator.api.constraints import Violation, violations
from reconciler.emulator.behaviour.switches import InvalidRequest
from reconciler.emulator.http import ServiceError, invalid_parameter, serialization, validation

TARGET_PREFIX: Final = "RekognitionService."

_NO_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]")

# The names of the types in messages of the service.
_JAVA_NAMES: Final = {
    "string": "an String",
    "blob": "a Blob",
    "boolean": "an Boolean",
    "integer": "an Integer",
    "long": "an Long",
    "float": "an Float",
    "double": "an Double",
}
_INTEGERS: Final = (("Short", 16), ("Integer", 32), ("Long", 64))
_EXPECTED: Final = {
    "structure": "Expected null",
    "list": "Expected list or null",
    "map": "Expected map or null",
}


@cache
def service_model() -> ServiceModel:
    """Load the model of Rekognition once per process, which takes about 50 ms."""
    return ServiceModel(Loader().load_service_model("rekognition", "service-2"))


@cache
def modelled_errors() -> frozenset[str]:
    """Return the names of the errors in the model of the service."""
    return frozenset(shape.name for shape in service_model().error_shapes)


def operation_model(target: str) -> OperationModel:
    """
    Return the operation in the header `X-Amz-Target`.

    Raises:
        ServiceError: UnknownOperationException.
    """
    prefix, _, name = target.partition(".")
    if f"{prefix}." != TARGET_PREFIX or name not in service_model().operation_names:
        raise ServiceError("UnknownOperationException", "")
    return service_model().operation_model(name)


def read(shape: Any, value: Any, answer: InvalidRequest) -> Any:
    """
    Validate *value*, parsed JSON, and return it as parameters of *shape*. Unknown members are omitted.

    Raises:
        ServiceError: A value has the wrong type, or violates a constraint of the model; *answer* selects the
            exception.
    """
    try:
        params = _decode(shape, value)
    except ServiceError as exc:
        raise exc if answer is InvalidRequest.VALIDATION else invalid_parameter() from exc
    refuse(violations(shape, params), answer)
    return params


def refuse(found: Iterable[Violation], answer: InvalidRequest) -> None:
    """
    Raise the error that states these violations, if there are any.

    Raises:
        ServiceError: ValidationException; InvalidParameterException if *answer* says so, except for page
            sizes above their maximum.
    """
    problems = list(found)
    if not problems:
        return
    if answer is InvalidRequest.VALIDATION or all(problem.above_maximum for problem in problems):
        raise validation([problem.text for problem in problems])
    raise invalid_parameter()


def _decode(shape: Any, value: Any) -> Any:
    """
    Convert parsed JSON to the types of *shape*.

    Raises:
        ServiceError: SerializationException.
    """
    kind = shape.type_name
    match value:
        case None:
            return None
        case dict() if kind == "structure":
            given = [name for name in shape.members if value.get(name) is not None]
            return {name: _decode(shape.members[name], value[name]) for name in given}
        case dict() if kind == "map":
            return {key: _decode(shape.value, item) for key, item in value.items()}
        case list() if kind == "list":
            return [_decode(shape.member, item) for item in value]
        case str() if kind == "string":
            return value
        case str() if kind == "blob":
            return _decode_blob(value)
        case bool() if kind == "boolean":
            return value
        case int() | float() if kind in ("integer", "long") and not isinstance(value, bool):
            return int(value)
        case int() | float() if kind in ("float", "double") and not isinstance(value, bool):
            return float(value)
        case _:
            raise serialization(mismatch(kind, value))


def mismatch(kind: str, value: Any) -> str:
    """
    Return the service's message for a JSON value of another type than *kind*.

    Rekognition itself says ``class java.lang.String can not be converted to an Float``
    (aws/aws-sdk-php issue 1863); the other forms are those of DynamoDB (architect/dynalite).
    """
    match value:
        case dict():
            return "Start of structure or map found where not expected."
        case list():
            return "Start of list found where not expected"
        case _ if kind in _EXPECTED:
            return _EXPECTED[kind]
        case _:
            return f"class java.lang.{_java_class(value)} can not be converted to {_JAVA_NAMES[kind]}"


def _java_class(value: Any) -> str:
    match value:
        case bool():
            return "Boolean"
        case int():
            fitting = (name for name, bits in _INTEGERS if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1))
            return next(fitting, "Double")
        case float():
            return "Double"
        case _:
            return "String"


def _decode_blob(text: str) -> bytes:
    if len(text) % 4:
        raise serialization(
            f"'{text}' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes"
            f" but found: {len(text)}"
        )
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        wrong = _NO_BASE64.search(text.rstrip("="))
        character = wrong[0] if wrong else "="
        raise serialization(
            f"'{text}' can not be converted to a Blob: Invalid Base64 character: '{character}'"
        ) from exc
