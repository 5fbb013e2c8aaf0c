"""validate/v1 as types; see `reports.shapes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from typing_extensions import TypedDict

from reconciler.reports.shapes import ProblemDoc


class ValidateDoc(TypedDict):
    """
    What is wrong with a spec tree; ``datasets`` and ``entries`` say how much was looked at.

    ``skipped`` counts YAML files and documents that belong to other programs.
    """

    format: Literal["validate/v1"]
    datasets: int
    entries: int
    skipped: int
    problems: Sequence[ProblemDoc]
