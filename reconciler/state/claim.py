"""A lock per dataset: of the processes that share a state directory, one at a time writes to it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import Claimed, StateError
from reconciler.private import private_directory, state_directory


@contextmanager
def claimed(directory: Path, dataset: str) -> Iterator[None]:
    """
    Lock a dataset within the block. The operating system releases the lock when the process ends.

    Raises:
        Claimed: Another process holds it.
        StateError: The state directory cannot be used.
    """
    path = directory / "claims" / f"{dataset}.lock"
    try:
        state_directory(directory)
        private_directory(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise StateError(f"{path}: {exc.strerror or exc}") from exc
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise Claimed(
                f"process {owner} is writing to {dataset!r} from the same state directory"
            ) from None
        os.truncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
