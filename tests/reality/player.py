"""Plays a case: the real command as a process, in a directory of its own, against the stand-in for AWS."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.blackbox.lab import Lab, Ran, image_level, ref
from tests.blackbox.standin import Garbled, Refusal
from tests.reality.case import Answer, Aws, Case, Content, Expected, Input, Step, filled
from tests.waiting import until

GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER")
       for what, text in (("NAME", "A"), ("EMAIL", "a@example.org"), ("DATE", "2026-03-01T12:00:00Z"))},
}  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Player:
    lab: Lab
    port: int = field(default_factory=free_port)
    started: subprocess.Popen[str] | None = None

    def play(self, raw: dict[str, Any], variant: dict[str, Any]) -> None:
        names = {"DIR": str(self.lab.directory), "AWS": self.lab.url, "PORT": self.port, **variant}
        case = Case.model_validate(filled(raw, names))
        single = [Step(input=case.input, expected=case.expected)] if case.input else []
        try:
            for step in single + case.steps:
                self._take(step.input, step.expected)
        finally:
            if self.started is not None:
                self.started.kill()
                self.started.wait()
        assert self.lab.service.violations == []

    def _take(self, given: Input, expected: Expected) -> None:
        self._prepare(given)
        if given.run is not None:
            self._run(given, expected)
        elif given.start is not None:
            self._start(given)
        elif given.get is not None or given.post is not None:
            self._ask(given, expected)
        elif given.stop is not None:
            assert self.started is not None, "nothing was started"
            self.started.send_signal(signal.Signals[f"SIG{given.stop}"])
            code = self.started.wait(60)
            check(Ran(code, *(path.read_text() for path in self._streams)), expected)
            self.started = None
        self._inspect(expected)

    @property
    def _streams(self) -> tuple[Path, Path]:
        return self.lab.directory / "stdout", self.lab.directory / "stderr"

    def _start(self, given: Input) -> None:
        """Into files: a pipe that nobody reads would stop a talkative process."""
        out, err = self._streams
        with out.open("w") as stdout, err.open("w") as stderr:
            self.started = self.lab.start(*_words(given.start or ""), stdout=stdout, stderr=stderr)

    def _run(self, given: Input, expected: Expected) -> None:
        source = self.lab.write("stdin", given.stdin)
        with source.open() as stdin:
            check(self.lab.run(*_words(given.run or ""), stdin=stdin), expected)

    def _prepare(self, given: Input) -> None:
        for name, content in given.files.items():
            if content is None:
                (self.lab.directory / name).unlink()
            else:
                self.lab.write(name, _bytes(content))
        if given.shell:
            env = {**self.lab.environment(), **GIT}
            done = subprocess.run(
                ["sh", "-euc", given.shell], cwd=self.lab.directory, env=env, capture_output=True, text=True
            )
            assert done.returncode == 0, f"shell: {done.stdout}{done.stderr}"
        for name, value in given.env.items():
            self.lab.env[name] = value
        self._arrange(given.aws)

    def _arrange(self, aws: Aws) -> None:
        service = self.lab.service
        for place, content in aws.datasets.items():
            project, _, kind = place.partition("/")
            if content is None:
                del service.projects[project].datasets[kind]
            else:
                service.make(project, kind, _bytes(content).decode().splitlines())
        for source_ref, members in aws.changed.items():
            service.change(source_ref, members)
        for operation, answers in aws.answers.items():
            service.faults[operation] = [_fault(answer) for answer in answers for _ in range(answer.times)]
        for name, value in aws.habits.items():
            assert hasattr(service.habits, name), f"no habit {name}"
            setattr(service.habits, name, frozenset(value) if isinstance(value, list) else value)

    def _ask(self, given: Input, expected: Expected) -> None:
        """Ask until the answer is as expected; a post is sent once."""
        deadline = time.monotonic() + expected.within

        def as_expected() -> bool:
            try:
                check(self._answer(given), expected)
                self._inspect(expected)
            except (AssertionError, urllib.error.URLError, ConnectionError):
                if time.monotonic() > deadline or given.post is not None:
                    raise
                return False
            return True

        until(as_expected, expected.within + 10)

    def _answer(self, given: Input) -> Ran:
        url = f"http://127.0.0.1:{self.port}{given.get or given.post}"
        data = given.body.encode() if given.post is not None else None
        request = urllib.request.Request(url, data, given.headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return Ran(answer.status, answer.read().decode(), str(answer.headers))
        except urllib.error.HTTPError as refused:
            with refused:
                return Ran(refused.code, refused.read().decode(), str(refused.headers))

    def _inspect(self, expected: Expected) -> None:
        for name, wanted in expected.files.items():
            path = self.lab.directory / name
            _compare(path.read_text() if path.exists() else ABSENT, wanted, name)
        for place, wanted in expected.aws.items():
            _compare(len(self.lab.service.entries(*place.split("/"))), wanted, place)
        for operation, wanted in expected.calls.items():
            service = self.lab.service
            made = len(service.writes) if operation == "writes" else service.count(operation)
            _compare(made, wanted, f"calls of {operation}")


def check(ran: Ran, expected: Expected) -> None:
    """Hold what a process, or an HTTP answer, left behind against what is expected."""
    code = expected.status if expected.exit is None else expected.exit
    assert code is None or ran.code in (code if isinstance(code, list) else [code]), f"expected {code}: {ran}"
    for path, wanted in expected.json_.items():
        _compare(member(ran.json, path), wanted, f"{path}: {ran}")
    for what, text in (("out", ran.out), ("err", ran.err)):
        for part in getattr(expected, what):
            assert part in text, f"{what} lacks {part!r}: {ran}"
        for part in getattr(expected, f"{what}_lacks"):
            assert part not in text, f"{what} holds {part!r}: {ran}"
    assert "Traceback" not in ran.err, ran
    assert "unexpected failure" not in ran.err, ran


ABSENT = object()


def member(document: Any, path: str) -> Any:
    """Return what stands at a dotted path; a number counts in a list, and `*` is every item of it."""
    for number, key in enumerate(steps := path.split(".")):
        if key == "*":
            rest = ".".join(steps[number + 1 :])
            return [member(item, rest) if rest else item for item in document]
        try:
            document = document[int(key)] if isinstance(document, list) else document[key]
        except (KeyError, IndexError, ValueError, TypeError):
            return ABSENT
    return document


def _compare(found: Any, wanted: Any, where: str) -> None:
    """Compare by value, or by one of contains, lacks, length, not and absent."""
    if not isinstance(wanted, dict) or len(wanted) != 1:
        assert found == wanted, f"found {found!r}, not {wanted!r} at {where}"
        return
    ((how, value),) = wanted.items()
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, default=repr)
    holds = {
        "contains": lambda: value in text,
        "lacks": lambda: value not in text,
        "length": lambda: len(found) == value,
        "not": lambda: found != value,
        "absent": lambda: (found is ABSENT) is value,
    }.get(how, lambda: found == wanted)
    assert holds(), f"found {found!r}, not {wanted!r} at {where}"


def _words(arguments: str | list[str]) -> list[str]:
    return arguments if isinstance(arguments, list) else shlex.split(arguments)


def _bytes(content: str | Content) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if content.dataset is not None:
        return json.dumps(Lab.document(content.name, **content.dataset), indent=1).encode()
    if content.images is not None:
        numbers = range(content.first, content.first + content.images)
        return "".join(image_level(ref(n), content.label) + "\n" for n in numbers).encode()
    return bytes.fromhex(content.hex) if content.hex else (content.text or "").encode(content.encoding)


def _fault(answer: Answer) -> Any:
    if answer.error:
        return Refusal(answer.error, answer.message, answer.status or 400)
    if answer.raw is not None:
        return Garbled(answer.raw, answer.status or 200)
    if answer.lost:
        return "hang up after the effect"
    if (members := answer.merge) is not None:
        return lambda true: _merged(true, members)
    return None


def _merged(true: dict[str, Any], members: dict[str, Any]) -> dict[str, Any]:
    """Return the true answer with *members* in place of its own; objects are merged, null removes."""
    result = dict(true)
    for key, value in members.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = _merged(result[key], value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result
