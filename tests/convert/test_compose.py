"""The lines of a conversion, in a temporary file."""

import errno
import gc
import io

import pytest

from reconciler.convert import compose
from reconciler.convert.compose import ComposedLines
from reconciler.core.validation.problem import Origin
from reconciler.private import TemporaryFileError


class Full(io.RawIOBase):
    def writable(self):
        return True

    def readable(self):
        return True

    def seekable(self):
        return True

    def write(self, _):
        raise TemporaryFileError(errno.ENOSPC, "No space left on device", "tmp")


def no_file():
    raise TemporaryFileError(errno.ENOSPC, "No space left on device", "tmp")


def compose_one():
    ComposedLines().add("s3://b/a.jpg", b"x" * io.DEFAULT_BUFFER_SIZE * 2, Origin("a", 1))


@pytest.mark.parametrize("make", [lambda: io.BufferedRandom(Full()), no_file])
def test_a_full_disk_is_reported_once(make, monkeypatch):
    """What ends a conversion is the error; that the file cannot be closed either is no second one."""
    monkeypatch.setattr(compose, "temporary_file", make)
    unraisable = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)

    with pytest.raises(TemporaryFileError):
        compose_one()
    gc.collect()

    assert [] == unraisable
