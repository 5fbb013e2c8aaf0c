"""Read JSON exports record by record, each with its origin, which `json` does not report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from reconciler.convert.record import BadFile
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin

_SPACE: Final = re.compile(r"[ \t\r\n]*")


class Record(NamedTuple):
    """
    One member of the outermost object. A list is yielded first as an empty list, then element by element.

    Attributes:
        number: The index of an element in the list or object *key*; None for other members.
    """

    key: str
    number: int | None
    value: Any
    origin: Origin


def records(text: str, name: str, *, inside: str = "") -> Iterator[Record]:
    """
    Yield the members of one JSON object. Numbers with a fraction or exponent are strings, as written.

    Args:
        inside: The member whose object is yielded as lists are: first empty, then value by value.

    Raises:
        BadFile: It is not a JSON object. Members before the error have been yielded.
    """
    with _faults(name):
        yield from _Walk(text, name).members(inside)


def document(text: str, name: str) -> Any:
    """
    Return the one value of a JSON file. Numbers with a fraction or exponent are strings, as written.

    Raises:
        BadFile: It is not JSON.
    """
    with _faults(name):
        return json.loads(text, parse_float=str)


def elements(text: str, name: str) -> Iterator[Record]:
    """
    Yield the elements of an array, or consecutive values, with commas or without.

    Raises:
        BadFile: It is not JSON. Elements before the error have been yielded.
    """
    for number, (raw, origin) in enumerate(objects(text, name)):
        yield Record("", number, document(raw, name), origin)


def mapping_of(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one in place of any other value."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> Sequence[Any]:
    """Return a list; an empty one in place of any other value."""
    return value if isinstance(value, list) else ()


def objects(text: str, name: str) -> Iterator[tuple[str, Origin]]:
    """
    Yield the text of each element of an array, or of consecutive values, with commas or without.

    Raises:
        BadFile: It is not JSON. Values before the error have been yielded.
    """
    with _faults(name):
        yield from _Walk(text, name).elements()


@contextmanager
def _faults(name: str) -> Iterator[None]:
    try:
        yield
    except json.JSONDecodeError as exc:
        message = f"not the JSON that is expected: {exc.msg}"
        raise BadFile(codes.OTHER_FORMAT, message, Origin(name, exc.lineno, exc.colno)) from exc
    except (RecursionError, ValueError) as exc:  # an integer of more than 4,300 digits
        message = "not valid JSON: nested too deeply, or a number without end"
        raise BadFile(codes.OTHER_FORMAT, message, Origin(name, 1)) from exc


def moment(text: str) -> str | None:
    """
    Return a date and time as Ground Truth writes it; None if *text* is not one.

    A time with a zone is converted to UTC, as the developer guide requires; one without is unchanged.
    """
    try:
        found = datetime.fromisoformat(text.strip().replace("/", "-"))
        if found.tzinfo is None:
            return found.isoformat()
        return found.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    except (ValueError, OverflowError):
        return None


class _Walk:
    """A forward-only position in a text, with its line and column."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._at = 0
        self._decoder = json.JSONDecoder(parse_float=str)
        self._counted = 0
        self._line = 1
        self._line_start = 0

    def members(self, inside: str) -> Iterator[Record]:
        if not self._try("{"):
            raise self._fault("the file must hold one object, in braces")
        for key in self._keys():
            self._skip()
            origin = self._origin()
            if self._try("["):
                yield Record(key, None, [], origin)
                yield from self._elements(key)
            elif key == inside and self._try("{"):
                yield Record(key, None, {}, origin)
                for number, _ in enumerate(self._keys()):
                    yield Record(key, number, *self._value())
            else:
                yield Record(key, None, *self._value())
        self._end()

    def _keys(self) -> Iterator[str]:
        """Yield the keys of an object after its brace; the caller moves past each value."""
        if self._try("}"):
            return
        while True:
            key, _ = self._value()
            if not isinstance(key, str):
                raise self._fault("a key must be text")
            self._take(":")
            yield key
            if self._try("}"):
                return
            self._take(",")

    def elements(self) -> Iterator[tuple[str, Origin]]:
        if self._try("["):
            while not self._try("]"):
                yield self._element()
                if not self._text.startswith("]", self._at):
                    self._take(",")
            return self._end()
        while self._at < len(self._text):
            yield self._element()
            self._try(",")
            self._skip()

    def _element(self) -> tuple[str, Origin]:
        self._skip()
        start = self._at
        _, origin = self._value()
        text = self._text[start : self._at]
        self._skip()
        return text, origin

    def _elements(self, key: str) -> Iterator[Record]:
        index = 0
        if self._try("]"):
            return
        while True:
            yield Record(key, index, *self._value())
            index += 1
            if self._try("]"):
                return
            self._take(",")

    def _value(self) -> tuple[Any, Origin]:
        self._skip()
        origin = self._origin()
        value, self._at = self._decoder.raw_decode(self._text, self._at)
        return value, origin

    def _end(self) -> None:
        self._skip()
        if self._at != len(self._text):
            raise self._fault("there is more after the end")

    def _take(self, char: str) -> None:
        if not self._try(char):
            raise self._fault(f"expected “{char}”")

    def _try(self, char: str) -> bool:
        self._skip()
        found = self._text.startswith(char, self._at)
        self._at += found
        return found

    def _skip(self) -> None:
        if self._text[self._at : self._at + 1].isspace() and (space := _SPACE.match(self._text, self._at)):
            self._at = space.end()

    def _fault(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)

    def _origin(self) -> Origin:
        """Return the current position; lines are counted from the previous call, to scan the text once."""
        if newlines := self._text.count("\n", self._counted, self._at):
            self._line += newlines
            self._line_start = self._text.rindex("\n", self._counted, self._at) + 1
        self._counted = self._at
        return Origin(self._name, self._line, self._at - self._line_start + 1)
