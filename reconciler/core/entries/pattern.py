"""Source-refs and paths as texts: globs over them, what they share, and JSON Pointers whose steps may be globs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from reconciler.core.entries.glob import SEPARATOR, Globs, Many, One, Piece

Pointer = tuple[str, ...]
"""The steps of one path, each a key, a decimal list index, or a glob (``*``, ``?``) over either."""


_WILD: Final = re.compile(r"(\*\*|\*|\?)")
_OF_REFS: Final[dict[str, Piece]] = {
    "**": Many.OF_ANY,
    "*": Many.OF_A_SEGMENT,
    "?": One((("/", "/"),), negated=True),
}
_OF_STEPS: Final[dict[str, Piece]] = {"**": Many.OF_ANY, "*": Many.OF_ANY, "?": One(negated=True)}


def glob(pattern: str) -> Globs:
    """Compile one glob over whole source-refs; see `globs`."""
    return globs((pattern,))


def globs(patterns: Iterable[str]) -> Globs:
    """
    Compile globs over whole source-refs.

    ``**`` matches any text, ``*`` any text without ``/``, ``?`` one character other than ``/``; everything
    else matches itself.
    """
    return Globs(_pieces(pattern, _OF_REFS) for pattern in patterns)


def literal_prefix(pattern: str) -> str:
    """Return the literal prefix of every source-ref that the glob matches."""
    return _WILD.split(pattern, maxsplit=1)[0]


def shared_directory(keys: Sequence[str]) -> str:
    """Return the longest directory that all these sorted keys or addresses share, with its slash; may be empty."""
    if not keys:
        return ""
    first, last = keys[0], keys[-1]
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: first.rfind("/", 0, same) + 1]


def _pieces(pattern: str, wild: dict[str, Piece]) -> list[Piece]:
    return [wild.get(part, part) for part in _WILD.split(pattern) if part]


def pointer(path: str) -> Pointer:
    """
    Split a JSON Pointer (RFC 6901) into its steps.

    Raises:
        ValueError: The path does not start with a slash, or is only a slash.
    """
    if not path.startswith("/") or path == "/":
        raise ValueError(f"{path!r} is not a JSON Pointer: it must look like /key or /key/inner")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))


def text_of(steps: Iterable[object]) -> str:
    """Return steps as a JSON Pointer."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def places(value: Any, steps: Pointer) -> Iterator[Pointer]:
    """Yield the exact pointer of every place in *value* that *steps* match."""
    if not steps:
        yield ()
        return
    head, rest = steps[0], steps[1:]
    matches = _step(head).match
    for step, inner in _children(value):
        if matches(step):
            yield from ((step, *found) for found in places(inner, rest))


def nearest(steps: Pointer, values: Iterable[Any]) -> Pointer:
    """
    Return the existing path most similar to *steps*, which lead to no place in *values*.

    It is shorter than *steps* where nothing is similar, and empty where already the first step resembles none.
    """
    from difflib import get_close_matches  # only a hint needs it

    found: list[str] = []
    for step in steps:
        children = [child for value in values for child in _children(value)]
        inside = [inner for key, inner in children if _step(step).match(key)]
        if not inside:
            names = sorted({key for key, _ in children})
            step = next(iter(get_close_matches(step.strip("*"), names, 1, 0.5)), "")  # noqa: PLW2901
            inside = [inner for key, inner in children if key == step]
        if not inside:
            break
        found.append(step)
        values = inside
    return tuple(found)


@lru_cache(maxsize=10_000)
def _step(head: str) -> Globs:
    """Compile one step as a glob. A slash is an ordinary character: the pointer has been split already."""
    return Globs([_pieces(head, _OF_STEPS)])


def without(value: Any, gone: frozenset[Pointer]) -> Any:
    """Return *value* without the places in *gone*."""
    if not gone:
        return value
    here = {steps[0] for steps in gone if len(steps) == 1}
    below = {
        step: frozenset(steps[1:] for steps in gone if len(steps) > 1 and steps[0] == step)
        for step, _ in _children(value)
    }
    kept = [(step, without(v, below[step])) for step, v in _children(value) if step not in here]
    return dict(kept) if isinstance(value, dict) else [inner for _, inner in kept]


def carry(steps: Pointer, source: Any, target: Any) -> Any:
    """
    Return *target* with the value that *source* has at *steps*.

    *target* is returned unchanged if it lacks the parent, has one of another kind, or a list too short.
    """
    head, rest = steps[0], steps[1:]
    match source, target:
        case list(), list() if (index := int(head)) < len(target):
            inner = carry(rest, source[index], target[index]) if rest else source[index]
            return [*target[:index], inner, *target[index + 1 :]]
        case dict(), dict() if head in target or not rest:
            return {**target, head: carry(rest, source[head], target[head]) if rest else source[head]}
        case _:
            return target


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            yield from value.items()
        case list():
            yield from ((str(index), inner) for index, inner in enumerate(value))


_RANGE: Final = re.compile(r"(.)-(.)|(.)", re.DOTALL)
_PATH_PIECE: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[(?P<negated>!?)(?P<chars>\]?[^\]/]*)\]|(?s:.)")
_OF_PATHS: Final[dict[str, Piece]] = {
    "**/": Many.SEGMENTS,
    "**": Many.OF_ANY,
    "*": Many.OF_A_SEGMENT,
    "?": One(((SEPARATOR, SEPARATOR),), negated=True),
}


def is_pattern(text: str) -> bool:
    """Return whether *text* contains a wildcard."""
    return any(mark in text for mark in "*?[")


@lru_cache(maxsize=1_000)
def path_glob(text: str) -> Globs:
    """
    Return a glob over paths.

    ``**/`` matches any number of whole segments, including none; ``**`` matches anything; ``*`` and ``?``
    match within a segment; ``[abc]``, ``[a-z]`` and ``[!a]`` match one character of it. An unclosed ``[``
    matches itself.
    """
    return Globs([[_piece(found) for found in _PATH_PIECE.finditer(text)]])


def _piece(found: re.Match[str]) -> Piece:
    if chars := found["chars"]:
        return _one_of(chars, negated=bool(found["negated"]))
    return _OF_PATHS.get(found[0], found[0])


def _one_of(chars: str, *, negated: bool) -> One:
    """Return a character class, which never matches the separator. A reversed range matches nothing."""
    ranges = tuple(
        (single, single) if single else (low, high)
        for low, high, single in (found.group(1, 2, 3) for found in _RANGE.finditer(chars))
    )
    if negated:
        return One((*ranges, (SEPARATOR, SEPARATOR)), negated=True)
    return One(tuple(part for low, high in ranges for part in _but_separator(low, high)))


def _but_separator(low: str, high: str) -> tuple[tuple[str, str], ...]:
    if not low <= SEPARATOR <= high:
        return ((low, high),)
    return (low, chr(ord(SEPARATOR) - 1)), (chr(ord(SEPARATOR) + 1), high)
