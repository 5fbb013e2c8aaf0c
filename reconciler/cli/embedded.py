"""Run the embedded emulator of ``--local``, which keeps its data in the state directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from reconciler.errors import StateError, StateUnusable
from reconciler.private import private_directory, state_directory

LOCAL_ACCOUNT: Final = "111122223333"
LOCAL_REGION: Final = "us-east-1"

# Keeps the SDK from reading this machine's configuration, which may be broken or name a missing profile.
NO_CONFIGURATION: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


@contextmanager
def emulator_in(data: Path) -> Iterator[str]:
    """
    Yield the URL of an emulator with its data in this directory.

    Raises:
        StateUnusable: The directory cannot be used.
        StateError: Its data cannot be used now.
    """
    import sqlite3

    from reconciler.emulator.server import Emulator, serve

    try:
        state_directory(data.parent)
        private_directory(data)
        emulator = Emulator(data)
    except OSError as exc:
        raise StateUnusable(f"--state-dir: {data}: {exc.strerror or exc}") from exc
    except sqlite3.Error as exc:
        raise StateError(f"{data}: {exc}") from exc
    try:
        with serve(emulator) as running:
            yield running.url
    finally:
        emulator.close()
