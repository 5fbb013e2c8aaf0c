"""Problems of the desired state: severity, code, message and origin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

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


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One error or warning about the desired state.

    Attributes:
        code: AWS's own code where there is one, else ``RKD`` and four digits (see `validation.codes`).
        source_ref: The image concerned, if any.
    """

    severity: Severity
    code: str
    message: str
    origin: Origin | None
    source_ref: str | None = None

    def __post_init__(self) -> None:
        if len(self.message) > LONGEST_MESSAGE:  # it may quote megabytes of input
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
    """Tell whether any problem is an error."""
    return any(problem.is_error for problem in problems)
