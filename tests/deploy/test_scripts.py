"""Dockerfile and shell, by the linters of their trade."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def shell_scripts() -> list[Path]:
    candidates = [*ROOT.glob(".ci/*"), *ROOT.glob("ci/*"), *ROOT.glob("deploy/overlays/*/*.sh")]
    return sorted(p for p in candidates if p.is_file() and p.read_bytes().startswith(b"#!/usr/bin/env bash"))


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed (`.ci/run` has it)")
def test_hadolint_is_content():
    """The Dockerfile keeps to what its trade has learned."""
    done = subprocess.run(["hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True)

    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.tools
@pytest.mark.skipif(
    shutil.which("shellcheck") is None, reason="shellcheck is not installed (`.ci/run` has it)"
)
def test_shellcheck_is_content():
    """So do the scripts."""
    done = subprocess.run(["shellcheck", *shell_scripts()], cwd=ROOT, capture_output=True, text=True)

    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("script", shell_scripts(), ids=lambda path: path.name)
def test_a_script_stops_at_the_first_thing_that_fails(script):
    """An unset variable and a broken pipe count as failures."""
    assert "\nset -euo pipefail\n" in script.read_text()
    assert script.stat().st_mode & 0o111
