"""
Validate requests against botocore's service model of operations and parameters.

botocore itself checks only required members, types and minima before it sends a request. This module also
checks maxima, patterns, enumerations and blob sizes, as the service does.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache
from typing import Any, Final

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from reconciler.emulator.errors import ServiceError, invalid_parameter, serialization

TARGET_PREFIX: Final = "RekognitionService."


@cache
def service_model() -> ServiceModel:
    """Load the model of Rekognition once per process, which takes about 50 ms."""
    return ServiceModel(Loader().load_service_model("rekognition", "service-2"))


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


def read(shape: Any, value: Any) -> Any:
    """
    Validate *value*, parsed JSON, and return it as parameters of *shape*. Unknown members are omitted.

    Raises:
        ServiceError: ValidationException for integers above their maximum (documented for MaxResults),
            SerializationException for blobs that are not base64, otherwise InvalidParameterException.
    """
    match shape.type_name:
        case "structure":
            return _read_structure(shape, value)
        case "list":
            _require(isinstance(value, list))
            _check_length(shape, len(value))
            return [read(shape.member, item) for item in value]
        case "map":
            _require(isinstance(value, dict))
            _check_length(shape, len(value))
            return {read(shape.key, k): read(shape.value, v) for k, v in value.items()}
        case "string":
            return _read_string(shape, value)
        case "blob":
            return _read_blob(shape, value)
        case "boolean":
            _require(isinstance(value, bool))
            return value
        case "integer" | "long":
            return _read_integer(shape, value)
        case "float" | "double":
            _require(isinstance(value, (int, float)) and not isinstance(value, bool))
            return value
        case _:
            return value


def _read_structure(shape: Any, value: Any) -> dict[str, Any]:
    _require(isinstance(value, dict))
    given = {name: value[name] for name in shape.members if value.get(name) is not None}
    _require(all(name in given for name in shape.required_members))
    return {name: read(shape.members[name], item) for name, item in given.items()}


def _read_string(shape: Any, value: Any) -> str:
    _require(isinstance(value, str))
    text: str = value
    _check_length(shape, len(text))
    if shape.enum:
        _require(text in shape.enum)
    if pattern := shape.metadata.get("pattern"):
        _require(_compiled(pattern).fullmatch(text) is not None)
    return text


def _read_blob(shape: Any, value: Any) -> bytes:
    _require(isinstance(value, str))
    try:
        blob = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise serialization("the blob is not base64") from exc
    _check_length(shape, len(blob))
    return blob


def _read_integer(shape: Any, value: Any) -> int:
    _require(isinstance(value, int) and not isinstance(value, bool))
    number: int = value
    most = shape.metadata.get("max")
    if most is not None and number > most:
        raise ServiceError(
            "ValidationException",
            f"1 validation error detected: Value '{number}' at '{_lower_first(shape)}' failed to satisfy"
            f" constraint: Member must have value less than or equal to {most}",
        )
    _require(number >= shape.metadata.get("min", number))
    return number


def _lower_first(shape: Any) -> str:
    """Return the member name of *shape*. The only integers in emulated requests are page sizes."""
    return "maxResults" if shape.name.endswith("PageSize") else shape.name


def _check_length(shape: Any, length: int) -> None:
    limits = shape.metadata
    _require(limits.get("min", 0) <= length <= limits.get("max", length))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern; translate the one Java construct in the model that Python lacks."""
    return re.compile(pattern.replace(r"\p{L}\p{Z}\p{N}_", r"\w\s"))


def _require(holds: bool) -> None:
    if not holds:
        raise invalid_parameter()
