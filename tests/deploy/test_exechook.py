"""The script that git-sync runs for a new commit, as it runs it: with curl, and in an image without it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.engine.controller.registry import Registry
from reconciler.server.app import application
from reconciler.server.guarding import Secrets
from reconciler.server.listening import listening
from reconciler.server.metrics import Metrics

SCRIPT = Path(__file__).parents[2] / "deploy" / "overlays" / "git-sync" / "exechook.sh"


class Asked:
    alive = True
    looked = 0

    def trigger(self, dataset: str | None = None) -> bool:
        raise AssertionError("a commit is a reason to look at the source, not at every dataset")

    def poll_source(self) -> None:
        self.looked += 1


@pytest.fixture
def served() -> Iterator[tuple[str, Asked]]:
    asked = Asked()
    app = application(asked, Registry("specs", lambda: 0.0, lambda: 0.0), Metrics("1"), Secrets(b"t0ken"))
    with listening(app, "127.0.0.1", 0) as url:
        yield str(urlsplit(url).port), asked


def hook(place: Path, port: str, token: str, *programs: str) -> subprocess.CompletedProcess[str]:
    """Run the script where nothing but bash and these programs is installed."""
    bin_ = place / "bin"
    bin_.mkdir()
    for program in ("bash", *programs):
        (bin_ / program).symlink_to(shutil.which(program) or program)
    (place / "token").write_text(token)
    env = {"PATH": str(bin_), "RECONCILER_PORT": port, "RECONCILER_TOKEN_FILE": str(place / "token")}
    return subprocess.run([SCRIPT], env=env, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("programs", [(), ("curl",)], ids=["bash alone", "curl"])
@pytest.mark.parametrize(("token", "accepted"), [("t0ken", True), ("wrong", False)])
def test_the_hook_makes_the_controller_poll(
    served: tuple[str, Asked], tmp_path: Path, programs: tuple[str, ...], token: str, accepted: bool
):
    """And fails where it is not let in, so that git-sync tries again and says why."""
    if programs and shutil.which(programs[0]) is None:
        pytest.skip("curl is not installed")
    port, asked = served

    done = hook(tmp_path, port, token, *programs)

    assert (accepted, int(accepted)) == (done.returncode == 0, asked.looked)
    assert accepted or "401" in done.stderr
    assert token not in done.stdout + done.stderr


def test_without_a_controller_the_hook_fails(tmp_path: Path):
    """It is not up yet: git-sync runs the hook again after a while."""
    assert 0 != hook(tmp_path, "9", "t0ken").returncode
