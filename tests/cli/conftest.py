"""What tests of commands share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.loaders import create_loader

from reconciler.emulator.server import Emulator, Running, serve

_LOADER = create_loader()


@pytest.fixture
def quick_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sessions of botocore share the models that each reads anew otherwise, 0.2 s a time."""
    monkeypatch.setattr("botocore.session.create_loader", lambda _: _LOADER)


@pytest.fixture
def emulator() -> Iterator[Running]:
    """Give an emulator on a port, whose time is real."""
    made = Emulator()
    with serve(made) as running:
        yield running
    made.close()
