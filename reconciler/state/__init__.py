"""
What is kept between runs: one SQLite file, and snapshots beside it.

Its law: a cache of what was proven, and a diary of what was begun. A damaged or deleted file costs
attribution and a full look, never correctness.
"""

from reconciler.state.memory import State

__all__ = ["State"]
