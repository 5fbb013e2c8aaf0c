"""What is remembered of lines that were checked before."""

from __future__ import annotations

from typing import Protocol

from reconciler.core.validation.judged import JudgedFile
from reconciler.core.validation.judged_dataset import JudgedDataset


class JudgedFiles(Protocol):
    """
    The lines of files as they were last checked, under the rules of this version and no other.

    It may forget anything at any time: then lines are checked again.

    Attributes:
        read_only: Whether nothing is stored: then the digests of new lines need not be computed.
    """

    @property
    def read_only(self) -> bool: ...

    def of(self, name: str) -> JudgedFile | None:
        """Return what is remembered of a file, by its name; None if that is nothing, or cannot be used."""
        ...

    def put(self, name: str, judged: JudgedFile) -> None:
        """Replace what is remembered of a file. Raises nothing: what cannot be stored is not remembered."""
        ...

    def dataset(self, name: str) -> JudgedDataset | None:
        """Return what is remembered of a whole dataset, by a name that no other spec tree gives one."""
        ...

    def put_dataset(self, name: str, judged: JudgedDataset) -> None:
        """Replace what is remembered of a dataset, as `put` does."""
        ...
