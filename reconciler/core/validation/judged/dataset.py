"""Remember what was found in a dataset, and in what, so that its files need not be read again."""

from __future__ import annotations

from msgspec import Struct

from reconciler.core.validation.dataset import FactParts
from reconciler.core.validation.problem import Problem
from reconciler.core.validation.unmatched import Unmatched


class JudgedDataset(Struct, array_like=True, frozen=True):
    """
    What was found in all entries of one dataset, so that its files need not be read while they are the same.

    Attributes:
        key: The digest of what it was found in.
        entries: Number of usable entries.
        usable: False if something is wrong with the dataset as a whole.
        facts: What dataset rules know of it, as `DatasetFacts.parts` gives it.
        noted: What is wrong, but for warnings of usable lines.
        warned: Those, as `StoredWarnings` in msgpack: only `validate` asks for them.
        unmatched: The globs that match no entry.
        apart: The keys of datasets that desire none of its images.
    """

    key: bytes
    entries: int
    usable: bool
    facts: FactParts
    noted: tuple[Problem, ...]
    warned: bytes
    unmatched: tuple[Unmatched, ...]
    apart: tuple[bytes, ...] = ()
