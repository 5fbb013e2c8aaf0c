"""
The one encoding of JSON documents: the same bytes for the same input. Their types are in each folder's `shape`.

A document is a view: its long lists are made element by element while they are written, and written one
element a line, so that a plan of 250,000 changes costs no memory and two plans can be compared line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import orjson

from reconciler.core.entries.explain import FieldChange
from reconciler.core.planning.plan import PlanError
from reconciler.core.planning.quarantine import Quarantined
from reconciler.core.validation.problem import Origin, Problem
from reconciler.reports.visible import moment

if TYPE_CHECKING:
    from reconciler.reports import shapes

S = TypeVar("S")
T = TypeVar("T", covariant=True)


class Rows(Sequence[T]):
    """A list whose elements are made on access."""

    def __init__(self, items: Sequence[S], make: Callable[[S], T]) -> None:
        self._items: Sequence[Any] = items
        self._make: Callable[[Any], T] = make

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Rows[T]: ...
    def __getitem__(self, index: int | slice) -> T | Rows[T]:
        if isinstance(index, slice):
            return Rows(self._items[index], self._make)
        return self._make(self._items[index])


def encode(document: Mapping[str, object]) -> Iterator[bytes]:
    """Give one document and a line end, in small pieces. What `Rows` hold is never in memory together."""
    yield from _pieces(document)
    yield b"\n"


def error_doc(error: PlanError) -> shapes.ErrorDoc:
    """Return an error; without a place, it has no ``origin``."""
    if error.origin is None:
        return {"code": error.code, "message": error.message}
    return {"code": error.code, "message": error.message, "origin": place_text(error.origin)}


def problem_doc(problem: Problem) -> shapes.ProblemDoc:
    file, line, column = problem.origin or (None, None, None)
    return {
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "file": file,
        "line": line,
        "column": column,
        "source_ref": problem.source_ref,
    }


def field_doc(field: FieldChange) -> shapes.FieldDoc:
    return {"path": field.path, "before": field.before, "after": field.after}


def quarantined_doc(quarantined: Quarantined) -> shapes.QuarantinedDoc:
    return {
        "kind": quarantined.kind,
        "reason": quarantined.reason,
        "rounds": quarantined.rounds,
        "since": moment(quarantined.since),
        "until": moment(quarantined.until),
    }


def place_text(origin: Origin) -> str:
    """Return a place as documents name it, to the line."""
    return f"{origin.file}:{origin.line}"


def _pieces(content: object) -> Iterator[bytes]:
    """Give a value's text in pieces, each small."""
    if isinstance(content, Rows):
        yield b"["
        for number, element in enumerate(content):
            yield b",\n" if number else b"\n"
            yield from _pieces(element)
        yield b"\n]" if content else b"]"
    elif isinstance(content, dict) and any(isinstance(inner, Rows) for inner in content.values()):
        yield b"{"
        for number, (key, inner) in enumerate(content.items()):
            yield (b"," if number else b"") + _encoded(key) + b":"
            yield from _pieces(inner)
        yield b"}"
    else:
        yield _encoded(content)


def _encoded(content: object) -> bytes:
    try:
        return orjson.dumps(content)
    except TypeError:
        return orjson.dumps(_encodable(content))


def _encodable(content: object) -> object:
    """Escape what UTF-8 cannot hold: a file name that is no text has surrogates in it (PEP 383)."""
    match content:
        case str():
            return content.encode(errors="backslashreplace").decode()
        case dict():
            return {key: _encodable(inner) for key, inner in content.items()}
        case list():
            return [_encodable(inner) for inner in content]
        case _:
            return content
