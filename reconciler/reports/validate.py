"""The problems of a spec tree as JSON: validate/v1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from typing_extensions import TypedDict

from reconciler.core.validation.problem import Problem
from reconciler.reports.documents import ProblemDoc, Rows, encode, problem_doc

if TYPE_CHECKING:
    from reconciler.reports.registry import Options


class ValidateDoc(TypedDict):
    """
    What is wrong with a spec tree; ``datasets`` and ``entries`` say how much was checked.

    ``skipped`` counts YAML files and documents that belong to other programs.
    """

    format: Literal["validate/v1"]
    datasets: int
    entries: int
    skipped: int
    problems: Sequence[ProblemDoc]


DOCUMENT: Final = ValidateDoc


@dataclass(frozen=True, slots=True)
class Validation:
    """
    What was found in a spec tree.

    Attributes:
        datasets, entries: How much was read.
        skipped: YAML files and documents that belong to other programs.
    """

    datasets: int
    entries: int
    problems: tuple[Problem, ...]
    skipped: int = 0

    @property
    def ordered(self) -> Sequence[Problem]:
        """Give the problems by place; those without one come first."""
        return sorted(self.problems, key=by_place)


def render(result: Validation, _options: Options) -> Iterator[bytes]:
    """Give validate/v1."""
    document: ValidateDoc = {
        "format": "validate/v1",
        "datasets": result.datasets,
        "entries": result.entries,
        "skipped": result.skipped,
        "problems": Rows(result.ordered, problem_doc),
    }
    return encode(document)


def by_place(problem: Problem) -> tuple[str | int, ...]:
    file, row, column = problem.origin or ("", 0, None)
    return file, row, column or 0, problem.code, problem.source_ref or "", problem.message
