"""What comes next in a stream, read in large pieces into one buffer and not copied again."""

from __future__ import annotations

from typing import BinaryIO, Final

from reconciler.core.entries.lines import MAX_LINE_BYTES

_BUFFER_BYTES: Final = 1 << 19
"""What the cache of a core holds, so that what was read is digested from there."""


class Window:
    """Looks ahead in a stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._view = memoryview(bytearray(_BUFFER_BYTES))
        self._start = self._end = 0

    def ahead(self, size: int) -> memoryview:
        """Return the next bytes: at least *size*, but for the end of the stream."""
        if self._end - self._start < size:
            self._fill(size)
        return self._view[self._start : self._end]

    def _fill(self, size: int) -> None:
        rest = self._view[self._start : self._end]
        if size > len(self._view):
            self._view = memoryview(bytearray(2 * size))
        self._view[: len(rest)] = rest
        self._start, self._end = 0, len(rest)
        while self._end < len(self._view):
            read = self._stream.readinto(self._view[self._end :])  # type: ignore[attr-defined]  # all have it
            if not read:
                break
            self._end += read

    def skip(self, size: int) -> None:
        self._start += size

    def lines(self, count: int, size: int) -> bytes | None:
        """
        Take the next *count* lines with their ends, or all that are left; None if one of them is too long.

        Args:
            size: The bytes that they probably have.
        """
        while True:
            piece = bytes(self.ahead(size)[:size])
            parts = piece.split(b"\n", count)
            if len(parts) > count:
                piece = piece[: len(piece) - len(parts[-1])]
            elif len(piece) == size:  # there may be more
                if len(parts[-1]) > MAX_LINE_BYTES:
                    return None
                size *= 2
                continue
            self.skip(len(piece))
            return piece
