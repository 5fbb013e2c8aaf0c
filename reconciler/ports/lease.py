"""The record by which replicas elect the one that writes."""

from __future__ import annotations

from typing import Protocol

from reconciler.core.runtime.election import Record


class Lease(Protocol):
    """One record that only one of many can replace at a time."""

    @property
    def name(self) -> str:
        """Name it for people."""
        ...

    def read(self) -> Record | None:
        """
        Return the record as it is now; None if there is none.

        Raises:
            LeaseUnavailable: It could not be read.
        """
        ...

    def write(self, record: Record, at: float) -> bool:
        """
        Create the record (version empty), or replace the one of that version; False if another replica was faster.

        Args:
            at: Seconds since the epoch, for people only: no decision depends on it.

        Raises:
            LeaseUnavailable: Whether it was written is not known.
        """
        ...

    def close(self) -> None: ...
