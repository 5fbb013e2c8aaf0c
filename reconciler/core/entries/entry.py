"""
One image's JSON Line: its identity, its canonical form, its digest.

Whether two entries are the same is decided here and nowhere else. Identity is the ``source-ref``, code point
by code point: no trimming, folding, decoding or normalising. Equality is that of the canonical form, which
ignores key order, white space, ``1`` against ``1.0``, and what the service writes into a line by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson

from reconciler.errors import SpecError

Fields = dict[str, Any]
"""The content of one line: whatever JSON its author wrote."""

SOURCE_REF: Final = "source-ref"

# What the name of an attribute's metadata ends with, and the two types of attribute that training uses.
METADATA: Final = "-metadata"
CLASSIFICATION: Final = "groundtruth/image-classification"
DETECTION: Final = "groundtruth/object-detection"

# Appended to every listed line by the service (API reference, ListDatasetEntries).
_SERVICE_OBJECT: Final = "cl-metadata"

# Lists of {"code", "message"} that the service writes at the top, into an attribute, into an annotation and
# into an attribute's metadata ("Non-terminal JSON line validation errors"). Training writes the short names.
ERROR_LISTS: Final = frozenset({"cl-errors", "errors", "cl-warnings", "warnings"})

# The integers that orjson keeps: those of 64 bits, with a sign or without.
_LEAST: Final = -(2**63)
_BEYOND: Final = 2**64

# What orjson makes of a whole number that was written as a float: 1.0, or 1e+16 and above. Where none of
# these is in a text, the search for such a number, ten times their cost, is spared.
_WHOLE_FLOAT: Final = re.compile(rb"(?:\.0|e\+?[0-9]+)[,\]}]")
_HINTS: Final = (b".0,", b".0}", b".0]", b"e+1", b"e1")


class BadLine(SpecError):
    """
    A line that cannot be read as one JSON object.

    Attributes:
        column: From 1, where the trouble starts; None if it has no place.
    """

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


def decode(raw: bytes) -> Fields:
    """
    Read one line strictly. Slow (some 25 µs a line): the hot paths ask `core.validation` first.

    Raises:
        BadLine: Not UTF-8, not JSON, not an object, a repeated key, NaN or Infinity, or a number that
            would not survive a round trip through 64 bits.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as exc:
        raise BadLine(f"byte 0x{raw[exc.start]:02x} is not UTF-8", exc.start + 1) from exc
    if text.startswith("\ufeff"):
        raise BadLine("the line starts with a byte order mark (U+FEFF)", 1)
    try:
        fields = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_int64)
        again = orjson.loads(raw)  # refuses lone surrogates and numbers beyond all floats
    except json.JSONDecodeError as exc:
        raise BadLine(f"not valid JSON: {exc.msg}", exc.colno) from exc
    except RecursionError as exc:
        raise BadLine("not valid JSON: nested too deeply") from exc
    if not isinstance(fields, dict):
        raise BadLine("not a JSON object")
    canonical(again)  # refuses what is nested too deeply to be compared
    return fields


def canonical(fields: Mapping[str, Any]) -> bytes:
    """
    Return the one text by which entries are compared: keys sorted, compact, service keys left out.

    Raises:
        BadLine: Nested more than some 250 levels deep.
    """
    own = without_service_keys(fields)
    try:
        text = orjson.dumps(own, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:
        raise BadLine("nested too deeply") from exc
    if any(map(text.__contains__, _HINTS)) and _WHOLE_FLOAT.search(text):
        text = orjson.dumps(_plain(own), option=orjson.OPT_SORT_KEYS)
    return text


def are_same(desired: tuple[bytes, Fields], observed: tuple[bytes, Fields]) -> bool:
    """
    Tell whether two lines, each given as text and parsed, are one entry: whether their canonical texts are equal.

    What Python calls equal is that, but for ``True``, which equals 1: only lines that hold a boolean of their
    own are written out canonically. That spares two thirds of the cost where a service reorders every line.

    Raises:
        BadLine: As `canonical`.
    """
    own, other = _own(*desired), _own(*observed)
    if own != other:
        return False
    labeled = observed[1].get(_SERVICE_OBJECT)
    of_service = isinstance(labeled, dict) and len(labeled) == 1 and type(labeled.get("is_labeled")) is bool
    if _booleans(desired[0]) == 0 and _booleans(observed[0]) == of_service:
        return True
    return canonical(own) == canonical(other)


def _own(raw: bytes, fields: Fields) -> Fields:
    """Do what `without_service_keys` does, at a tenth of its cost where the text shows that no list is in it."""
    if names_lists(raw) or b"\\u" in raw:  # a key may be written with escapes
        return without_service_keys(fields)
    if _SERVICE_OBJECT not in fields:
        return fields
    return {key: value for key, value in fields.items() if key != _SERVICE_OBJECT}


def names_lists(raw: bytes) -> bool:
    """Tell whether the name of a list of the service is in a text as it stands: without escapes."""
    return b'errors"' in raw or b'warnings"' in raw


def _booleans(raw: bytes) -> int:
    """Return how many booleans a text may hold; those inside of strings are counted, too."""
    return raw.count(b"true") + raw.count(b"false")


def digest(text: bytes) -> bytes:
    """Return the 16 bytes that stand for a canonical text."""
    return blake2b(text, digest_size=16).digest()


def without_service_keys(fields: Mapping[str, Any]) -> Fields:
    """Leave out what the service wrote into the line. The rest is shared with *fields*, not copied."""
    return {
        key: _without_error_lists(value) if type(value) is dict else value
        for key, value in fields.items()
        if not (key == _SERVICE_OBJECT or (key in ERROR_LISTS and is_error_list(key, value)))
    }


def error_codes(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the codes of all error lists (not warnings) that the service wrote into the line, each once."""
    found = dict.fromkeys(
        item["code"]
        for holder in _holders(fields)
        for key in ("cl-errors", "errors")
        if is_error_list(key, holder.get(key))
        for item in holder[key]
    )
    return tuple(found)


def blank(source_ref: str) -> bytes:
    """
    Return the line of an image without labels, which training ignores.

    Nothing can delete an entry; this is the nearest that an update comes to it. It is its own canonical text.
    """
    return orjson.dumps({SOURCE_REF: source_ref})


def is_error_list(key: str, value: object) -> bool:
    """
    Tell whether *value* under *key* is the service's own.

    An attribute of the user may well be called "errors": only the list's shape makes it the service's. An empty
    list has none, and is the service's under a name of its own alone.
    """
    return (
        key in ERROR_LISTS
        and isinstance(value, list)
        and (bool(value) or key.startswith("cl-"))
        and all(isinstance(item, dict) and isinstance(item.get("code"), str) for item in value)
    )


def _holders(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the objects in which the service may have put an error list."""
    holders = [fields]
    for value in fields.values():
        if isinstance(value, dict):
            holders.append(value)
            holders += [box for box in _list(value.get("annotations")) if isinstance(box, dict)]
    return holders


def _without_error_lists(value: Fields) -> Fields:
    """Leave out error lists of an attribute, its metadata or its boxes; nearly always there is none."""
    boxes = [box for box in _list(value.get("annotations")) if type(box) is dict]
    if all(map(ERROR_LISTS.isdisjoint, (value, *boxes))):
        return value
    kept = {key: inner for key, inner in value.items() if not is_error_list(key, inner)}
    if isinstance(kept.get("annotations"), list):
        kept["annotations"] = [
            {k: v for k, v in box.items() if not is_error_list(k, v)} if isinstance(box, dict) else box
            for box in kept["annotations"]
        ]
    return kept


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(value: Any) -> Any:
    """Turn whole floats into integers, at any depth, as far as integers go."""
    match value:
        case float() if value.is_integer() and _LEAST <= value < _BEYOND:
            return int(value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _:
            return value


def _unique(pairs: list[tuple[str, Any]]) -> Fields:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise BadLine(f"the key {repeated!r} is repeated")
    return fields


def _no_constant(name: str) -> float:
    raise BadLine(f"{name} is not JSON")


def _int64(digits: str) -> int:
    number = int(digits) if len(digits) < 25 else 2**64
    if not _LEAST <= number < _BEYOND:
        raise BadLine(f"the number {digits[:25]} does not fit into 64 bits")
    return number
