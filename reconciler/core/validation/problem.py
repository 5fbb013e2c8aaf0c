"""A problem and its place: one type for lines, datasets, spec files and label files."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import force_setattr

LONGEST_MESSAGE: Final = 600
"""Characters. A longer message loses its middle, because its end often says what to do."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Origin(NamedTuple):
    """
    The place in a file where something was read.

    Attributes:
        file: Relative to the working directory if below it.
        line: From 1.
        column: From 1; None if only the line is known.
    """

    file: str
    line: int
    column: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return place if self.column is None else f"{place}:{self.column}"


class Problem(Struct, frozen=True):
    """
    One error or warning.

    A clean line has none, so that only lines with problems pay for building them.

    Attributes:
        code: AWS's own code where there is one, else ``RKD`` and four digits (see `validation.codes`).
        origin: None if it has no place. The rules for lines know neither file nor line: there the origin is
            None, or has nothing but a column, until `at` completes it.
        source_ref: The image concerned, if any.
    """

    severity: Severity
    code: str
    message: str
    origin: Origin | None = None
    source_ref: str | None = None

    def __post_init__(self) -> None:
        if len(self.message) > LONGEST_MESSAGE:  # it may quote megabytes of input
            half = LONGEST_MESSAGE // 2
            force_setattr(self, "message", f"{self.message[:half]}…{self.message[1 - half :]}")

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def at(self, origin: Origin, source_ref: str | None) -> Problem:
        """Return the problem of a line or a dataset with its place; a column that is known stays."""
        if self.origin is not None:
            origin = origin._replace(column=self.origin.column)
        return Problem(self.severity, self.code, self.message, origin, source_ref)

    def __str__(self) -> str:
        place = f"{self.origin}: " if self.origin else ""
        about = f" [{self.source_ref}]" if self.source_ref else ""
        return f"{place}{self.severity}: {self.message} ({self.code}){about}"


def has_error(problems: Iterable[Problem]) -> bool:
    """Return whether any problem is an error."""
    for problem in problems:  # noqa: SIM110  a generator would cost a whole dataset a tenth of a second
        if problem.severity is Severity.ERROR:
            return True
    return False


def by_place(problem: Problem) -> tuple[str, int, int, str, str, str]:
    """Return the sort key of a problem: its place, if any, then code, image and message."""
    file, line, column = problem.origin or ("", 0, None)
    return file, line, column or 0, problem.code, problem.source_ref or "", problem.message
