r"""
Check parameters against the constraints of the service model, in the words of the service.

The words are those of Coral, the framework of AWS services of this age. Rekognition itself answers
``1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]' at 'image.bytes' failed to
satisfy constraint: Member must have length greater than or equal to 1`` to an image of no bytes
(aws/aws-sdk-js-v3 issue 2310); the forms of lists, maps and missing members are those of other services.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

_NUMBERS: Final = ("integer", "long", "float", "double")
_NULL: Final = "Member must not be null"
_TOKEN: Final = re.compile(r"\\p\{(\w)\}|\\.|[\[\].]", re.DOTALL)
# Unicode assigns no letters, numbers or separators beyond.
_CHARACTERS: Final = 0x40000
_JAVA_DOT: Final = r"[^\n\r\x85\u2028\u2029]"


class Violation(NamedTuple):
    """
    A constraint that a value violates.

    Attributes:
        text: Names the value, its place and the constraint.
        above_maximum: Whether it is an integer above its maximum. The API reference states the exception of
            these alone: ``ValidationException``, for page sizes.
    """

    text: str
    above_maximum: bool = False


class _Rule(NamedTuple):
    text: str
    holds: Callable[[Any], bool]
    above_maximum: bool = False


def violations(shape: Any, value: Any, place: str = "") -> Iterator[Violation]:
    """Yield the violations within *value*, decoded parameters of *shape*, in the order of the model."""
    if value is None:
        yield Violation(_sentence(shape, None, place, _NULL))
        return
    for rule in reversed(_rules(shape)):
        if not rule.holds(value):
            yield Violation(_sentence(shape, value, place, rule.text), rule.above_maximum)
    match shape.type_name:
        case "structure":
            yield from _of_members(shape, value, place)
        case "list" if shape.member.type_name == "structure":
            for number, item in enumerate(value, 1):
                yield from violations(shape.member, item, f"{place}.{number}.member")
        case "list":
            yield from _of_items(shape, value, place, "Member", shape.member, value)
        case "map":
            yield from _of_items(shape, value, place, "Map keys", shape.key, value.keys())
            yield from _of_items(shape, value, place, "Map value", shape.value, value.values())


def too_long(blob: bytes, place: str, limit: int) -> Violation:
    """Return the violation of a *limit* in bytes that is lower than the one in the model."""
    return Violation(_sentence(None, blob, place, _at_most("length", limit)))


def _of_members(shape: Any, value: Any, place: str) -> Iterator[Violation]:
    for name, member in shape.members.items():
        inner = f"{place}.{name[0].lower()}{name[1:]}".removeprefix(".")
        if name in value:
            yield from violations(member, value[name], inner)
        elif name in shape.required_members:
            yield Violation(_sentence(member, None, inner, _NULL))


def _of_items(
    shape: Any, value: Any, place: str, holders: str, item_shape: Any, items: Any
) -> Iterator[Violation]:
    """Yield one violation, which states all constraints of the items, if any item violates any of them."""
    rules = _rules(item_shape)
    nulls = None in items
    if nulls or not all(rule.holds(item) for item in items for rule in rules):
        texts = [rule.text for rule in rules] + [_NULL] * nulls
        constraint = f"{holders} must satisfy constraint: [{', '.join(texts)}]"
        yield Violation(_sentence(shape, value, place, constraint))


def _rules(shape: Any) -> tuple[_Rule, ...]:
    """Return the constraints of a shape, in the order in which the service states those of list items."""
    limits, rules = shape.metadata, []
    is_number = shape.type_name in _NUMBERS
    is_integer = shape.type_name in ("integer", "long")
    word, measure = ("value", float) if is_number else ("length", len)
    if "max" in limits:
        most = _limit(shape, "max")
        rules.append(_Rule(_at_most(word, most), lambda value: measure(value) <= most, is_integer))
    if "min" in limits:
        least = _limit(shape, "min")
        text = f"Member must have {word} greater than or equal to {least}"
        rules.append(_Rule(text, lambda value: measure(value) >= least))
    if "pattern" in limits:
        pattern = limits["pattern"]
        text = f"Member must satisfy regular expression pattern: {pattern}"
        rules.append(_Rule(text, lambda value: compiled(pattern).fullmatch(value) is not None))
    if "enum" in limits:
        text = f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
        rules.append(_Rule(text, lambda value: value in limits["enum"]))
    return tuple(rules)


def _limit(shape: Any, name: str) -> Any:
    limit = shape.metadata[name]
    return float(limit) if shape.type_name in ("float", "double") else limit


def _at_most(word: str, limit: Any) -> str:
    return f"Member must have {word} less than or equal to {limit}"


def _sentence(shape: Any, value: Any, place: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{_java(shape, value)}'"
    return f"Value {shown} at '{place}' failed to satisfy constraint: {constraint}"


def _java(shape: Any, value: Any) -> str:
    """Return the text that Java gives of a value."""
    match value:
        case None:
            return "null"
        case bytes():
            return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        case list():
            return f"[{', '.join(_java(shape.member, item) for item in value)}]"
        case dict() if shape.type_name == "map":
            return f"{{{', '.join(f'{key}={item}' for key, item in value.items())}}}"
        case dict():
            members = (f"{key}={_java(shape.members[key], item)}" for key, item in value.items())
            return f"{shape.name}({', '.join(members)})"
        case _:
            return str(value)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    r"""
    Compile a Java pattern: ``\d``, ``\s`` and ``\w`` are ASCII, ``.`` is no line end, ``\p`` names categories.
    """
    translated, end, in_class = [], 0, False
    for token in _TOKEN.finditer(pattern):
        translated.append(pattern[end : token.start()])
        end = token.end()
        match token[0]:
            case "[" | "]":
                in_class = token[0] == "["
                translated.append(token[0])
            case "." if not in_class:
                translated.append(_JAVA_DOT)
            case _ if category := token[1]:
                inside = _characters(category)
                translated.append(inside if in_class else f"[{inside}]")
            case _:
                translated.append(token[0])
    return re.compile("".join([*translated, pattern[end:]]), re.ASCII)


@cache
def _characters(category: str) -> str:
    """Return the characters of a general category of Unicode, such as ``L``, as ranges of a class."""
    runs = re.finditer(f"{category}+", _categories())
    return "".join(f"\\U{run.start():08x}-\\U{run.end() - 1:08x}" for run in runs)


@cache
def _categories() -> str:
    """Return the first letter of the category of each character, which takes some 50 ms."""
    return "".join([name[0] for name in map(unicodedata.category, map(chr, range(_CHARACTERS)))])
