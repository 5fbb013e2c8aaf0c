"""What tests of commands share."""

from __future__ import annotations

import pytest
from botocore.loaders import create_loader

_LOADER = create_loader()


@pytest.fixture
def quick_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sessions of botocore share the models that each reads anew otherwise, 0.2 s a time."""
    monkeypatch.setattr("botocore.session.create_loader", lambda _: _LOADER)
