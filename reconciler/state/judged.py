"""
What was found in the lines of spec files, two files for each, and in whole datasets.

Only this user may have written it, under the same rules, and whole: anything else counts as nothing. Of 250,000
lines it takes about 29 MB. Source-refs are more than half of that, and have a file of their own: most edits change
none, and leave it as it is.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
import orjson
from xxhash import xxh3_128

import reconciler
from reconciler.core.validation.judged.columns import JudgedFile
from reconciler.core.validation.judged.dataset import JudgedDataset
from reconciler.core.validation.judged.source_refs import StoredRefs
from reconciler.private import is_private, private_directory, temporary_beside

_OF_FILE: Final = ".judged"
_OF_REFS: Final = ".refs"
_OF_DATASET: Final = ".dataset"
_UNUSED_SECONDS: Final = 30 * 86_400.0
_CHECKSUM_BYTES: Final = 16
_SIZE_BYTES: Final = 8

# The code that decides what is found in a line, and how it is remembered.
_RULES: Final = ("core/validation/**/*", "core/entries/*", "core/runtime/*", "engine/usecases/reading")

_file_decoder = msgspec.msgpack.Decoder(JudgedFile)
_dataset_decoder = msgspec.msgpack.Decoder(JudgedDataset)
_encoder = msgspec.msgpack.Encoder()


def cache_directory() -> Path | None:
    """
    Return the directory for disposable data, by the XDG Base Directory Specification.

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
        """Return the remembered results for a file, if the source-refs beside it belong to it."""
        lines = self._read(name, _OF_FILE)
        refs = lines and self._read(name, _OF_REFS, bytes(lines[:_CHECKSUM_BYTES]))
        if not lines or not refs:
            return None
        size = _SIZE_BYTES + int.from_bytes(refs[:_SIZE_BYTES], "big")
        try:
            found = _file_decoder.decode(lines[_CHECKSUM_BYTES:])
        except (ValueError, RuntimeError, msgspec.DecodeError):
            return None
        return msgspec.structs.replace(found, refs=StoredRefs(refs[_SIZE_BYTES:size], refs[size:]))

    def put(self, name: str, judged: JudgedFile) -> None:
        refs = judged.refs
        parts = (len(refs.ends).to_bytes(_SIZE_BYTES, "big"), refs.ends, refs.text)
        checksum = _checksum(*parts)
        if not self._is_stored(name, checksum):
            self._write(name, _OF_REFS, *parts)
        lines = _encoder.encode(msgspec.structs.replace(judged, refs=StoredRefs()))
        self._write(name, _OF_FILE, checksum, lines)

    def dataset(self, name: str) -> JudgedDataset | None:
        body = self._read(name, _OF_DATASET)
        try:
            return None if body is None else _dataset_decoder.decode(body)
        except (ValueError, RuntimeError, msgspec.DecodeError):
            return None

    def put_dataset(self, name: str, judged: JudgedDataset) -> None:
        self._write(name, _OF_DATASET, _encoder.encode(judged))

    def _read(self, name: str, ending: str, expected: bytes = b"") -> memoryview | None:
        """Return the body of a file whose checksum is its own, and is the expected one if there is one."""
        try:
            with self._path(name, ending).open("rb", buffering=0) as stream:  # a buffer would copy all
                if not is_private(os.fstat(stream.fileno())):
                    return None
                os.utime(stream.fileno())
                rules, checksum = stream.read(len(_rules())), stream.read(_CHECKSUM_BYTES)
                if rules != _rules() or not rules or checksum != (expected or checksum):
                    return None
                body = memoryview(stream.read())
            return body if checksum == _checksum(body) else None
        except (OSError, RuntimeError):
            return None

    def _is_stored(self, name: str, checksum: bytes) -> bool:
        """Return whether the source-refs of a file with this checksum are there."""
        try:
            with self._path(name, _OF_REFS).open("rb", buffering=0) as stream:
                return stream.read(len(_rules()) + _CHECKSUM_BYTES) == _rules() + checksum
        except (OSError, RuntimeError):
            return False

    def _write(self, name: str, ending: str, *parts: bytes | memoryview) -> None:
        if self.read_only or not _rules():
            return
        with suppress(OSError, RuntimeError):
            private_directory(self._directory)
            path = self._path(name, ending)
            with temporary_beside(path) as (new, stream):
                stream.write(_rules() + _checksum(*parts))
                for part in parts:
                    stream.write(part)
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


def _checksum(*parts: bytes | memoryview) -> bytes:
    total = xxh3_128()
    for part in parts:
        total.update(part)
    return total.digest()


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
