"""Files that are written atomically."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.cli.output.files import write_whole


def test_the_umask_of_the_process_stays_while_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing a file leaves the umask of the process alone, as another thread may create a file meanwhile."""
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the umask was changed"))

    write_whole(tmp_path / "report", lambda target: target.write(b"x"))

    assert 0 == (tmp_path / "report").stat().st_mode & 0o022
