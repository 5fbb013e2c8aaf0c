"""Answers of AWS that are none: what a proxy sends, and what is not of the shape that the API promises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from reconciler import errors
from reconciler.core.spec.choices import Arn
from reconciler.rekognition.settings import on_the_way

_INTEGERS: Final = ("integer", "long")
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
    "timestamp": (int, float, str),
}


def refuse_garbage(
    model: OperationModel, answer: Mapping[str, Any] | None, parsed: Mapping[str, Any] | None
) -> None:
    """
    Raise for an answer of status 200 that is no JSON object, such as the page of a proxy, or is of another shape.

    botocore takes the first for an answer without members: a listing would end there, and look complete. And it
    takes a text for a number, a number for a text, and the characters of a text or the keys of an object for
    a list.

    Args:
        answer: As it came.
        parsed: What botocore parsed from it; None if that failed.

    Raises:
        Unavailable: It is no JSON object.
        UnknownAnswer: It is one of another shape.
    """
    if answer is None or parsed is None or answer["status_code"] >= 300:
        return
    if (raw := _object(answer["body"], model.name)) is None:
        garbled = errors.Unavailable(f"{model.name}: the answer is not a JSON object{on_the_way()}")
        garbled.garbled = True
        raise garbled
    if "__type" in raw:
        raise errors.UnknownAnswer(f"{model.name}: an error with the status of success: {raw['__type']!r}")
    if model.output_shape is not None and (place := _misfit(model.output_shape, raw)) is not None:
        raise errors.UnknownAnswer(f"{model.name}: {place.lstrip('.')} is not what the API promises")


def refuse_other_region(arn: str, region: str) -> None:
    """
    Raise for a project that lies in another Region than calls are signed for.

    Raises:
        OtherRegion: So it is: then no call for its datasets may be made.
    """
    if (found := Arn.parse(arn).region) != region:
        raise errors.OtherRegion(
            f"{arn} lies in Region {found}, and calls are signed for {region}: correct spec.target.region, "
            "--region or AWS_REGION, or the endpoint that AWS_ENDPOINT_URL names"
        )


def _object(body: bytes, operation: str) -> dict[str, Any] | None:
    """Return the JSON object of a body; None if it is none."""
    if not body and operation == "UpdateDatasetEntries":
        return {}  # documented: "an HTTP 200 response with an empty HTTP body"
    try:
        found = orjson.loads(body)
    except ValueError:  # half characters and numbers of any size, which only the slower parser reads
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


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
            children = [  # null stands for a member that is missing
                (f".{key}", known[key], child)
                for key, child in value.items()
                if key in known and child is not None
            ]
        case ListShape() if isinstance(value, list):
            children = [(f".{number}", shape.member, child) for number, child in enumerate(value)]
        case MapShape() if isinstance(value, dict):
            children = [(f".{key}", shape.value, child) for key, child in value.items()]
    for name, inner, child in children:
        if (place := _misfit(inner, child)) is not None:
            return name + place
    return None
