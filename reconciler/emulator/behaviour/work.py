"""Asynchronous operations on datasets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, Final


class Work(StrEnum):
    """The kinds of asynchronous operations on a dataset."""

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
    One operation in progress, as stored in the database.

    Attributes:
        size: Size of the payload in bytes.
        body: Number of the payload in the database; None if there is none.
        open: Opens the payload as a file, since a manifest may be too large for another copy in memory.
    """

    id: int
    dataset: int
    arn: str
    type: str
    region: str
    kind: Work
    due: float
    size: int
    body: int | None
    open: Callable[[], BinaryIO]
    arguments: dict[str, Any]
