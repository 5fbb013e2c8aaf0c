"""
What was found in the lines of spec files, one file for each, and in whole datasets.

Only this user may have written it, under the same rules, and whole: anything else counts as nothing. A file of
250,000 lines takes about 24 MB.
"""

from __future__ import annotations

import os
import sys
import time
import zlib
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import orjson

import reconciler
from reconciler.core.validation.judged.columns import JudgedFile
from reconciler.core.validation.judged.dataset import JudgedDataset
from reconciler.private import is_private, private_directory, temporary_beside

T = TypeVar("T")

_OF_FILE: Final = ".judged"
_OF_DATASET: Final = ".dataset"
_UNUSED_SECONDS: Final = 30 * 86_400.0
_CHECKSUM_BYTES: Final = 4

# The code that decides what is found in a line, and how it is remembered.
_RULES: Final = ("core/validation/**/*", "core/entries/*", "core/runtime/*", "engine/usecases/reading")

_file_decoder = msgspec.msgpack.Decoder(JudgedFile)
_dataset_decoder = msgspec.msgpack.Decoder(JudgedDataset)
_encoder = msgspec.msgpack.Encoder()


def cache_directory() -> Path | None:
    """
    Return the directory for what may be lost, after the XDG Base Directory Specification.

    None for a user without a home, such as the arbitrary one of a container.
    """
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(home) if home.startswith("/") else Path.home() / ".cache") / "reconciler"
    except RuntimeError:
        return None


class JudgedFiles:
    """
    `ports.JudgedFiles` in a directory, which is created when something is stored.

    Args:
        directory: None to remember nothing.
        read_only: Store nothing.
    """

    def __init__(self, directory: Path | None, *, read_only: bool = False) -> None:
        self._directory = directory or Path(os.devnull)
        self.read_only = read_only or directory is None

    def of(self, name: str) -> JudgedFile | None:
        return self._read(name, _OF_FILE, _file_decoder)

    def put(self, name: str, judged: JudgedFile) -> None:
        self._write(name, _OF_FILE, _encoder.encode(judged))

    def dataset(self, name: str) -> JudgedDataset | None:
        return self._read(name, _OF_DATASET, _dataset_decoder)

    def put_dataset(self, name: str, judged: JudgedDataset) -> None:
        self._write(name, _OF_DATASET, _encoder.encode(judged))

    def _read(self, name: str, ending: str, decoder: msgspec.msgpack.Decoder[T]) -> T | None:
        try:
            with self._path(name, ending).open("rb", buffering=0) as stream:  # a buffer would copy all
                if not is_private(os.fstat(stream.fileno())):
                    return None
                os.utime(stream.fileno())
                rules, checksum = stream.read(len(_rules())), stream.read(_CHECKSUM_BYTES)
                if rules != _rules() or not rules:
                    return None
                body = stream.read()
            return decoder.decode(body) if checksum == _checksum(body) else None
        except (OSError, ValueError, RuntimeError, msgspec.DecodeError):
            return None

    def _write(self, name: str, ending: str, body: bytes) -> None:
        if self.read_only or not _rules():
            return
        with suppress(OSError, RuntimeError):
            private_directory(self._directory)
            path = self._path(name, ending)
            with temporary_beside(path) as (new, stream):
                stream.write(_rules() + _checksum(body))
                stream.write(body)
                stream.flush()
                new.replace(path)
            self._forget_unused()

    def _path(self, name: str, ending: str) -> Path:
        whole = os.fsencode(Path(name).absolute())
        return self._directory / (blake2b(whole, digest_size=16).hexdigest() + ending)

    def _forget_unused(self) -> None:
        oldest = time.time() - _UNUSED_SECONDS
        for path in self._directory.iterdir():
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def _checksum(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "big")


@lru_cache(maxsize=1)
def _rules() -> bytes:
    """
    Return a digest of the code that judges lines and of what it runs on; empty if it cannot be read.

    Of the code itself, not of a version: a rule that was changed in a checkout counts at once.
    """
    versions = (sys.version, sys.byteorder, msgspec.__version__, orjson.__version__, reconciler.__version__)
    total = blake2b(repr(versions).encode(), digest_size=16)
    root = Path(reconciler.__file__).parent
    files = [path for part in _RULES for path in sorted(root.glob(f"{part}.py"))]
    try:
        for path in files:
            total.update(path.read_bytes())
    except OSError:
        return b""
    return total.digest() if files else b""
