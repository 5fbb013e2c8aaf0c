"""
Validate submitted lines as the service does: drop some silently, keep others with errors.

Sources: developer guide, "Terminal errors" and "Non-terminal errors" of datasets, "Non-terminal JSON line
validation errors", "Fixing training errors" (which checks come first), and the two manifest formats.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO, Final

import orjson

from reconciler.emulator.behaviour.attributes import examine
from reconciler.emulator.behaviour.switches import (
    BareLine,
    Duplicates,
    ManyLabels,
    Rewriting,
    Switches,
    UnknownKeys,
)

SOURCE_REF: Final = "source-ref"
MAX_LINE_CHARS: Final = 100_000
MAX_LABELS: Final = 50  # of an image (limits page)
METADATA: Final = "-metadata"

_S3_URI: Final = re.compile(r"s3://[0-9A-Za-z.\-_]{1,255}/.+", re.DOTALL)
_ERROR_LISTS: Final = ("cl-errors", "cl-warnings")


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One line as the service stores it.

    Attributes:
        line: The JSON text that listings return, including `cl-metadata` and `cl-errors`.
        labels: Name -> whether it is on a box. Labels of invalid attributes are omitted.
        codes: Codes of all errors in the line.
    """

    source_ref: str
    line: str
    labeled: bool
    labels: dict[str, bool]
    codes: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """
    Counts of the lines of a submission, updated while they are judged.

    Attributes:
        total: Lines submitted, including blank lines.
        kept: Lines that become entries; the others are dropped silently.
        buckets: Buckets of the images that were kept.
    """

    total: int = 0
    kept: int = 0
    buckets: set[str] = field(default_factory=set)

    @property
    def dropped(self) -> int:
        return self.total - self.kept


def judge(
    payload: BinaryIO, switches: Switches, tally: Tally, *, drop: Callable[[str], bool] = lambda _: False
) -> Iterator[Entry]:
    """Yield the entries for the lines of *payload*, one per image. *drop* selects source-refs to drop."""
    keeps = _keeper(payload, switches)
    for number, raw in enumerate(split(payload)):
        tally.total += 1
        entry = judge_line(raw, switches)
        if entry is None or drop(entry.source_ref) or not keeps(number, entry.source_ref):
            continue
        tally.kept += 1
        tally.buckets.add(bucket_of(entry.source_ref))
        yield entry


def _keeper(payload: BinaryIO, switches: Switches) -> Callable[[int, str], bool]:
    """Return a predicate of line number and source-ref: whether to keep this line for its image."""
    if switches.duplicates is Duplicates.FIRST:
        first: dict[str, int] = {}
        return lambda number, ref: first.setdefault(ref, number) == number
    refs = [_source_ref(_parse(raw)) for raw in split(payload)]
    payload.seek(0)
    if switches.duplicates is Duplicates.LAST:
        last = {ref: number for number, ref in enumerate(refs)}
        return lambda number, ref: last[ref] == number
    times = Counter(refs)
    return lambda _, ref: times[ref] == 1


def bucket_of(source_ref: str) -> str:
    return source_ref.removeprefix("s3://").partition("/")[0]


def split(payload: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines without LF or CRLF, including blank lines, but not the end after the last LF."""
    return (raw.removesuffix(b"\n").removesuffix(b"\r") for raw in payload)


def source_refs(blob: bytes) -> list[str]:
    """Return the valid source-refs in *blob*, in order, including repeated ones."""
    return [ref for raw in split(BytesIO(blob)) if (ref := _source_ref(_parse(raw))) is not None]


def judge_line(raw: bytes, switches: Switches) -> Entry | None:
    """Return the entry that *raw* becomes; None if it is dropped."""
    try:
        return _judged(raw, switches)
    except (orjson.JSONEncodeError, RecursionError):  # nested too deeply to be serialized again
        return None


def _judged(raw: bytes, switches: Switches) -> Entry | None:
    fields = _parse(raw)
    ref = _source_ref(fields)
    if fields is None or ref is None:
        return None
    if switches.rewriting is Rewriting.FLOATS:
        # A service that lists 1 as 1.0 must read 1.0 as 1.
        fields = {key: _numbers(value, _as_written) for key, value in fields.items()}
    _forget_service_keys(fields)
    names = [key for key in fields if key + METADATA in fields and key != SOURCE_REF]
    _forget_unknown_keys(fields, names, switches)
    errors, labels, codes = _errors_and_labels(fields, names, switches)
    if len(labels) > MAX_LABELS and switches.many_labels is ManyLabels.DROP:
        return None
    labeled = bool(names)
    fields["cl-metadata"] = {"is_labeled": labeled}
    if errors:
        fields["cl-errors"] = errors
        codes += [error["code"] for error in errors]
    return Entry(ref, render(fields, switches), labeled, labels, tuple(codes))


def render(fields: dict[str, Any], switches: Switches) -> str:
    """Serialize a line as listings return it: compact, with keys in the client's order by default."""
    if switches.rewriting is Rewriting.SORTED_KEYS:
        own = dict(sorted((k, v) for k, v in fields.items() if not k.startswith("cl-")))
        last = {key: value for key, value in fields.items() if key.startswith("cl-")}
        fields = {**own, **last}
    elif switches.rewriting is Rewriting.FLOATS:
        fields = {key: _numbers(value, float) for key, value in fields.items()}
    return orjson.dumps(fields).decode()


def _parse(raw: bytes) -> dict[str, Any] | None:
    if len(raw) > MAX_LINE_CHARS and len(raw.decode(errors="replace")) > MAX_LINE_CHARS:
        return None
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


def _source_ref(fields: dict[str, Any] | None) -> str | None:
    ref = fields.get(SOURCE_REF) if fields is not None else None
    return ref if isinstance(ref, str) and _S3_URI.fullmatch(ref) else None


def _forget_service_keys(fields: dict[str, Any]) -> None:
    """Remove the keys that the service adds in listings."""
    fields.pop("cl-metadata", None)
    for holder in error_holders(fields):
        for key in _ERROR_LISTS:
            holder.pop(key, None)


def error_holders(fields: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield the objects of a line that may have a list of errors."""
    yield fields
    for value in fields.values():
        if isinstance(value, dict):
            yield value
            boxes = value.get("annotations")
            if isinstance(boxes, list):
                yield from (box for box in boxes if isinstance(box, dict))


def _forget_unknown_keys(fields: dict[str, Any], names: list[str], switches: Switches) -> None:
    if switches.unknown_keys is UnknownKeys.KEPT or not names:
        return
    known = {SOURCE_REF, *names, *(name + METADATA for name in names)}
    for key in fields.keys() - known:
        del fields[key]


def _errors_and_labels(
    fields: dict[str, Any], names: list[str], switches: Switches
) -> tuple[list[dict[str, str]], dict[str, bool], list[str]]:
    """Return the errors of the line itself, its valid labels, and the codes of errors in nested objects."""
    if not names:
        bare = len(fields) == 1 and switches.bare_line is BareLine.UNLABELED
        found = [] if bare else [error("ERROR_NO_LABEL_ATTRIBUTES", "No label attributes found.")]
        return found, {}, []
    top: list[dict[str, str]] = []
    codes: list[str] = []
    labels: dict[str, bool] = {}
    findings = examine(fields, names, switches)
    for finding in findings.errors:
        if finding.holder is None:
            top.append(error(finding.code, finding.message))
        else:
            finding.holder.setdefault("cl-errors", []).append(error(finding.code, finding.message))
            codes.append(finding.code)
    for label, on_box in findings.labels:
        labels[label] = labels.get(label, False) or on_box
    if not findings.usable and not findings.structural:
        top.append(error("ERROR_NO_VALID_LABEL_ATTRIBUTES", "No valid label attributes found."))
    return top, labels, codes


def error(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}


def _numbers(value: Any, change: Callable[[float], float]) -> Any:
    """Return *value* with *change* applied to all its numbers."""
    match value:
        case bool():
            return value
        case int() | float():
            return change(value)
        case dict():
            return {key: _numbers(inner, change) for key, inner in value.items()}
        case list():
            return [_numbers(inner, change) for inner in value]
        case _:
            return value


def _as_written(number: float) -> float:
    """Return a whole float as an integer; other numbers unchanged."""
    whole = abs(number) < 2.0**53 and number == int(number)
    return int(number) if whole else number
