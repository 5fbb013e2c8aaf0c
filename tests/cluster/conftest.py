"""One API server for all tests of the lane."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator.server import Emulator, Running
from tests.account import serve
from tests.cluster.server import Cluster, served

ROOT = Path(__file__).parents[2]
# Before the tests are given a cache of their own: what was built is kept for the next run.
ENVIRONMENT = dict(os.environ)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    for program in ("kubectl", "openssl"):
        if not shutil.which(program):
            pytest.skip(f"no {program}")
    built = subprocess.run([ROOT / "ci" / "apiserver"], env=ENVIRONMENT, capture_output=True, text=True)
    if built.returncode == 69:
        pytest.skip(built.stderr.strip())
    assert built.returncode == 0, built.stderr
    with served(Path(built.stdout.strip()), tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def emulator() -> Iterator[Running]:
    """Yield an emulator on a port, in real time."""
    made = Emulator()
    with serve(made) as running:
        yield running
    made.close()
