"""The exit codes of the process, and which of several is the gravest."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """An exit code of the process; `cli.exits` describes each to users."""

    DONE = 0
    UNEXPECTED = 1
    PENDING = 2
    UNKNOWN = 3
    DRIFT = 4
    INVALID = 5
    BLOCKED = 6
    PARTIAL = 7
    DENIED = 8
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


# Gravest first. No dataset ends with USAGE, which doctor returns for an unusable state directory.
GRAVITY: Final = (
    Exit.USAGE,
    Exit.UNEXPECTED,
    Exit.DENIED,
    Exit.INVALID,
    Exit.UNKNOWN,
    Exit.BLOCKED,
    Exit.PARTIAL,
    Exit.DRIFT,
    Exit.PENDING,
    Exit.DONE,
)


def gravest(codes: Iterable[Exit]) -> Exit:
    """Return the gravest of these exit codes; DONE if there are none."""
    return min(codes, key=GRAVITY.index, default=Exit.DONE)
