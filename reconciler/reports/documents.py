"""
JSON documents: the one encoding, the parts that several documents share, and their types.

The same input gives the same bytes. A document is a view: its long lists are made element by element while they
are written, and written one element a line, so that a plan of 250,000 changes costs no memory and two plans can
be compared line by line.

The types of a document stand beside its rendering as JSON, and the JSON Schemas are made from them; tests hold
what is written to both. In every document, ``errors`` beside ``datasets`` is why the command failed as a whole;
absent if it did not. Documents are versioned by ``format``. Within one version keys may be added, never removed or
changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NotRequired, TypeVar, cast, overload

import orjson
from typing_extensions import TypedDict  # pydantic reads the standard one only from Python 3.12

from reconciler.core.entries.equality import FieldChange
from reconciler.core.moments import moment
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.validation.problem import Origin, Problem, Severity

if TYPE_CHECKING:
    from reconciler.core.planning.calls import Calls, Observed
    from reconciler.core.planning.plan import PlanError

D = TypeVar("D")
S = TypeVar("S")
T = TypeVar("T", covariant=True)

# What each document holds besides; all but that of validate have `datasets` and `errors`.
_REST: Final[Mapping[str, Mapping[str, Any]]] = {
    "plan": {"digest": "", "revision": None},
    "apply": {},
    "drift": {},
    "diff": {"before": None, "after": None, "problems": []},
    "status": {},
    "explain": {"source_ref": ""},
    "propose": {"revision": None, "root": "", "patch": "", "branch": None, "problems": []},
    "doctor": {"checks": []},
    "export": {"arn": None, "entries": 0, "left_out": [], "files": []},
    "snapshots": {"dataset": None, "snapshots": []},
    "validate": {"datasets": 0, "entries": 0},
    "check-images": {"revision": None},
    "stats": {"revision": None, "balances": []},
    "control": {},
}


class ErrorDoc(TypedDict):
    """What could not be used or seen. ``origin`` is ``file:line``, where there is one."""

    code: str
    message: str
    origin: NotRequired[str]


class FieldDoc(TypedDict):
    """One field that differs, by JSON Pointer; null where there is nothing on that side."""

    path: str
    before: object
    after: object


class EventsDoc(TypedDict):
    """Whether the queue of ``run --events`` can be read; ``reason`` and ``message`` are null if it can."""

    queue: str
    listening: bool
    reason: str | None
    message: str | None
    read_at: str | None


class CallsDoc(TypedDict):
    """
    Calls of AWS by operation: those made, and those that applying a plan and proving it will take at least.

    ``forecast_seconds`` is at 5 calls a second, without the time of the updates themselves.
    """

    made: Mapping[str, int]
    forecast: Mapping[str, int]
    forecast_seconds: int


class ProblemDoc(TypedDict):
    """
    One thing that is wrong, or suspicious.

    ``code`` is AWS's own where AWS has one, else RKD and four digits.
    """

    severity: Severity
    code: str
    message: str
    file: str | None
    line: int | None
    column: int | None
    source_ref: str | None


class QuarantinedDoc(TypedDict):
    """An entry that is not sent for now: why, how often that has happened, since and until when."""

    source_ref: str
    kind: QuarantineReason
    reason: str
    rounds: int
    since: str
    until: str


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
    """Yield one document and a line end, in small pieces. What `Rows` hold is never in memory together."""
    yield from _pieces(document)
    yield b"\n"


def error_doc(error: PlanError) -> ErrorDoc:
    """Return an error; without a place, it has no ``origin``."""
    if error.origin is None:
        return {"code": error.code, "message": error.message}
    return {"code": error.code, "message": error.message, "origin": place_text(error.origin)}


def problem_doc(problem: Problem) -> ProblemDoc:
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


def field_doc(field: FieldChange) -> FieldDoc:
    return {"path": field.path, "before": field.before, "after": field.after}


def quarantined_doc(quarantined: Quarantined) -> QuarantinedDoc:
    since, until = moment(quarantined.since), moment(quarantined.until)
    return doc_of(QuarantinedDoc, quarantined, since=since, until=until)


def doc_of(kind: type[D], source: object, **given: object) -> D:
    """
    Return a document of a type: each field as it is given, else from the attribute of *source* with its name.

    A place is named to the line, and a tuple is a list. Not for types with fields that may be absent.
    """
    names = kind.__annotations__
    return cast("D", {name: given[name] if name in given else _plain(source, name) for name in names})


def _plain(source: object, name: str) -> object:
    value = getattr(source, name)
    if isinstance(value, Origin):
        return place_text(value)
    return list(value) if type(value) is tuple else value


def place_text(origin: Origin) -> str:
    """Return a place as documents name it, to the line."""
    return f"{origin.file}:{origin.line}"


def write_failed(kind: str, error: PlanError, stream: BinaryIO, source_ref: str | None = None) -> None:
    """
    Write the document of a command that failed as a whole: its own format, no dataset, and the error.

    Args:
        kind: Of the document, as its format has it.
        source_ref: The image that was asked about.
    """
    document: dict[str, Any] = {"format": f"{kind}/v1", **_REST[kind]}
    if source_ref is not None:
        document["source_ref"] = source_ref
    if kind == "plan":
        from reconciler.core.planning.plan import Plan

        document["digest"] = Plan(()).digest
    if kind == "validate":
        document["problems"] = [problem_doc(Problem(Severity.ERROR, error.code, error.message, error.origin))]
    else:
        document |= {"datasets": [], "errors": [error_doc(error)]}
    stream.writelines(encode(document))


def _pieces(content: object) -> Iterator[bytes]:
    """Yield a value's text in pieces, each small."""
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
    """Escape what UTF-8 cannot hold: a file name that is not text has surrogates in it (PEP 383)."""
    match content:
        case str():
            return content.encode(errors="backslashreplace").decode()
        case dict():
            return {key: _encodable(inner) for key, inner in content.items()}
        case list():
            return [_encodable(inner) for inner in content]
        case _:
            return content


def calls_doc(calls: Calls) -> CallsDoc:
    return {
        "made": dict(sorted(calls.made.items())),
        "forecast": dict(sorted(calls.forecast.items())),
        "forecast_seconds": calls.forecast_seconds,
    }


def listed_at(observed: Observed | None) -> str | None:
    """Return when the listing was made that an observation relies on; None if it was one itself."""
    from reconciler.core.planning.calls import ObservationKind

    if observed is None or observed.kind is ObservationKind.FULL:
        return None
    return moment(observed.scanned_at)
