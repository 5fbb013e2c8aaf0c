"""One file, and several processes that open it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.state import State, database


def test_two_processes_may_make_it_at_the_same_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever finds an empty file, and meanwhile another process fills it, goes on with theirs."""
    version = database._version
    others = [tmp_path]

    def version_before_somebody_else_was_faster(connection) -> int:
        found = version(connection)
        while others:
            with State(others.pop()) as theirs:
                theirs.record("d", {"verdict": "converged"})
        return found

    monkeypatch.setattr(database, "_version", version_before_somebody_else_was_faster)

    with State(tmp_path) as state:
        assert {"d": {"verdict": "converged"}} == state.statuses()
