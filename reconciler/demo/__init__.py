"""
The whole product in one minute: a dataset converges, is changed in the console, and converges again.

``python3 dev.py demo`` runs it. Every line below a command is what that command printed, here and now, about a
copy of `specs/` in a directory that is gone afterwards; only the page of the drift is kept. The pictures are
drawn for the occasion. No network, no AWS account, no credentials.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from reconciler.core.entries.training_view import meaning
from reconciler.demo.pictures import picture
from reconciler.emulator.http import Request
from reconciler.emulator.server import Emulator
from reconciler.engine.usecases.spec_tree import read
from reconciler.errors import Exit
from reconciler.sources.directory import open_path
from reconciler.sources.load import load

ROOT: Final = Path(__file__).parents[2]
SPECS: Final = ROOT / "specs"

# Where the page of the drift is kept: all else is gone when the demo ends.
PAGE: Final = ROOT / "build" / "demo-drift.html"
_MOVE: Final = "move_box,dataset=circuit-boards/train,source_ref=s3://acme-boards/train/board4.jpg,dx=9"

# The emulator checks no signature, but it wants to know whose it is: the account that --local works in.
_SIGNED: Final = {
    "authorization": "AWS4-HMAC-SHA256 Credential=111122223333/20260301/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=local"
}


class Step(NamedTuple):
    """
    One command of the demo.

    Attributes:
        why: What it shows; a comment to the shell.
        opens: Whether an empty line precedes it.
        code: Its exit code.
        page: Whether it writes ``drift.html``, which is kept.
    """

    command: str
    why: str
    opens: bool = False
    code: Exit = Exit.DONE
    page: bool = False


STEPS: Final = (
    Step("reconciler validate specs", "are the specs valid?", opens=True),
    Step("reconciler plan specs --local --summary", "what would change?"),
    Step("reconciler apply specs --local", "apply it, and verify", opens=True),
    Step("reconciler plan specs --local --summary", "nothing is left to do"),
    Step(f"reconciler emulator --data .reconciler/local --console {_MOVE}", "", opens=True),
    Step(
        "reconciler drift specs --local --dataset circuit-boards-train --report drift.html",
        "exits with 4",
        code=Exit.DRIFT,
        page=True,
    ),
    Step("reconciler apply specs --local --dataset circuit-boards-train", "revert the drift", opens=True),
    Step("reconciler plan specs --local --summary", "nothing is left to do"),
)


def main() -> int:
    """Run the demo; return 0 if every command exits as expected."""
    if not SPECS.is_dir():
        sys.stderr.write(f"demo: {SPECS} is missing; the demo runs in a clone of the project\n")
        return Exit.UNEXPECTED
    _say(
        "All of this is real output. Type it yourself: python3 dev.py run reconciler validate specs, and so on."
    )
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as name:
        directory = Path(name)
        shutil.copytree(SPECS, directory / "specs")
        upload(directory / "specs", directory / ".reconciler" / "local")
        for step in STEPS:
            _say(f"\n{_prompt(step)}" if step.opens else _prompt(step))
            code = _run(step.command, directory)
            if code != step.code:
                sys.stderr.write(f"demo: the command exited with {code}, not {step.code:d}\n")
                return Exit.UNEXPECTED
            if step.page:
                _keep(directory / "drift.html")
    return Exit.DONE


def upload(specs: Path, data: Path) -> None:
    """
    Draw the images of every dataset, and put them into buckets; 2 s for thirty.

    Args:
        data: Where the emulator keeps its data.
    """
    data.mkdir(parents=True)
    with closing(Emulator(data)) as emulator, closing(read(load(open_path(specs).tree))) as found:
        for desired in found.datasets:
            for source_ref, place in desired.index.items():
                path = source_ref.removeprefix("s3:/")
                seen = meaning(orjson.loads(desired.read(source_ref, place)))
                _put(emulator, "/" + path.split("/")[1], b"")
                _put(emulator, path, picture(source_ref, seen))


def _put(emulator: Emulator, path: str, body: bytes) -> None:
    answer = emulator.handle(Request("PUT", path, {}, _SIGNED, body))
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.body.decode()}")


def _keep(page: Path) -> None:
    """Keep the page where the demo leaves no other trace; a clone that cannot be written to goes without."""
    try:
        PAGE.parent.mkdir(exist_ok=True)
        shutil.copyfile(page, PAGE)
    except OSError:
        return
    _say(f"\nThe same report as a page: {PAGE.as_uri()}")


def _run(command: str, directory: Path) -> int:
    """Run one command as it is written, its output going where ours goes."""
    words = shlex.split(command)[1:]
    # This interpreter and this package, from whatever directory.
    search = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": search}
    return subprocess.run(
        [sys.executable, "-m", "reconciler", *words],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,  # on a terminal, apply asks
    ).returncode


def _prompt(step: Step) -> str:
    why = f"  # {step.why}" if step.why else ""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        return f"\x1b[36m$ \x1b[1m{step.command}\x1b[0m\x1b[2m{why}\x1b[0m"
    return f"$ {step.command}{why}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
