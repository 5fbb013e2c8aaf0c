"""Fixtures that tests of commands share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.loaders import create_loader

from reconciler.emulator.server import Emulator, Running
from tests.account import serve

_LOADER = create_loader()


@pytest.fixture
def quick_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore sessions share the models that each would read again, 0.2 s each time."""
    monkeypatch.setattr("botocore.session.create_loader", lambda _: _LOADER)


@pytest.fixture
def emulator() -> Iterator[Running]:
    """Give an emulator on a port, in real time."""
    made = Emulator()
    with serve(made) as running:
        yield running
    made.close()
