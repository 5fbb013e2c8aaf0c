"""Backups in files: one compressed JSON Lines file for each apply that overwrites lines."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from reconciler.errors import StateError
from reconciler.ports import Backup, BackupHeader
from reconciler.private import (
    TemporaryFileError,
    private_directory,
    state_directory,
    temporary_beside,
    temporary_file,
)

FORMAT: Final = "snapshot/v1"
SUFFIX: Final = ".jsonl.gz"

MAX_FILES: Final = 50
"""Backups per dataset; the oldest are deleted first, the newest never."""

MAX_BYTES: Final = 200_000_000
"""Compressed size of all backups of one dataset. A line takes about 60 bytes."""

_DAMAGED: Final = (EOFError, zlib.error, gzip.BadGzipFile, ValueError, KeyError, TypeError)


class Backups:
    """
    `ports.Backups` below a directory: ``DATASET/TIME-PLAN.jsonl.gz``, a header and then the lines.

    Args:
        most_files, most_bytes: Limits per dataset.
    """

    def __init__(self, directory: Path, *, most_files: int = MAX_FILES, most_bytes: int = MAX_BYTES) -> None:
        self._directory = directory
        self._most_files = most_files
        self._most_bytes = most_bytes

    def keep(self, head: BackupHeader, lines: Iterable[bytes]) -> Backup:
        name = f"{_moment(head.at)}-{head.plan}"
        path = self._path(head.dataset, name)
        with _explained(path):
            state_directory(self._directory.parent)
            for directory in (self._directory, path.parent):
                private_directory(directory)
            _write(path, head, lines)
            if (found := sum(1 for _ in _lines(path))) != head.entries:
                path.unlink()
                raise StateError(f"{path}: holds {found} lines instead of {head.entries}")
            self._make_room(path)
            return Backup(name, head, path.stat().st_size)

    def drop(self, backup: Backup) -> None:
        with suppress(OSError):
            self._path(backup.head.dataset, backup.id).unlink()

    def of(self, dataset: str) -> Sequence[Backup]:
        found = []
        for path in sorted((self._directory / dataset).glob(f"*{SUFFIX}")):
            try:
                with gzip.open(path) as stream:
                    head = _read_head(stream)
                found.append(Backup(path.name.removesuffix(SUFFIX), head, path.stat().st_size))
            except (OSError, *_DAMAGED):
                continue
        return found

    def open(self, dataset: str, backup_id: str) -> BinaryIO:
        path = self._path(dataset, backup_id)
        stream = temporary_file()
        try:
            with _explained(path):
                with gzip.open(path) as packed:
                    head = _read_head(packed)
                found = 0
                for line in _lines(path):
                    stream.write(line)
                    found += 1
                if found != head.entries:
                    raise StateError(f"{path}: damaged: {found} lines instead of {head.entries}")
                stream.seek(0)
        except BaseException:
            stream.close()
            raise
        return stream

    def _path(self, dataset: str, backup_id: str) -> Path:
        return self._directory / dataset / f"{backup_id}{SUFFIX}"

    def _make_room(self, newest: Path) -> None:
        """Delete unfinished files of killed processes, and the oldest backups beyond the limits."""
        for unfinished in newest.parent.glob(f".*{SUFFIX}.*"):  # the claim keeps other writers away
            unfinished.unlink(missing_ok=True)
        paths = sorted(path for path in newest.parent.glob(f"*{SUFFIX}") if path != newest)
        sizes = [path.stat().st_size for path in (*paths, newest)]
        while paths and (len(sizes) > self._most_files or sum(sizes) > self._most_bytes):
            paths.pop(0).unlink(missing_ok=True)
            sizes.pop(0)


def _write(path: Path, head: BackupHeader, lines: Iterable[bytes]) -> None:
    """Write a temporary file, flush it to the disk, and rename it."""
    header = {"format": FORMAT, **head._asdict()}
    with temporary_beside(path) as (new, raw):
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
            packed.write(orjson.dumps(header) + b"\n")
            packed.writelines(line + b"\n" for line in lines)
        raw.flush()
        os.fsync(raw.fileno())
        new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _read_head(stream: Iterable[bytes]) -> BackupHeader:
    header = orjson.loads(next(iter(stream), b""))
    if header.pop("format") != FORMAT:
        raise ValueError("of another format")
    return BackupHeader(**header)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield every line after the header, with its line end."""
    with gzip.open(path) as packed:
        next(packed, None)
        yield from packed


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S.%fZ")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        raise StateError(f"{path}: there is no such snapshot") from exc
    except TemporaryFileError:
        raise
    except OSError as exc:  # gzip's own error is one, without a strerror
        raise StateError(f"{path}: {exc.strerror or exc}") from exc
    except _DAMAGED as exc:
        raise StateError(f"{path}: damaged: {exc}") from exc
