"""
Keep state between runs: one SQLite file, and backups of overwritten lines beside it.

Its law: the state is a cache of proven results and a journal of updates that were begun. A damaged or deleted file
costs attribution and a full observation, never correctness.
"""

from reconciler.state.memory import State

__all__ = ["State"]
