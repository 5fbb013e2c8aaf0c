"""What a newcomer sees first."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.core.entries.training_view import Meaning, TrainingBox
from reconciler.demo import PAGE, STEPS
from reconciler.demo.pictures import Canvas, picture
from tests.preloaded import python

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The demo, once, from another directory, with an environment that has nothing to do with it."""
    hostile = {"AWS_PROFILE": "missing", "AWS_REGION": "eu-west-1", "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(
        [python(), "-m", "reconciler.demo"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={**os.environ, **hostile, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_it_works_wherever_it_is_run(told):
    """No account, no credentials, no configuration; nothing on stderr."""
    assert (0, "") == (told.returncode, told.stderr)


def test_it_ends_quietly_where_no_reader_is_left(tmp_path):
    """`python3 dev.py demo | head` is no error of anybody."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing) as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler.demo"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=pipe,
            stderr=subprocess.PIPE,
        )

    assert (0, b"") == (done.returncode, done.stderr)


def test_it_fits_on_a_screen(told):
    """Under forty lines, and plain text where there is no terminal."""
    assert len(told.stdout.splitlines()) < 40
    assert "\x1b" not in told.stdout


def test_it_names_the_commands_that_it_runs(told):
    """A prompt a step, in order, as the reader would type it."""
    assert [step.command for step in STEPS] == [
        line.partition("  # ")[0] for line in re.findall(r"(?m)^\$ (.*)$", told.stdout)
    ]


def test_it_shows_every_step(told):
    """Converged, drifted, converged again, and at the end nothing is left."""
    plot = ["32 to add", "3 converged", "nothing to send", "done, in the console", "drifted", "1 updated"]
    places = [told.stdout.index(turn) for turn in plot]

    assert sorted(places) == places
    assert told.stdout.endswith("32 unchanged; nothing to send.\n")


def test_the_page_of_the_drift_shows_real_pictures(told):
    """It is kept, the output says where, and each drawing has the picture that its boxes lie on."""
    pytest.importorskip("PIL")

    assert f"The same report as a page: {PAGE.as_uri()}" in told.stdout
    page = PAGE.read_text()
    (image,) = json.loads(page.partition('id="data">')[2].partition("</script>")[0])["images"]
    assert image["picture"].startswith("data:image/webp;base64,")
    assert image["detail"][0].startswith("data:image/webp;base64,")


def test_a_picture_is_the_same_everywhere():
    """Drawn anew, byte for byte, of the size that its line states, with something where the box is."""
    image = pytest.importorskip("PIL.Image")
    seen = Meaning((), (TrainingBox("missing_screw", 40, 30, 30, 30),), ((320, 240),))

    data = picture("s3://acme-boards/a.jpg", seen)

    assert data == picture("s3://acme-boards/a.jpg", seen)
    assert data != picture("s3://acme-boards/b.jpg", seen)
    with image.open(io.BytesIO(data)) as found:
        assert (320, 240) == found.size
        assert (12, 14, 13) == found.getpixel((55, 45))


def test_what_lies_outside_of_a_picture_is_not_drawn():
    """Not above it either, where a negative place would count from the end."""
    canvas = Canvas(4, 4, (9, 9, 9))
    blank = canvas.png()

    canvas.rect(0, -3, 4, 2, (1, 2, 3))
    canvas.rect(-3, 0, 2, 4, (1, 2, 3))
    canvas.rect(0, 4, 4, 2, (1, 2, 3))

    assert blank == canvas.png()


def test_it_leaves_nothing_behind(told, tmp_path):
    """Each run starts from nothing."""
    run = [sys.executable, "-c", "import reconciler.demo as d; d.STEPS = d.STEPS[:1]; d.main()"]
    subprocess.run(
        run, cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, check=True, capture_output=True
    )

    assert [] == list(tmp_path.iterdir())
