"""Remember what was found in a dataset, and in what, so that its files need not be read again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from msgspec import Struct

from reconciler.core.validation.codes import Code
from reconciler.core.validation.dataset import FactParts
from reconciler.core.validation.problem import Problem
from reconciler.core.validation.unmatched import Unmatched

_CODES: Final = {str(code): code for code in Code}


class WarnedLines(NamedTuple):
    """
    Usable lines with warnings, which were read together.

    Attributes:
        file: The number of their file, as in `Place`.
        numbers, source_refs, problems: Of each line.
    """

    file: int
    numbers: Sequence[int]
    source_refs: Sequence[str]
    problems: Sequence[tuple[Problem, ...]]


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
    for part in warned:
        if not lines or lines[-1][0] != part.file:
            lines.append((part.file, [], [], []))
        _, numbers, refs, outcomes = lines[-1]
        numbers += part.numbers
        refs += part.source_refs
        outcomes += [number_of.setdefault(problems, len(number_of)) for problems in part.problems]
    return StoredWarnings(lines, list(number_of))


def restored_warnings(stored: StoredWarnings) -> list[WarnedLines]:
    """
    Return the lines that `stored_warnings` was given.

    Raises:
        LookupError: They do not hold together.
    """
    found = [tuple(map(restored, problems)) for problems in stored.outcomes]
    return [
        WarnedLines(file, numbers, refs, [found[outcome] for outcome in outcomes])
        for file, numbers, refs, outcomes in stored.lines
    ]


class JudgedDataset(Struct, array_like=True, frozen=True):
    """
    What was found in all entries of one dataset, so that its files need not be read while they are the same.

    Attributes:
        key: The digest of what it was found in.
        entries: Number of usable entries.
        usable: False if something is wrong with the dataset as a whole.
        facts: What dataset rules know of it, as `DatasetFacts.parts` gives it.
        noted: What is wrong, but for warnings of usable lines.
        warned: Those, as `StoredWarnings` in msgpack: only `validate` asks for them.
        unmatched: The globs that match no entry.
        apart: The keys of datasets that desire none of its images.
    """

    key: bytes
    entries: int
    usable: bool
    facts: FactParts
    noted: tuple[Problem, ...]
    warned: bytes
    unmatched: tuple[Unmatched, ...]
    apart: tuple[bytes, ...] = ()
