"""
The examples of a page, run.

A fenced block marked ``yaml`` whose first line is a comment with a path is that file. One marked ``console``
is a session: after ``$ `` a command, below it all that it prints. A command ends with 0, or with what a
comment behind it says: ``# exits with 4``. A line that holds only ``…`` stands for any lines.

Blocks share a directory with a copy of `specs/`, from the top of the page or from a comment ``<!-- session -->``
to the next of these. It may hold what has happened before: ``<!-- session: reconciler apply specs --local -->``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.preloaded import python

ROOT = Path(__file__).parents[2]

# What differs from run to run: the moment in an ARN, and moments.
_VARYING = ((re.compile(r"\d{13}"), "1" * 13), (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "MOMENT"))


class Call(NamedTuple):
    """A command of a page, and what the page promises of it."""

    line: int
    command: str
    code: int
    output: str


_SESSION = re.compile(r"<!-- session(?:: (.*))? -->")


def sessions(path: Path) -> list[list[Call]]:
    """Return the commands of a page that are run one after the other, in a directory of their own."""
    result: list[list[Call]] = [[]]
    for token in MarkdownIt().parse(path.read_text("utf-8")):
        if token.type == "html_block" and (mark := _SESSION.match(token.content)):
            result.append([Call(token.map[0] + 1, mark[1], 0, "…")] if mark[1] else [])
        elif token.type == "fence" and token.info == "console":
            result[-1].extend(_calls(token))
    return [calls for calls in result if calls]


def _calls(fence: Token) -> Iterator[Call]:
    parts = re.split(r"^\$ (.*)\n", fence.content, flags=re.MULTILINE)[1:]
    for command, output in zip(parts[::2], parts[1::2], strict=True):
        code = re.search(r"# exits with (\d+)$", command)
        yield Call(fence.map[0] + 1, command, int(code[1]) if code else 0, output.strip("\n"))


class Page:
    """One page of the documentation, and the directory in which its examples are run."""

    def __init__(self, path: Path, directory: Path) -> None:
        self._fences = [t for t in MarkdownIt().parse(path.read_text("utf-8")) if t.type == "fence"]
        self._directory = directory

    def prepare(self) -> None:
        """Copy the specs, put `reconciler` on the path, write the files that the page shows."""
        shutil.copytree(ROOT / "specs", self._directory / "specs")
        program = self._directory / ".bin" / "reconciler"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {python()} -m reconciler "$@"\n')
        program.chmod(0o755)
        for fence in self._fences:
            if fence.info == "yaml" and (name := re.match(r"# (\S+\.yaml)\n", fence.content)):
                file = self._directory / name[1]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(fence.content)

    def run(self, call: Call) -> tuple[int, str]:
        """Return the exit code of a command and all that it printed."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        search = f"{self._directory / '.bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", call.command],
            cwd=self._directory,
            env={**kept, "PATH": search, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout.strip("\n")


def fits(expected: str, output: str) -> bool:
    """Return whether *output* is what a page shows, but for what differs from run to run."""
    lines = _constant(expected).split("\n")
    pattern = "\n".join(".*" if line.strip() == "…" else re.escape(line) for line in lines)
    return re.fullmatch(pattern, _constant(output), re.DOTALL) is not None


def _constant(text: str) -> str:
    for varying, constant in _VARYING:
        text = varying.sub(constant, text)
    return text
