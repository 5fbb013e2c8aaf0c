"""Files and directories that their owner alone may read: what is remembered names images, and who may see them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def private_directory(path: Path) -> None:
    """
    Make a directory for its owner alone, whatever the umask; one that is there stays as it is.

    Raises:
        OSError: It cannot be made.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)  # a umask may have taken even that away


def state_directory(path: Path) -> None:
    """
    Make the state directory, and keep git from adding it to a commit.

    One that holds anything is left as it is: it may be a directory that holds other things, too.

    Raises:
        OSError: It cannot be made.
    """
    private_directory(path)
    if next(path.iterdir(), None) is None:
        with suppress(FileExistsError), path.joinpath(".gitignore").open("x") as stream:
            private_file(Path(stream.name))
            stream.write("*\n")


def private_file(path: Path) -> None:
    """
    Make a file for its owner alone, if there is none, and take from others what they may do with it.

    Raises:
        OSError: It cannot be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with suppress(PermissionError):  # it is somebody else's, who lets us
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)
