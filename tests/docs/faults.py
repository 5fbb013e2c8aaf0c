"""
The faults that tests try, for the table in docs/reliability.md.

A test, or a case in tests/reality, bears the mark ``fault``: what strikes, where, what is promised then, and where
it was reported. How often it is tried is counted by pytest itself: this module is a plugin that prints it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
_BEGINNING = "faults: "


class Fault(NamedTuple):
    where: str
    what: str
    promise: str
    report: str


def pytest_collection_finish(session: pytest.Session) -> None:
    """Print every fault that a collected test is marked with, and how many tests try it."""
    marks = (item.get_closest_marker("fault") for item in session.items)
    tried = Counter(Fault(*mark.args, **{"report": "", **mark.kwargs}) for mark in marks if mark)
    print(_BEGINNING + json.dumps([[*fault, count] for fault, count in tried.items()]))


def collected() -> list[tuple[Fault, int]]:
    """Return every fault, in the order of where it strikes, and how often all lanes together try it."""
    words = ["-m", "pytest", "--collect-only", "-qq", "-m", "", "-p", "tests.docs.faults", "tests"]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith(_BEGINNING))
    rows = ((Fault(*row[:-1]), row[-1]) for row in json.loads(line.removeprefix(_BEGINNING)))
    return sorted(rows, key=lambda row: (row[0].where, row[0].what))
