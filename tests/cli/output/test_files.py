"""Files that are written atomically."""

from __future__ import annotations

import os
import subprocess
import sys
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


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_threads_that_write_files_change_no_mode_of_others(tmp_path: Path, umask: int):
    """The umask belongs to the whole process: a report is as open as it says, and what is private stays so."""
    program = """
import io, os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from reconciler.cli.output.files import write_whole
from reconciler.private import private_directory
from reconciler.sources.blobs import Blobs

at = Path(sys.argv[1])
sys.setswitchinterval(1e-6)

def write(number):
    write_whole(at / f"report-{number}", lambda stream: stream.write(b"x"))
    for part in range(20):
        (at / f"usual-{number}-{part}").write_text("x")
    private_directory(at / f"private-{number}")
    Blobs(at / f"private-{number}").keep(io.BytesIO(b"x"))

with ThreadPoolExecutor(8) as pool:
    list(pool.map(write, range(60)))
    assert os.umask(0) == int(sys.argv[2])
"""
    subprocess.run([sys.executable, "-c", program, tmp_path, str(umask)], check=True, umask=umask)

    modes: dict[str, set[int]] = {}
    for path in tmp_path.rglob("*"):
        kind = path.relative_to(tmp_path).parts[0].partition("-")[0] + ("/" if path.is_dir() else "")
        modes.setdefault(kind, set()).add(path.stat().st_mode & 0o777)
    usual = {0o666 & ~umask}
    assert {"report": usual, "usual": usual, "private/": {0o700}, "private": {0o600}} == modes
