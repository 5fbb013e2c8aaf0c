"""What datasets can be busy with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Work(StrEnum):
    """What a dataset can be busy with."""

    CREATE = "create"
    IMPORT = "import"
    COPY = "copy"
    UPDATE = "update"
    DISTRIBUTE = "distribute"
    DELETE = "delete"


CREATES: Final = (Work.CREATE, Work.IMPORT, Work.COPY)


@dataclass(frozen=True, slots=True)
class Operation:
    """One piece of work in progress, as it stands in the database."""

    dataset: int
    arn: str
    type: str
    region: str
    kind: Work
    due: float
    payload: bytes
    arguments: dict[str, Any]
