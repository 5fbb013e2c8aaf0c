"""
Usable lines with warnings, which are counted without building each warning.

A file may have one in each of its lines, and people are shown the first hundred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.validation.codes import Code
from reconciler.core.validation.problem import Origin, Problem, Severity

_CODES: Final = {str(code): code for code in Code}


class WarnedLines(NamedTuple):
    """
    Those of one file.

    Attributes:
        file: The number of the file, as in `Place`.
        numbers, source_refs: Of each line.
        outcomes: Of each line, the place of its problems in `distinct`.
        distinct: The different problems of lines, those of other lines among them.
    """

    file: int
    numbers: Sequence[int]
    source_refs: Sequence[str]
    outcomes: Sequence[int]
    distinct: Sequence[tuple[Problem, ...]]


class Warnings:
    """
    The warnings of one file, ordered by place.

    Args:
        file: Its name.
        lines: Its lines.
        line_number: Returns the number of a line in the file that people edit.
    """

    def __init__(self, file: str, lines: WarnedLines, line_number: Callable[[int], int]) -> None:
        self.file = file
        self._refs, self._outcomes = lines.source_refs, lines.outcomes
        self._numbers = list(map(line_number, lines.numbers))
        self._distinct = [tuple(dict.fromkeys(problems)) for problems in lines.distinct]
        self._rows: Sequence[int] = range(len(self._numbers))
        # An alias of YAML stands before the image that it is used for.
        if self._numbers != sorted(self._numbers):
            self._rows = sorted(self._rows, key=self._numbers.__getitem__)

    def __iter__(self) -> Iterator[Problem]:
        return chain.from_iterable(map(self._built, self._rows))

    def _built(self, row: int) -> Iterator[Problem]:
        origin, ref = Origin(self.file, self._numbers[row]), self._refs[row]
        return (problem.at(origin, ref) for problem in self._distinct[self._outcomes[row]])

    @cached_property
    def counts(self) -> Counter[tuple[Severity, str]]:
        """Return how many there are of each severity and code."""
        found: Counter[tuple[Severity, str]] = Counter()
        for outcome, lines in Counter(self._outcomes).items():
            for problem in self._distinct[outcome]:
                found[problem.severity, problem.code] += lines
        return found

    def first(self, count: int) -> Iterator[Problem]:
        """Yield the warnings of as many lines as asked for of each code, the first by place."""
        wanted: set[int] = set()
        for _, code in self.counts:
            having = {at for at, found in enumerate(self._distinct) if any(one.code == code for one in found)}
            wanted.update(islice((row for row in self._rows if self._outcomes[row] in having), count))
        return chain.from_iterable(map(self._built, wanted))


class StoredWarnings(Struct, array_like=True, frozen=True):
    """
    Usable lines with warnings, as they are stored.

    Attributes:
        lines: Of each file its number, and of each of its lines the number, the source-ref, and the number of its
            outcome.
        outcomes: The different problems.
    """

    lines: list[tuple[int, list[int], list[str], list[int]]]
    outcomes: list[tuple[Problem, ...]]


def restored(problem: Problem) -> Problem:
    """Return a problem as it was before it was stored: with a member of `Code` in place of its text."""
    return replace(problem, code=_CODES.get(problem.code, problem.code))


def stored_warnings(warned: Iterable[WarnedLines]) -> StoredWarnings:
    number_of: dict[tuple[Problem, ...], int] = {}
    lines: list[tuple[int, list[int], list[str], list[int]]] = []
    for file, numbers, refs, outcomes, distinct in warned:
        renumbered = {at: number_of.setdefault(distinct[at], len(number_of)) for at in set(outcomes)}
        lines.append((file, [*numbers], [*refs], [*map(renumbered.__getitem__, outcomes)]))
    return StoredWarnings(lines, list(number_of))


def restored_warnings(stored: StoredWarnings) -> list[WarnedLines]:
    """Return the lines that `stored_warnings` was given."""
    distinct = [tuple(map(restored, problems)) for problems in stored.outcomes]
    return [WarnedLines(*part, distinct) for part in stored.lines]
