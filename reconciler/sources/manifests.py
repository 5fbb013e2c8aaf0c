"""
Keep the files of entries that specs or pointers of Git LFS pin by digest, so that each is read from S3 once.

Every file is named after its SHA-256, belongs to this user alone, and is checked before it is used: it appears
under its name only when it is whole. Any number of processes may share a directory.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from reconciler.core.spec.choices import PinnedObject
from reconciler.errors import ManifestUnavailable, ManifestUnusable
from reconciler.ports import Download
from reconciler.private import is_private, private_directory

if TYPE_CHECKING:
    from reconciler.core.spec.documents import Target

MAX_BYTES: Final = 8 << 30
"""Of all files together; those that were used least recently are deleted first."""

REFUSED_SECONDS: Final = 15 * 60.0
"""How long an object with other bytes is not read again; a version of it never changes."""

_IN_USE_SECONDS: Final = 600.0  # a file that was opened this recently may be opened again: it is not deleted
_ENDING: Final = ".manifest"
_PART: Final = ".part"
_PIECE_BYTES: Final = 1 << 20

Take = Callable[[bytes], object]
"""Receives a file in pieces, in order."""


class ManifestCache:
    """
    `ports.Manifests` in a directory, which is created when something is stored. Thread-safe.

    Args:
        directory: Where the files are kept.
        most_bytes: See `MAX_BYTES`.

    Attributes:
        download: Reads what is missing from S3; None offline.
    """

    def __init__(
        self, directory: Path, download: Download | None = None, most_bytes: int = MAX_BYTES
    ) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._verified: set[tuple[int, ...]] = set()
        self._failures: dict[PinnedObject, ManifestUnavailable] = {}
        self._refused: dict[PinnedObject, tuple[ManifestUnusable, float]] = {}
        self.download = download

    def open(self, pinned: PinnedObject, target: Target) -> BinaryIO:
        stream = self._open_kept(pinned.sha256)
        if stream is not None:
            return stream
        if pinned in self._failures:
            raise self._failures[pinned]
        if self.download is None:
            raise ManifestUnavailable(
                f"{pinned} with SHA-256 {pinned.sha256} was not downloaded yet, and this command opens no "
                "connection: with --download it does"
            )
        error, at = self._refused.get(pinned, (None, 0.0))
        if error and (pinned.version_id or time.monotonic() - at < REFUSED_SECONDS):
            raise error
        try:
            return self._fill(str(pinned), pinned.sha256, partial(self.download, pinned, target))
        except ManifestUnusable as exc:
            self._refused[pinned] = exc, time.monotonic()
            raise

    def open_copy(self, name: str, digest: str, source: Callable[[], BinaryIO]) -> BinaryIO:
        def fill(take: Take) -> None:
            try:
                with source() as original:
                    while piece := original.read(_PIECE_BYTES):
                        take(piece)
            except OSError as exc:
                raise ManifestUnavailable(
                    f"{name}: its content cannot be copied: {exc.strerror or exc}"
                ) from exc

        return self._open_kept(digest) or self._fill(name, digest, fill)

    def fetch(self, pinned: PinnedObject, target: Target) -> None:
        """Download an object if it is not kept; an error is raised when the object is opened."""
        try:
            self.open(pinned, target).close()
        except ManifestUnavailable as exc:
            self._failures[pinned] = exc

    def has(self, digest: str) -> bool:
        """Return whether a file is kept that can be used."""
        stream = self._open_kept(digest)
        if stream is not None:
            stream.close()
        return stream is not None

    def _path(self, digest: str) -> Path:
        return self._directory / (digest + _ENDING)

    def _open_kept(self, digest: str) -> BinaryIO | None:
        """Open a kept file; one that is damaged, or that another user could have written, is deleted."""
        path = self._path(digest)
        try:
            stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        except OSError:
            return None
        try:
            found = os.fstat(stream.fileno())
            facts = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if facts not in self._verified:
                if not is_private(found) or file_digest(stream, "sha256").hexdigest() != digest:
                    stream.close()
                    path.unlink(missing_ok=True)
                    return None
                self._verified.add(facts)
            with suppress(OSError):  # the time of its last use; the other is part of what was verified
                os.utime(stream.fileno(), ns=(time.time_ns(), found.st_mtime_ns))
            stream.seek(0)
        except OSError:
            stream.close()
            return None
        return stream

    def _fill(self, name: str, digest: str, fill: Callable[[Take], object]) -> BinaryIO:
        """Store a file, unless another process does so meanwhile, and open it."""
        try:
            private_directory(self._directory)
            with _locked(self._path(digest).with_suffix(_PART)) as part:
                if not self.has(digest):
                    self._store(name, digest, fill, part)
        except OSError as exc:
            raise ManifestUnavailable(
                f"{name} cannot be kept in {self._directory}: {exc.strerror or exc}"
            ) from exc
        self._make_room()
        stream = self._open_kept(digest)
        if stream is None:
            raise ManifestUnavailable(f"{name}: the file was deleted or changed as soon as it was kept")
        return stream

    def _store(self, name: str, digest: str, fill: Callable[[Take], object], part: Path) -> None:
        total = sha256()
        try:
            with part.open("wb") as stream:

                def take(piece: bytes) -> None:
                    total.update(piece)
                    stream.write(piece)

                fill(take)
            if (found := total.hexdigest()) != digest:
                raise ManifestUnusable(
                    f"{name} has SHA-256 {found}, and git says {digest}: these are other bytes than were reviewed"
                )
            part.replace(self._path(digest))
        finally:
            part.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Delete the files that were used least recently, and what killed processes left behind."""
        now, kept = time.time(), 0
        with suppress(OSError):
            files = [(path, path.stat()) for path in self._directory.iterdir() if path.is_file()]
            files.sort(key=lambda file: file[1].st_atime_ns, reverse=True)
            for path, found in files:
                if path.suffix == _PART:
                    _delete_if_abandoned(path)
                    continue
                kept += found.st_size
                if kept > self._most_bytes and now - found.st_atime > _IN_USE_SECONDS:
                    kept -= found.st_size
                    path.unlink(missing_ok=True)


NOTHING_KEPT: Final = ManifestCache(Path(os.devnull))
"""For commands that do not read entries: every file is missing, and none is downloaded."""


@contextmanager
def _locked(path: Path) -> Iterator[Path]:
    """Create a file and lock it against other processes and threads; wait for the lock."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(handle, path):
                yield path
                return
        finally:
            os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    """Return whether an open file still has its name: the process that held the lock may have renamed it."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def _delete_if_abandoned(part: Path) -> None:
    with suppress(OSError):
        handle = os.open(part, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(handle, part):
                part.unlink()
        finally:
            os.close(handle)
