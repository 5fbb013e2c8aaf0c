"""
A glob matcher for every dialect used here: linear in the text, for one pattern or thousands.

Any pull request can add a pattern to a spec, and a backtracking matcher could hang on it. This one simulates
an NFA: the active positions of all patterns are the bits of one integer, and each character moves all of them
at once. Transitions between position sets are cached, so that most characters cost one lookup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final

from msgspec import Struct, field

SEPARATOR: Final = "/"
_MEMORY_BYTES: Final = 32_000_000
_STATE_BYTES: Final = 400


class One(Struct, frozen=True):
    """
    One character of a class.

    Attributes:
        ranges: First and last character of each range; a reversed range is empty.
        negated: Whether the class holds all characters outside the ranges instead.
    """

    ranges: tuple[tuple[str, str], ...] = ()
    negated: bool = False

    def __contains__(self, character: str) -> bool:
        return self.negated != any(low <= character <= high for low, high in self.ranges)


class Many(Enum):
    """Zero or more characters."""

    OF_A_SEGMENT = "any but the separator"
    OF_ANY = "any"
    SEGMENTS = "whole segments, each with its separator; never right after OF_A_SEGMENT"


Piece = str | One | Many
"""A part of a pattern; a string matches itself."""


class Globs:
    """
    A set of patterns, matched together.

    Args:
        patterns: The pieces of each pattern, in order.
    """

    def __init__(self, patterns: Iterable[Sequence[Piece]]) -> None:
        self._machines: dict[str, _Machine] = {}
        for number, pieces in enumerate(patterns):
            prefix, rest = _parted(pieces)
            self._machines.setdefault(prefix, _Machine()).add(number, rest)
        self._lengths = sorted({len(prefix) for prefix in self._machines})

    def __bool__(self) -> bool:
        return bool(self._machines)

    def which(self, text: str) -> tuple[int, ...]:
        """Return the indices of the patterns that match the whole text, in ascending order."""
        return tuple(sorted(number for found in self._found(text) for number in found))

    def match(self, text: str) -> bool:
        """Return whether any pattern matches the whole text."""
        return any(self._found(text))

    def _found(self, text: str) -> Iterator[tuple[int, ...]]:
        for length in self._lengths:
            if length > len(text):
                return
            if (machine := self._machines.get(text[:length])) is not None:
                yield machine.matching(text, length)


NO_GLOBS: Final = Globs(())


def _parted(pieces: Sequence[Piece]) -> tuple[str, Sequence[Piece]]:
    """Split a pattern into its literal prefix and the remaining pieces."""
    count = next((at for at, piece in enumerate(pieces) if not isinstance(piece, str)), len(pieces))
    return "".join(map(str, pieces[:count])), pieces[count:]


class _State:
    """A set of positions with its cached transitions, by character."""

    __slots__ = ("bits", "following", "matching", "settled")

    def __init__(self, bits: int, matching: tuple[int, ...], *, settled: bool) -> None:
        self.bits = bits
        self.matching = matching
        self.settled = settled  # every character leads back to this state
        self.following: dict[str, _State] = {}


class _Steps(Struct):
    """The positions that each character advances."""

    literal: dict[str, int] = field(default_factory=dict)
    classes: list[tuple[One, int]] = field(default_factory=list)

    def add(self, piece: str | One, position: int) -> None:
        if isinstance(piece, str):
            self.literal[piece] = self.literal.get(piece, 0) | position
        else:
            self.classes.append((piece, position))

    def of(self, character: str) -> int:
        found = self.literal.get(character, 0)
        for piece, position in self.classes:
            found |= position if character in piece else 0
        return found


class _Machine:
    """
    The NFA of all patterns that share one literal prefix.

    Each position is one bit. `SEGMENTS` takes two: the start of a segment, then a position within one.
    """

    def __init__(self) -> None:
        self._size = 0
        self._start = 0
        self._steps, self._jumps = _Steps(), _Steps()  # advancing by one position, and by two
        self._within = self._anywhere = self._segments = 0
        self._all_ends = 0
        self._ends: dict[int, int] = {}  # final position -> index of its pattern
        self._moves: dict[str, tuple[int, int, int]] = {}
        self._states: dict[int, _State] = {}
        self._known = 0

    def add(self, number: int, pieces: Sequence[Piece]) -> None:
        self._start |= 1 << self._size
        for piece in pieces:
            here = 1 << self._size
            match piece:
                case Many.OF_ANY:
                    self._anywhere |= here
                case Many.OF_A_SEGMENT:
                    self._within |= here
                case Many.SEGMENTS:
                    self._segments |= here
                case _:
                    for one in (piece,) if isinstance(piece, One) else piece:
                        self._advance(one)
        self._ends[self._size] = number
        self._all_ends |= 1 << self._size
        self._advance(None)

    def _advance(self, piece: str | One | None) -> None:
        """Allocate the next position; *piece*, if any, leads there from the current one."""
        here = 1 << self._size
        width = 2 if here & self._segments else 1
        if piece is not None:
            (self._jumps if width == 2 else self._steps).add(piece, here)
        self._size += width

    def matching(self, text: str, start: int) -> tuple[int, ...]:
        """Return the indices of the patterns that match *text* from *start* on."""
        state = self._states.get(self._start) or self._state(self._start)
        for at in range(start, len(text)):
            if state.settled:
                break
            character = text[at]
            following = state.following.get(character)
            state = self._follow(state, character) if following is None else following
        return state.matching

    def _follow(self, state: _State, character: str) -> _State:
        if self._known * (self._size // 8 + _STATE_BYTES) > _MEMORY_BYTES:
            self._states.clear()
            self._known = 0
        bits = self._moved(state.bits, character)
        following = self._states.get(bits) or self._state(bits)
        state.following[character] = following
        self._known += 1
        return following

    def _state(self, bits: int) -> _State:
        matching = []
        left = bits & self._all_ends
        while left:
            position = left.bit_length() - 1
            matching.append(self._ends[position])
            left ^= 1 << position
        settled = not bits & ~(self._anywhere & self._all_ends)
        found = self._states[bits] = _State(bits, tuple(matching), settled=settled)
        return found

    def _moved(self, bits: int, character: str) -> int:
        if (moves := self._moves.get(character)) is None:
            staying = self._anywhere | (self._segments if character == SEPARATOR else self._within)
            moves = self._steps.of(character), self._jumps.of(character), staying | self._segments << 1
            self._moves[character] = moves
        steps, jumps, staying = moves
        moved = (bits & steps) << 1 | (bits & jumps) << 2 | bits & staying | (bits & self._segments) << 1
        return moved | (bits & self._segments << 1) >> 1 if character == SEPARATOR else moved
