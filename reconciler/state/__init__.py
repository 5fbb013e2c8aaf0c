"""
Keep state between runs: one SQLite file, and backups of overwritten lines beside it.

Invariant: the state is a cache of proven results and a journal of updates that were begun. A damaged or deleted
file costs attribution and a full observation, never correctness.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.state.memory import State

__all__ = ["State"]


def __getattr__(name: str) -> object:
    """Import `State` when it is asked for: what is remembered of spec files, stored beside it, needs no SQLite."""
    if name == "State":
        from reconciler.state.memory import State

        return State
    raise AttributeError(name)
