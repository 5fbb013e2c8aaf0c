"""The emulator's own distribution, in an environment that holds nothing but what it requires, and pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, env={"PATH": os.environ["PATH"]}
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def required(names: list[str]) -> set[str]:
    """Return the distributions with these names, and all that they require, directly or not."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            needed = map(Requirement, distribution(name).requires or ())
            names += [each.name for each in needed if not each.marker or each.marker.evaluate({"extra": ""})]
    return found


def install(name: str, site: Path) -> None:
    """Copy an installed distribution; no test asks a package index."""
    for path in distribution(name).files or ():
        if ".." not in path.parts and "__pycache__" not in path.parts:
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path.locate(), site / path)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of a new environment with the built wheel, its requirements and pytest."""
    run(
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        tmp_path,
        cwd=ROOT / "packaging/emulator",
    )
    (wheel,) = tmp_path.glob("*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    found = tmp_path / "venv/bin/python"
    run(found, "-m", "pip", "install", "--no-index", "--no-deps", wheel, cwd=tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        lines = archive.read(metadata).decode().splitlines()
    direct = [Requirement(line.partition(": ")[2]).name for line in lines if line.startswith("Requires-Dist")]
    assert ["botocore", "orjson", "uvicorn"] == sorted(direct)
    (site,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    for name in required([*direct, "pytest"]):
        install(name, site)
    return found


def test_the_example_project_runs_with_the_wheel_and_pytest_only(python, tmp_path):
    """As a stranger would: no configuration, the plugin is found; a conftest below the root may override."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "examples/pytest", project, ignore=shutil.ignore_patterns("__pycache__"))
    below = project / "tests/slow"
    below.mkdir()
    (below / "conftest.py").write_text(
        "import pytest\nfrom reconciler.emulator.behaviour.settings import Settings\n\n"
        "@pytest.fixture\ndef rekognition_settings():\n    return Settings(create_seconds=9)\n"
    )
    (below / "test_slow.py").write_text(
        "def test_it(rekognition_emulator):\n"
        "    assert 9 == rekognition_emulator.emulator.settings.create_seconds\n"
    )

    assert "2 passed" in run(python, "-m", "pytest", "-q", cwd=project)

    names = run(python, "-m", "pip", "list", "--format", "freeze", cwd=project)
    assert not {"boto3", "starlette", "pydantic", "rich"} & {
        line.partition("==")[0] for line in names.split()
    }


def test_the_command_runs_with_the_wheel_only(python, tmp_path):
    assert "--allow-host" in run(python.parent / "rekognition-emulator", "--help", cwd=tmp_path)
