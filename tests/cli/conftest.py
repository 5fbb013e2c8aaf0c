"""Fixtures that tests of commands share."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from botocore.loaders import create_loader

from reconciler.emulator.server import Emulator, Running
from tests.account import serve

_LOADER = create_loader()


@pytest.fixture
def quiet_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands log nothing."""
    monkeypatch.setattr("reconciler.cli.telemetry.configure_logs", lambda *_: None)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.fixture
def quick_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore sessions share the models that each would read again, 0.2 s each time."""
    monkeypatch.setattr("botocore.session.create_loader", lambda _: _LOADER)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet_log: None, quick_sessions: None) -> Path:
    """Work in an empty directory, and log nothing."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def emulator() -> Iterator[Running]:
    """Yield an emulator on a port, in real time."""
    made = Emulator()
    with serve(made) as running:
        yield running
    made.close()
