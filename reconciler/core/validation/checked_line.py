"""The results of the rules: problems of a line, and the facts about it that dataset rules need."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from reconciler.core.validation.codes import Code
from reconciler.core.validation.problem import Origin, Problem, Severity, has_error

# The service drops lines with these errors (developer guide, terminal content errors).
_TERMINAL: Final = frozenset(
    {
        Code.MISSING_SOURCE_REF,
        Code.INVALID_SOURCE_REF_FORMAT,
        Code.INVALID_JSON_LINE,
        Code.LINE_TOO_LONG,
    }
)

UNLABELLED: Final = "the image carries no label; training ignores it"


# Invisible letters, marks and symbols, which `repr` may leave unescaped.
_FILLERS: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


class LabelKinds(StrEnum):
    """The kinds of label that a line carries. Training uses one kind and ignores the other."""

    NONE = "none"
    IMAGE_LEVEL = "image-level"
    BOXES = "boxes"
    BOTH = "both"

    # The hash of Enum is written in Python, and every line is counted by its kind.
    __hash__ = str.__hash__


class CheckedLine(NamedTuple):
    """
    The result of checking one line.

    Attributes:
        source_ref: The identity, unchanged; None if the line has none.
        labels: Each label of the line once, in order of first use; of an invalid line, those readable.
        kinds: The kinds of label in the line's valid attributes.
        problems: In the order in which the rules run; empty for a clean line.
    """

    source_ref: str | None
    labels: tuple[str, ...]
    kinds: LabelKinds
    problems: tuple[Problem, ...]

    @property
    def is_valid(self) -> bool:
        """Whether no problem is an error, so that the line may be sent."""
        return not has_error(self.problems)


Outcome = tuple[LabelKinds, tuple[Problem, ...]]
"""The kinds and the problems of a line, which many lines share."""


class CheckedLines(NamedTuple):
    """
    The results of checking several lines, one sequence for each fact.

    Attributes:
        source_refs, labels: As in `CheckedLine`.
    """

    source_refs: Sequence[str | None]
    labels: Sequence[Collection[str]]
    outcomes: Sequence[Outcome]


def each(check: Callable[[bytes], CheckedLine], texts: Iterable[bytes]) -> CheckedLines:
    """Check lines one by one."""
    refs, labels, kinds, problems = zip(*map(check, texts), strict=True)
    return CheckedLines(refs, labels, [*zip(kinds, problems, strict=True)])


def is_blank(problems: Sequence[Problem]) -> bool:
    """Return whether the line is blank: then that is the only problem."""
    return bool(problems) and problems[0].code is Code.BLANK_LINE


def is_dropped(problems: Iterable[Problem]) -> bool:
    """Return whether the service would drop the line, rather than store it with an error list."""
    return any(problem.code in _TERMINAL for problem in problems)


def error(code: str, message: str, column: int | None = None) -> Problem:
    """Return an error whose place the caller completes; *column* counts from 1."""
    return Problem(Severity.ERROR, code, message, None if column is None else Origin("", 1, column))


def warning(code: str, message: str) -> Problem:
    return Problem(Severity.WARNING, code, message)


def _escaped(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode()


def kind_of(*, image_level: bool, boxes: bool) -> LabelKinds:
    if image_level and boxes:
        return LabelKinds.BOTH
    if boxes:
        return LabelKinds.BOXES
    return LabelKinds.IMAGE_LEVEL if image_level else LabelKinds.NONE


def quoted(value: object) -> str:
    """
    Format a value of the line for a message: at most 80 characters, invisible ones escaped.

    Letters of every script stay readable. `repr` escapes invisible characters except a few fillers.
    """
    text = "nothing" if value is None else _FILLERS.sub(_escaped, repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."


def some(names: Sequence[str]) -> str:
    """List the first five of *names* and the number of others."""
    listed = ", ".join(quoted(name) for name in names[:5])
    return listed if len(names) <= 5 else f"{listed} and {len(names) - 5} more"
