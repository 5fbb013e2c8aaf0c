"""Answers of AWS that are none: what a proxy sends, and what is not of the shape that the API promises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from reconciler import errors
from reconciler.rekognition.settings import on_the_way

_INTEGERS: Final = ("integer", "long")
# botocore makes a time of whatever number it gets; its text and blob members are taken as they are.
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "boolean": bool,
    "double": (int, float),
    "float": (int, float),
    "integer": int,
    "list": list,
    "long": int,
    "map": dict,
    "string": str,
    "structure": dict,
    "timestamp": datetime,
}


def refuse_garbage(
    model: OperationModel, answer: Mapping[str, Any] | None, parsed: Mapping[str, Any] | None
) -> None:
    """
    Raise for an answer of status 200 that is no JSON object, such as the page of a proxy, or is of another shape.

    botocore takes the first for an answer without members: a listing would end there, and look complete. And it
    takes a text for a number, and a number for a text.

    Args:
        answer: As it came.
        parsed: What botocore made of it.

    Raises:
        Unavailable: It is no JSON object.
        UnknownAnswer: It is one of another shape.
    """
    if answer is None or parsed is None or answer["status_code"] >= 300:
        return
    if parsed.keys() == {"ResponseMetadata"} and not _is_object(answer["body"], model.name):
        garbled = errors.Unavailable(f"{model.name}: the answer is not a JSON object{on_the_way()}")
        garbled.garbled = True
        raise garbled
    if model.output_shape is not None and (place := _misfit(model.output_shape, parsed)) is not None:
        raise errors.UnknownAnswer(f"{model.name}: {place.lstrip('.')} is not what the API promises")


def _is_object(body: bytes, operation: str) -> bool:
    if not body and operation == "UpdateDatasetEntries":
        return True  # documented: "an HTTP 200 response with an empty HTTP body"
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def _misfit(shape: Shape, value: object) -> str | None:
    """Return the place of the first value that is of another type than the model says; None if all fit."""
    expected = _TYPES.get(shape.type_name, object)
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        return ""
    if isinstance(value, int) and shape.type_name in _INTEGERS and not 0 <= value < 1 << 63:
        return ""  # counts and sizes, all of them
    children: list[tuple[str, Shape, object]] = []
    match shape:
        case StructureShape() if isinstance(value, dict):
            known = shape.members
            children = [(f".{key}", known[key], child) for key, child in value.items() if key in known]
        case ListShape() if isinstance(value, list):
            children = [(f".{number}", shape.member, child) for number, child in enumerate(value)]
        case MapShape() if isinstance(value, dict):
            children = [(f".{key}", shape.value, child) for key, child in value.items()]
    for name, inner, child in children:
        if (place := _misfit(inner, child)) is not None:
            return name + place
    return None
