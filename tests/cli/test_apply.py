"""``reconciler apply`` on a terminal, and what it says of its changes."""

import os
import pty
import select
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from reconciler.cli.handlers import apply
from reconciler.cli.main import main
from reconciler.errors import StateError
from tests.preloaded import python

QUESTION = "Apply these changes? [y/N] "
SENT = "2 added, 0 updated"


@pytest.fixture(autouse=True)
def _specs(place: Path) -> None:
    assert 0 == main(["init"])


def on_a_terminal(answer: str, *words: str) -> tuple[int, str]:
    """Run a command on a terminal of its own, and answer its question."""
    ours, theirs = pty.openpty()
    command = [python(), "-m", "reconciler", *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        out, answered, deadline = b"", False, time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 1)[0]:
                try:
                    piece = os.read(ours, 4096)
                except OSError:  # the terminal is closed
                    break
                out += piece
            if QUESTION.encode() in out and not answered:
                os.write(ours, answer.encode())
                answered = True
        else:
            process.kill()
    os.close(ours)
    return process.returncode, out.decode()


@pytest.mark.parametrize(
    ("answer", "code", "is_sent"), [("y\n", 0, True), ("n\n", 6, False), ("\n", 6, False), ("\x04", 6, False)]
)
def test_a_terminal_is_asked_once_the_plan_is_shown(answer, code, is_sent):
    """Only yes sends the plan; Enter, no and the end of the input send nothing. Progress bars do not hide it."""
    ended, shown = on_a_terminal(answer, "apply", "--local", "--no-color")

    assert (code, 1) == (ended, shown.count(QUESTION)), shown
    before, _, after = shown.partition(QUESTION)
    assert "2 to add" in before
    assert "creates project my-first" in before
    assert is_sent == (SENT in after)
    assert is_sent != ("nothing was sent" in after)


@pytest.mark.parametrize("words", [["--yes"], ["--plan", "plan.json"]])
def test_a_terminal_is_not_asked_about_what_was_decided(words):
    assert 0 == main(["plan", "--local", "--out", "plan.json"])
    assert 0o600 == Path("plan.json").stat().st_mode & 0o777

    ended, shown = on_a_terminal("n\n", "apply", "--local", "--no-color", *words)

    assert (0, False, True) == (ended, QUESTION in shown, SENT in shown), shown


def test_a_pipe_is_not_asked(capsys):
    assert 0 == main(["apply", "--local"])

    assert SENT in capsys.readouterr().out


def test_nothing_is_asked_where_nothing_would_be_sent(place):
    assert 0 == main(["apply", "--local"])

    ended, shown = on_a_terminal("n\n", "apply", "--local")

    assert (0, False) == (ended, QUESTION in shown)


def test_a_status_that_cannot_be_stored_costs_no_result(place, capsys, monkeypatch):
    """The result is proven and worth more than its memory: a warning says what could not be written."""

    def full_disk(*_):
        raise StateError("state.sqlite3: database or disk is full")

    monkeypatch.setattr("reconciler.state.State.record", full_disk)

    warnings: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(
        apply, "log", SimpleNamespace(warning=lambda name, **facts: warnings.append((name, facts)))
    )

    assert 0 == main(["apply", "--local"])

    assert SENT in capsys.readouterr().out
    assert [("status.unsaved", {"reason": "state.sqlite3: database or disk is full"})] == warnings


def test_an_apply_counts_by_label_what_it_changed(place, capsys):
    """By label; with --verbose image by image, with the place of each in the specs."""
    assert 0 == main(["apply", "--local"])
    shown = capsys.readouterr().out
    assert "    added: bee 2, queen 1\n" in shown
    assert "photo1.jpg" not in shown
    images = place / "specs" / "images.yaml"
    images.write_text(images.read_text().replace("[bee, queen]", "[bee, drone]"))

    assert 0 == main(["apply", "--local", "--verbose"])

    shown = capsys.readouterr().out
    assert "    updated: bee 1, drone 1\n" in shown
    assert "    ~ s3://my-bucket/train/photo2.jpg  specs/images.yaml:9\n" in shown


def test_a_saved_plan_says_how_to_apply_it(place, capsys):
    """The command that is printed applies exactly that plan."""
    assert 0 == main(["plan", "specs", "--local", "--dataset", "my-first-train", "--out", "a plan.json"])

    (said,) = [text for text in capsys.readouterr().err.splitlines() if "apply it with" in text]
    command = said.partition("apply it with: ")[2]
    done = subprocess.run(
        ["sh", "-c", command.replace("reconciler", f"{python()} -m reconciler", 1)],
        capture_output=True,
        text=True,
    )
    assert (0, True) == (done.returncode, SENT in done.stdout), done.stderr


def test_a_saved_plan_that_cannot_be_applied_names_no_command(place, capsys):
    (place / "specs" / "images.yaml").write_text("nonsense\n")

    assert 0 != main(["plan", "specs", "--local", "--out", "plan.json"])

    assert "apply it with" not in capsys.readouterr().err


def test_a_long_list_names_the_flag_that_shows_all(place, capsys):
    images = place / "specs" / "images.yaml"
    images.write_text(
        images.read_text() + "".join(f"  - {{image: more{n}.jpg, labels: [bee]}}\n" for n in range(28))
    )
    capsys.readouterr()

    assert 0 == main(["plan", "--local"])

    assert "… and 10 more: --all\n" in capsys.readouterr().out
