"""What a newcomer sees first."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.demo import STORY

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The demo, once, from another directory, with an environment that has nothing to do with it."""
    hostile = {"AWS_PROFILE": "missing", "AWS_REGION": "eu-west-1", "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(
        [sys.executable, "-m", "reconciler.demo"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={**os.environ, **hostile, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_it_works_wherever_it_is_run(told):
    """No account, no credentials, no configuration; nothing on stderr."""
    assert (0, "") == (told.returncode, told.stderr)


def test_it_fits_on_a_screen(told):
    """Under forty lines, and plain text where there is no terminal."""
    assert len(told.stdout.splitlines()) < 40
    assert "\x1b" not in told.stdout


def test_it_names_the_commands_that_it_runs(told):
    """A prompt a step, in order, as the reader would type it."""
    assert [step.command for step in STORY] == [
        line.partition("  # ")[0] for line in re.findall(r"(?m)^\$ (.*)$", told.stdout)
    ]


def test_it_tells_the_whole_story(told):
    """Converged, drifted, converged again, and at the end nothing is left."""
    plot = ["32 to add", "3 converged", "nothing to send", "done, in the console", "drifted", "1 updated"]
    places = [told.stdout.index(turn) for turn in plot]

    assert sorted(places) == places
    assert told.stdout.endswith("32 unchanged; nothing to send.\n")


def test_it_leaves_nothing_behind(told, tmp_path):
    """Each run starts from nothing."""
    run = [sys.executable, "-c", "import reconciler.demo as d; d.STORY = d.STORY[:1]; d.main()"]
    subprocess.run(
        run, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, check=True, capture_output=True
    )

    assert [] == list(tmp_path.iterdir())
