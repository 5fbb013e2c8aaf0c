"""What a person sees on a terminal while a command runs."""

import io
import re

import pytest
from rich.console import Console

from reconciler.cli.output.terminal import TerminalProgress, bars_on

NAME = "a-rather-long-name-of-a-dataset-of-flowers-in-the-meadow-behind-the-house"


@pytest.fixture
def screen():
    return Console(file=io.StringIO(), force_terminal=True, width=60, color_system=None)


def lines(screen, *steps):
    """Return the lines that are on the screen after these steps."""
    with bars_on(screen) as bars:
        bars.live.auto_refresh = False
        progress = TerminalProgress(bars)
        for step in steps:
            progress.step(*step)
        screen.file.truncate(0)
        bars.refresh()
        shown = screen.file.getvalue()
    return [line for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\0]", "", shown).split("\n") if line.strip()]


@pytest.mark.parametrize(
    ("step", "amount"),
    [
        (("listing", 12_300, 250_000), "12,300 of 250,000 entries"),
        (("listing", 12_300, None), "12,300 entries"),
        (("update", 1, 7), "update 2 of 7"),
        (("reading", 6_000, 6_000), "reading 6,000 of 6,000"),
        (("filling", 0, None), "filling"),
    ],
)
def test_progress_names_the_amount_and_the_elapsed_time_within_60_columns(screen, step, amount):
    """The longest name of a dataset is cut, never the amount, and nothing is wrapped."""
    (line,) = lines(screen, (NAME, *step))

    assert len(line) <= 60
    assert line.startswith("a-rather")
    assert f" {amount} " in line
    assert "0:00:00" in line


def test_the_time_that_is_left_is_estimated_for_each_step_alone(screen):
    """The pace of a listing is no estimate for updates."""
    with bars_on(screen) as bars:
        progress = TerminalProgress(bars)
        for done in range(0, 500, 100):
            progress.step("bees", "listing", done, 1_000)
        listing = bars.tasks[0].time_remaining
        progress.step("bees", "update", 0, 1_000)

        assert listing is not None
        assert bars.tasks[0].time_remaining is None


@pytest.mark.parametrize(
    ("seconds", "by", "rate"), [(0.5, 100, "200/s 0:00:02 00:03"), (120, 1, "0.5/min 0:10:00 12:00")]
)
def test_a_wide_terminal_shows_the_rate(seconds, by, rate):
    """Of entries by the second; of what takes longer, by the minute."""
    now = [0.0]
    wide = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    with bars_on(wide) as bars:
        bars.live.auto_refresh = False
        bars.get_time = lambda: now[0]
        progress = TerminalProgress(bars)
        for done in range(0, 5 * by, by):
            progress.step("bees", "listing", done, 10 * by)
            now[0] += seconds
        bars.refresh()

        assert rate in wide.file.getvalue()
