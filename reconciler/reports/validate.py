"""The problems of a spec tree: for people as compilers write them, for programs validate/v1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, Literal

from msgspec import Struct
from typing_extensions import TypedDict

from reconciler.core.validation.judged.warned import Warnings
from reconciler.core.validation.problem import Problem, Severity, by_place, has_error
from reconciler.reports.documents import ProblemDoc, Rows, encode, problem_doc
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import Ink, Line, Screen, Span, line, stacked
from reconciler.reports.visible import ELLIPSIS, counted

# Most problems of one file that are listed for people; a generated file may have one in each of its lines.
SHOWN: Final = 100

_INKS: Final = {Severity.ERROR: Ink.RED, Severity.WARNING: Ink.YELLOW}


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


class Validation(Struct, frozen=True):
    """
    What was found in a spec tree.

    Attributes:
        datasets, entries: How much was read.
        problems: What was found, except for the `warnings` of lines.
        skipped: YAML files and documents that belong to other programs.
    """

    datasets: int
    entries: int
    problems: tuple[Problem, ...]
    skipped: int = 0
    warnings: Sequence[Warnings] = ()

    @property
    def ordered(self) -> Sequence[Problem]:
        """Return all of them by place; those without one come first."""
        return sorted(chain(self.problems, *self.warnings), key=by_place)


def render_text(result: Validation, options: RenderOptions) -> Iterator[str]:
    """
    Yield one line a problem, as compilers write them, file by file, and the sum; no line is broken.

    Files with errors come first. Within a file errors come before warnings, and rare problems before frequent
    ones: the only one among thousands of others is the one that its author has not seen yet.
    """
    warnings = {one.file: one for one in result.warnings}
    problems: dict[str, list[Problem]] = {file: [] for file in warnings}
    for problem in result.problems:
        problems.setdefault(problem.origin.file if problem.origin else "", []).append(problem)
    files = sorted(sorted(problems), key=lambda file: not has_error(problems[file]))
    blocks = [_file(file, problems[file], SHOWN, warnings.get(file)) for file in files]
    for row in Screen(colour=options.screen.colour).draw(stacked([*blocks, [_sum(result)]])):
        yield f"{row}\n"


def render_problems(problems: Sequence[Problem], *, colour: bool = False, limit: int | None = SHOWN) -> str:
    """
    Return one line a problem, in the order of `render_text`, and of what are not listed how many.

    Args:
        limit: Most problems that are listed; None for all.
    """
    return "\n".join(Screen(colour=colour).draw(_file("", problems, limit)))


def _file(
    file: str, problems: Sequence[Problem], limit: int | None, warnings: Warnings | None = None
) -> Iterator[Line]:
    frequency = Counter((problem.severity, problem.code) for problem in problems)
    if warnings and limit is not None:  # one more of each code tells which of them comes next
        frequency += warnings.counts
        problems = [*problems, *warnings.first(limit + 1)]
    problems = sorted(problems, key=by_place)
    problems.sort(key=lambda it: (not it.is_error, frequency[it.severity, it.code]))
    shown = problems if limit is None else problems[:limit]
    yield from map(problem_line, shown)
    left = Counter(problem.code for problem in problems[len(shown) :])
    for (_, code), number in (frequency - Counter((it.severity, it.code) for it in problems)).items():
        left[code] += number
    if left:
        named = ", ".join(f"{code} {number:,}" for code, number in left.most_common())
        where = f"{file}: " if file else ""
        yield line(Span(f"{where}{ELLIPSIS} and {left.total():,} more ({named})", Ink.DIM))


def problem_line(problem: Problem) -> Line:
    """Return a problem as compilers write it."""
    where = f"{problem.origin}: " if problem.origin else ""
    about = f" [{problem.source_ref}]" if problem.source_ref else ""
    severity = Span(problem.severity.value, _INKS[problem.severity])
    return line(where, severity, f": {problem.message} ", Span(f"({problem.code}){about}", Ink.DIM))


def _sum(result: Validation) -> Line:
    coverage = f"{counted(result.datasets, 'dataset')}, {counted(result.entries, 'entry', 'entries')}"
    if result.skipped:
        coverage += f", {counted(result.skipped, 'YAML document')} of other programs skipped"
    found = Counter(problem.severity for problem in result.problems)
    for (severity, _), number in chain.from_iterable(one.counts.items() for one in result.warnings):
        found[severity] += number
    if not found:
        return line(Span(f"{coverage}: no problems found.", Ink.GREEN))
    parts = [counted(found[severity], severity.value) for severity in Severity if found[severity]]
    return line(Span(f"{coverage}: {', '.join(parts)}.", Ink.BOLD))


def render_json(result: Validation, _options: RenderOptions) -> Iterator[bytes]:
    """Yield validate/v1."""
    document: ValidateDoc = {
        "format": "validate/v1",
        "datasets": result.datasets,
        "entries": result.entries,
        "skipped": result.skipped,
        "problems": Rows(result.ordered, problem_doc),
    }
    return encode(document)
