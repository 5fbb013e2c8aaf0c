"""
The JSON Line of one image: its identity, canonical form and digest.

Only this module defines identity and equality of entries. Identity is the ``source-ref``, code point by code
point: no trimming, case folding, decoding or normalising. Equality compares canonical forms, which ignore key
order, white space, ``1`` against ``1.0``, and keys that the service adds to a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson
from msgspec.json import format as without_spaces

from reconciler.errors import SpecError

Fields = dict[str, Any]
"""The JSON object of one line, as its author wrote it."""

SOURCE_REF: Final = "source-ref"

# The suffix of the key of an attribute's metadata, and the two attribute types that training uses.
METADATA: Final = "-metadata"
CLASSIFICATION: Final = "groundtruth/image-classification"
DETECTION: Final = "groundtruth/object-detection"

# The service appends this key to every listed line (API reference, ListDatasetEntries).
SERVICE_OBJECT: Final = "cl-metadata"

# Lists of {"code", "message"} that the service writes at the top level, into attributes, annotations and
# attribute metadata ("Non-terminal JSON line validation errors"). Training writes the short names.
ERROR_LISTS: Final = frozenset({"cl-errors", "errors", "cl-warnings", "warnings"})

# The integers that orjson preserves: signed and unsigned 64-bit ones.
_LEAST: Final = -(2**63)
_BEYOND: Final = 2**64

# How orjson serializes a whole number written as a float: 1.0, or 1e+16 and above. Searching for the hints
# first costs a tenth of the regular expression.
_WHOLE_FLOAT: Final = re.compile(rb"(?:\.0|e\+?[0-9]+)[,\]}]")
_HINTS: Final = (b".0,", b".0}", b".0]", b"e+1", b"e1")


class BadLine(SpecError):
    """
    A line that cannot be read as one JSON object.

    Attributes:
        column: Where the error starts, from 1; None if it has no position.
    """

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


def decode(raw: bytes) -> Fields:
    """
    Parse one line strictly. Takes about 6 µs for lines as programs write them, else 25 µs.

    Raises:
        BadLine: Not UTF-8, not JSON, not an object, nested too deeply, a repeated key, NaN or Infinity, or
            a number that does not fit into 64 bits.
    """
    fields = decode_exactly(raw)
    return decode_strictly(raw) if fields is None else fields


def decode_exactly(raw: bytes) -> Fields | None:
    """
    Parse a line that is rewritten to the same text, spaces aside; return None for any other.

    The same text proves that no key is repeated, as of repeated ones only the last is parsed, and that no number
    lost a digit.
    """
    try:
        fields = orjson.loads(raw)
        text = orjson.dumps(fields)
        if text != raw and text != without_spaces(raw, indent=-1):
            return None
    except (ValueError, TypeError, RecursionError):  # a TypeError is one of orjson, of a nest too deep
        return None
    return fields if isinstance(fields, dict) else None


def decode_strictly(raw: bytes) -> Fields:
    """Parse one line as `decode` does, without its shortcut."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as exc:
        raise BadLine(f"byte 0x{raw[exc.start]:02x} is not UTF-8", exc.start + 1) from exc
    if text.startswith("\ufeff"):
        raise BadLine("the line starts with a byte order mark (U+FEFF)", 1)
    try:
        fields = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_int64)
        again = orjson.loads(raw)  # refuses lone surrogates and numbers beyond the float range
    except json.JSONDecodeError as exc:
        raise BadLine(f"not valid JSON: {exc.msg}", exc.colno) from exc
    except RecursionError as exc:
        raise BadLine("not valid JSON: nested too deeply") from exc
    if not isinstance(fields, dict):
        raise BadLine("not a JSON object")
    canonical(again)  # refuses nesting too deep to compare
    return fields


def canonical(fields: Mapping[str, Any]) -> bytes:
    """
    Return the canonical text by which entries are compared: compact, keys sorted, service keys left out.

    Raises:
        BadLine: Nested more than about 250 levels deep.
    """
    return _canonical(fields)[1]


def comparable(fields: Mapping[str, Any]) -> Fields:
    """Return the fields that `canonical` writes; errors likewise. Values may be shared with *fields*."""
    return _canonical(fields)[0]


def _canonical(fields: Mapping[str, Any]) -> tuple[Fields, bytes]:
    own = without_service_keys(fields)
    try:
        text = orjson.dumps(own, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:
        raise BadLine("nested too deeply") from exc
    if any(map(text.__contains__, _HINTS)) and _WHOLE_FLOAT.search(text):
        own = with_integers(own)
        text = orjson.dumps(own, option=orjson.OPT_SORT_KEYS)
    return own, text


def are_same(desired: tuple[bytes, Fields], observed: tuple[bytes, Fields]) -> bool:
    """
    Return whether two lines, each given as text and parsed, have equal canonical texts.

    Python's ``==`` gives the same answer except that ``True == 1``, so only lines with booleans of their own
    are serialized canonically. That saves two thirds of the cost when the service reorders every line.

    Raises:
        BadLine: As `canonical`.
    """
    own, other = _own(*desired), _own(*observed)
    if own != other:
        return False
    labeled = observed[1].get(SERVICE_OBJECT)
    of_service = isinstance(labeled, dict) and len(labeled) == 1 and type(labeled.get("is_labeled")) is bool
    if _booleans(desired[0]) == 0 and _booleans(observed[0]) == of_service:
        return True
    return canonical(own) == canonical(other)


def _own(raw: bytes, fields: Fields) -> Fields:
    """Do the same as `without_service_keys`, at a tenth of its cost if the text holds no error list."""
    if names_lists(raw) or b"\\u" in raw:  # a key may be written with escapes
        return without_service_keys(fields)
    if SERVICE_OBJECT not in fields:
        return fields
    return {key: value for key, value in fields.items() if key != SERVICE_OBJECT}


def names_lists(raw: bytes) -> bool:
    """Return whether a text holds the name of an error list, written without escapes."""
    return b'errors"' in raw or b'warnings"' in raw


def _booleans(raw: bytes) -> int:
    """Return an upper bound on the booleans in a text; it also counts matches inside strings."""
    return raw.count(b"true") + raw.count(b"false")


def digest(text: bytes) -> bytes:
    """Return the 16-byte BLAKE2b digest of a canonical text."""
    return blake2b(text, digest_size=16).digest()


def without_service_keys(fields: Mapping[str, Any]) -> Fields:
    """Return the line without the keys that the service added. Values are shared with *fields*."""
    return {
        key: _without_error_lists(value) if type(value) is dict else value
        for key, value in fields.items()
        if not (key == SERVICE_OBJECT or (key in ERROR_LISTS and is_error_list(key, value)))
    }


def error_codes(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the distinct codes of all error lists (not warnings) that the service wrote into the line."""
    found = dict.fromkeys(
        item["code"]
        for holder in _holders(fields)
        for key in ("cl-errors", "errors")
        if is_error_list(key, holder.get(key))
        for item in holder[key]
    )
    return tuple(found)


def is_labeled(fields: Mapping[str, Any]) -> bool:
    """Return whether the service counts a listed entry as labeled."""
    of_service = fields.get(SERVICE_OBJECT)
    return isinstance(of_service, dict) and of_service.get("is_labeled") is True


def bucket_and_key(address: str) -> tuple[str, str]:
    """Return the two parts of ``s3://bucket/key``; either may be empty if the address is none."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def sorted_line(fields: Fields) -> bytes:
    """
    Return the text of a line as exports write it.

    Keys are sorted except for ``source-ref``, which comes first; whole numbers are integers; what the
    service wrote into the line by itself is left out.
    """
    fields = orjson.loads(canonical(fields))
    return orjson.dumps({SOURCE_REF: fields.pop(SOURCE_REF), **fields})


def is_error_list(key: str, value: object) -> bool:
    """
    Return whether *value* under *key* is an error list of the service.

    A user's attribute may also be called "errors", so the shape of the items decides. An empty list counts
    only under a ``cl-`` name.
    """
    return (
        key in ERROR_LISTS
        and isinstance(value, list)
        and (bool(value) or key.startswith("cl-"))
        and all(isinstance(item, dict) and isinstance(item.get("code"), str) for item in value)
    )


def _holders(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the objects that may hold an error list."""
    holders = [fields]
    for value in fields.values():
        if isinstance(value, dict):
            holders.append(value)
            holders += [box for box in _list(value.get("annotations")) if isinstance(box, dict)]
    return holders


def _without_error_lists(value: Fields) -> Fields:
    """Remove error lists from an attribute, its metadata or its boxes; nearly always there are none."""
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


def with_integers(value: Any) -> Any:
    """Convert whole floats within the 64-bit range to integers, at any depth."""
    match value:
        case float() if value.is_integer() and _LEAST <= value < _BEYOND:
            return int(value)
        case dict():
            return {key: with_integers(inner) for key, inner in value.items()}
        case list() | tuple():
            return [with_integers(inner) for inner in value]
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
