"""A directory with specs, a stand-in for AWS, and the command line as a real process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.blackbox import shapes
from tests.blackbox.standin import REGION, StandIn
from tests.preloaded import python

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "s3://acme-flowers/train/"


@dataclass(frozen=True)
class Ran:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def only(self) -> Any:
        """Return the one dataset of a JSON document."""
        (dataset,) = self.json["datasets"]
        return dataset

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out[-3000:]}\n--- stderr\n{self.err[-3000:]}"


@dataclass
class Lab:
    directory: Path
    service: StandIn
    url: str
    env: dict[str, str | None] = field(default_factory=dict)  # beside the usual ones; None unsets one
    program: str = "reconciler"

    @property
    def specs(self) -> Path:
        return self.directory / "specs"

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def lines(self, lines: Iterable[str], name: str = "train.jsonl") -> None:
        self.write(f"specs/{name}", "".join(line + "\n" for line in lines))

    def spec(self, name: str = "d", entries: str | list[str] = "train.jsonl", **spec: Any) -> None:
        """Write one Dataset; every argument replaces a part of its spec."""
        files = [entries] if isinstance(entries, str) else entries
        document = self.document(name, **{"entries": [{"file": name} for name in files], **spec})
        self.write(f"specs/{name}.yaml", json.dumps(document, indent=1))

    @staticmethod
    def document(name: str, **spec: Any) -> dict[str, Any]:
        """Return one Dataset; every argument replaces a part of its spec."""
        usual = {
            "target": {"project": "flowers", "type": "TRAIN"},
            "entries": [{"file": "train.jsonl"}],
            "policy": {"mode": "upsert"},
        }
        return {
            "apiVersion": "reconciler/v1",
            "kind": "Dataset",
            "metadata": {"name": name},
            "spec": {**usual, **spec},
        }

    def environment(self) -> dict[str, str]:
        variables: dict[str, str | None] = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "PYTHONPATH": str(ROOT),
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.url,
            **self.env,
        }
        return {name: value for name, value in variables.items() if value is not None}

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        self.service.run += 1
        env: Mapping[str, str] = options.pop("env", self.environment())
        return subprocess.Popen(
            [options.pop("python", sys.executable), "-m", self.program, *args],
            cwd=self.directory,
            env=env,
            text=True,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.PIPE),
            **options,
        )

    def finish(self, process: subprocess.Popen[str], timeout: float = 400.0) -> Ran:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"did not end: {process.args}\n{out}\n{err}") from None
        ran = Ran(process.returncode, out or "", err or "")
        if ran.out.startswith("{") and '"format":' in ran.out[:60] and ran.code not in (130, 143, -9):
            with contextlib.suppress(KeyError):  # a format that the contract does not draw
                shapes.check(ran.json)
        return ran

    def killed(
        self, *args: str, call: int = 0, when: Callable[[str], object] | None = None, after: float = 0.0
    ) -> None:
        """
        Start a command and kill it *after* seconds from its n-th *call*, or from the first call that *when* picks.

        Fails if the command had ended before: then nothing would have been tried.
        """
        before, made = self.service.before, len(self.service.calls)
        killers: list[threading.Timer] = []

        def kill(operation: str, _: dict[str, Any]) -> None:
            strikes = when(operation) if when else len(self.service.calls) - made == call
            if strikes and not killers:
                killers.append(threading.Timer(after, process.kill))
                killers[0].start()

        self.service.before = kill
        process = self.start(*args)
        ran = self.finish(process)
        self.service.before = before
        for killer in killers:
            killer.join()
        assert ran.code == -signal.SIGKILL, f"it ended before the kill: {ran}"

    def run(self, *args: str, **options: Any) -> Ran:
        """Run a command to its end; what is to be killed or stopped is started, by a Python of its own."""
        return self.finish(self.start(*args, **{"python": python(), **options}))

    def plan(self, *args: str) -> Ran:
        return self.run("plan", "-o", "json", *args)

    def apply(self, *args: str) -> Ran:
        return self.run("apply", "-o", "json", *args)

    def assert_in_order(self) -> None:
        """The rules that hold whatever happens."""
        assert self.service.violations == []
        assert self.service.too_fast() == {}
        assert self.service.unauthenticated == 0


# --- lines ---------------------------------------------------------------------------------------------------


def ref(number: int | str, base: str = BUCKET) -> str:
    return f"{base}img_{number:04}.jpg" if isinstance(number, int) else base + number


def image_level(source_ref: str, *labels: str, **extra: Any) -> str:
    """Return a classification line; without labels, an unlabelled entry."""
    fields: dict[str, Any] = {"source-ref": source_ref, **extra}
    for number, label in enumerate(labels):
        fields[f"a{number}"] = 1
        fields[f"a{number}-metadata"] = {
            "confidence": 1,
            "job-name": f"labeling-job/{label}",
            "class-name": label,
            "human-annotated": "yes",
            "creation-date": "2021-07-11T03:33:42.025Z",
            "type": "groundtruth/image-classification",
        }
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def boxes(source_ref: str, *places: tuple[str, float, float, float, float]) -> str:
    """Return an object detection line; each place is (label, left, top, width, height)."""
    names = sorted({place[0] for place in places})
    fields = {
        "source-ref": source_ref,
        "bb": {
            "annotations": [
                {"class_id": names.index(label), "left": x, "top": y, "width": w, "height": h}
                for label, x, y, w, h in places
            ],
            "image_size": [{"width": 640, "height": 480, "depth": 3}],
        },
        "bb-metadata": {
            "objects": [{"confidence": 1} for _ in places],
            "class-map": {str(number): name for number, name in enumerate(names)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2013-11-18T02:53:27",
            "job-name": "my job",
        },
    }
    return json.dumps(fields)


def mixed(count: int) -> list[str]:
    """Return lines of every kind that occurs."""
    made = []
    for n in range(count):
        match n % 5:
            case 0:
                made.append(image_level(ref(n), "rose"))
            case 1:
                made.append(image_level(ref(n), "tulip", "with_leaves"))
            case 2:
                made.append(boxes(ref(n), ("rose", 10, 20, 30, 40), ("tulip", 50.5, 60.25, 70, 80)))
            case 3:
                made.append(image_level(ref(n)))
            case _:
                made.append(image_level(ref(f"größe {n} 日本.png"), "rose", note="kept", id=n))
    return made
