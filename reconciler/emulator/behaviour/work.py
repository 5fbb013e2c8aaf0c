"""What datasets can be busy with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, Final


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
    """
    One piece of work in progress, as it stands in the database.

    Attributes:
        size: Of the payload, in bytes.
        open: Opens the payload; a manifest may be too long to be in memory more than once.
    """

    dataset: int
    arn: str
    type: str
    region: str
    kind: Work
    due: float
    size: int
    open: Callable[[], BinaryIO]
    arguments: dict[str, Any]
