"""
Find the objects of Git LFS that a repository has on this machine, by the digests that their pointers name.

Of a user's repository nothing is fetched: it can name any server (``.lfsconfig``), and extensions that are
programs. The user fetches what is missing with ``git lfs pull``. For a clone of ours, see `git.clone`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.core.spec.choices import Pointer

# The specification of Git LFS: keys in order, one a line, the version first, fewer than 1,024 bytes in all. A
# pointer with extensions (ext-…) names programs that restore the file, and does not match.
_MOST_BYTES: Final = 1_024
_POINTER: Final = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n"
)


def pointer_in(content: bytes) -> Pointer | None:
    """Return the pointer that the content of a file is; None if it is none, or one that cannot be followed."""
    found = _POINTER.fullmatch(content) if len(content) < _MOST_BYTES else None
    return Pointer(found[1].decode(), int(found[2])) if found else None


def open_object(common_dir: Path, digest: str) -> BinaryIO:
    """
    Open an object, whose bytes are not checked.

    Args:
        common_dir: The git directory that all work trees of the repository share.

    Raises:
        OSError: It is not there.
    """
    return (common_dir / "lfs" / "objects" / digest[:2] / digest[2:4] / digest).open("rb")
