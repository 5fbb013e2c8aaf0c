"""Translation of pydantic's validation errors into messages for the author of a spec file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from reconciler.core.validation import codes

Path = tuple[str | int, ...]
"""The path to a value in a document: keys and indexes."""


class ModelError(NamedTuple):
    """
    One error in a document.

    Attributes:
        path: The value concerned. If it does not exist, its nearest existing parent gives the position.
        at_key: Whether the key is wrong rather than the value.
    """

    path: Path
    code: str
    message: str
    at_key: bool = False


# pydantic's error type -> the expected type, as messages name it.
_EXPECTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_SCALARS: Final = {"a number", "a whole number", "true or false"}
_PLAIN: Final = re.compile(r"true|false|-?[0-9]+(\.[0-9]+)?")


def model_errors_of(error: ValidationError, model: type[BaseModel]) -> tuple[ModelError, ...]:
    """Translate all validation errors of a document of *model*."""
    details = error.errors(include_url=False)
    strayed = {
        (*place, path[-1])
        for detail in details
        if detail["type"] == "extra_forbidden"
        for path in (_path_of(detail),)
        if (place := _place_of(str(path[-1]), path[:-1], model)) is not None
    }
    # A field in a wrong place is missing in its own, and may leave its parent empty: that is reported once.
    reported = strayed | {place[:-1] for place in strayed}
    return tuple(
        _model_error(detail, model)
        for detail in details
        if not ((detail["type"] == "missing" or detail["input"] is None) and _path_of(detail) in reported)
    )


def _path_of(detail: ErrorDetails) -> Path:
    return tuple(step for step in detail["loc"] if step != "[key]")


def _place_of(field: str, path: Path, model: type[BaseModel]) -> Path | None:
    """
    Return the path of the mapping that a field belongs into, if that is one level below or further up.

    Args:
        path: The mapping that it stands in, and in which it is unknown.
    """
    for name, info in _named(_model_at(model, path)):
        if any(field == inner for child in _models_in(info.annotation) for inner, _ in _named(child)):
            return (*path, name)
    for length in range(len(path) - 1, -1, -1):
        if field in _fields_at(model, path[:length]):
            return path[:length]
    return None


def dotted(path: Path) -> str:
    """Format a path as ``spec.entries[0].file``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".")


def nearest(word: str, known: Sequence[str]) -> str:
    """Return a hint for an unknown word: the nearest known one, or all known ones."""
    from difflib import get_close_matches  # only a hint needs it

    by_fold = {name.casefold(): name for name in known}
    for close in get_close_matches(word.casefold(), by_fold):
        return f"did you mean {by_fold[close]}?"
    return f"known here: {', '.join(known)}"


def _model_error(detail: ErrorDetails, model: type[BaseModel]) -> ModelError:
    path = _path_of(detail)
    name, kind, value = dotted(path), detail["type"], detail["input"]
    match kind:
        case "extra_forbidden":
            place = _place_of(str(path[-1]), path[:-1], model)
            if place is not None:
                where = f"below {dotted(place)}" if place else "at the start of a line"
                hint = f"it belongs {where}: correct its indentation"
            else:
                hint = nearest(str(path[-1])[:100], _fields_at(model, path[:-1]))
            return ModelError(path, codes.UNKNOWN_FIELD, f"unknown field {name}; {hint}", at_key=True)
        case "missing":
            return ModelError(path, codes.MISSING_FIELD, f"{name} is missing")
        case _ if value is None:
            message = f"{name} is empty; give it a value or leave the key out"
            return ModelError(path, codes.WRONG_TYPE, message)
        case _ if expected := _EXPECTED.get(kind):
            return ModelError(path, codes.WRONG_TYPE, _mismatch(name, expected, value))
        case "enum" | "literal_error":
            allowed = detail["ctx"]["expected"].replace("'", "")
            message = f"{name} must be {allowed}, not {_quoted(value)}"
            return ModelError(path, codes.BAD_VALUE, message)
        case codes.BAD_TARGET:
            return ModelError(path, kind, detail["msg"])
        case codes.MISSING_FIELD:
            return ModelError((*path, detail["ctx"]["field"]), kind, f"{name}.{detail['msg']}")
        case _:
            reason = detail["msg"].removeprefix("Input ") + _meant(value)
            return ModelError(path, codes.BAD_VALUE, f"{name} {reason}")


_PROJECT_ARN: Final = re.compile(r"arn:[\w-]+:rekognition:[^:]*:[^:]*:project/([^/]+)")

# Quotation marks of word processors.
_TYPOGRAPHIC: Final = re.compile("[\u201c\u201d\u201e\u2018\u2019\xab\xbb]")


def _meant(value: object) -> str:
    """Return a hint for a text that was meant as another: an ARN, or quotation marks of a word processor."""
    if isinstance(value, str) and (arn := _PROJECT_ARN.match(value)):
        return f", not its ARN: {arn[1]}"
    if isinstance(value, str) and (found := _TYPOGRAPHIC.match(value)):
        return f'; {found[0]} does not quote in YAML: write ""'
    return ""


def _mismatch(name: str, expected: str, value: object) -> str:
    message = f"{name} must be {expected}, not {_kind_of(value)}"
    if expected == "text" and isinstance(value, int | float):
        message += "; put it in quotes if it is meant as text"
    elif isinstance(value, str) and _PLAIN.fullmatch(value) and expected in _SCALARS:
        message += "; leave the quotes out"
    return message


def _kind_of(value: object) -> str:
    match value:
        case bool():
            return f"the truth value {str(value).lower()}"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {_quoted(value)}"
        case Mapping():
            return "a mapping"
        case _:
            return "a list"


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else _kind_of(value)
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the field names allowed at *path*, in the order of the model."""
    return [name for name, _ in _named(_model_at(model, path))]


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    for step in path:
        if isinstance(step, str):
            field = next(info for name, info in _named(model) if name == step)
            model = next(_models_in(field.annotation))
    return model


def _named(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        yield info.alias or name, info


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
