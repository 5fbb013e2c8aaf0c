"""What is wrong with the desired state, as values: where, what, why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

LONGEST_MESSAGE: Final = 600
"""Characters. Of a longer one the middle is left out: the end often says what to do."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Origin(NamedTuple):
    """
    Where something was read.

    Attributes:
        file: Path as the user knows it: relative to the working directory where it lies below it.
        line: From 1.
        column: From 1; None where a line has no finer place.
    """

    file: str
    line: int
    column: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return place if self.column is None else f"{place}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing that is wrong, or suspicious.

    Attributes:
        code: AWS's own code where AWS has one, else ``RKD`` and four digits (see `validation.codes`).
        source_ref: The image it is about, if it is about one.
    """

    severity: Severity
    code: str
    message: str
    origin: Origin | None
    source_ref: str | None = None

    def __post_init__(self) -> None:
        if len(self.message) > LONGEST_MESSAGE:  # it quotes what somebody wrote, which may be megabytes
            half = LONGEST_MESSAGE // 2
            object.__setattr__(self, "message", f"{self.message[:half]}…{self.message[1 - half :]}")

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.origin}: " if self.origin else ""
        about = f" [{self.source_ref}]" if self.source_ref else ""
        return f"{place}{self.severity}: {self.message} ({self.code}){about}"


def has_error(problems: Iterable[Problem]) -> bool:
    """Tell whether one of them is more than a warning."""
    return any(problem.is_error for problem in problems)
