"""What comes next in a stream, read in large pieces into one buffer and not copied again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Final

from reconciler.core.entries.lines import MAX_LINE_BYTES
from reconciler.core.validation.judged.columns import block_digest

_END_OF_LINE: Final = ord("\n")
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

    def skip_blocks(self, sizes: Sequence[int], digests: Sequence[bytes], first: int, seed: int) -> int:
        """
        Skip what comes next as far as it is known blocks, from the *first* on; return which one is expected next.

        Written out, for it is done for each block of a file: calls in it would cost as much as the digests.
        """
        view, start, end = self._view, self._start, self._end
        for block in range(first, len(sizes)):
            if (stop := start + sizes[block]) > end:
                self._start = start
                self._fill(sizes[block])
                view, start, end = self._view, self._start, self._end
                if (stop := start + sizes[block]) > end:
                    return block
            # What has no end of line may be the beginning of a longer one.
            if block_digest(view[start:stop], seed) != digests[block] or view[stop - 1] != _END_OF_LINE:
                self._start = start
                return block
            start = stop
        self._start = start
        return len(sizes)

    def lines(self, count: int, size: int) -> tuple[bytes, list[bytes]] | None:
        """
        Take the next *count* lines, or all that are left; None if one of them is too long.

        Returns:
            Them with their ends, and each without its last byte if that is an end of a line.

        Args:
            size: The bytes that they probably have.
        """
        while True:
            piece = bytes(self.ahead(size)[:size])
            parts = piece.split(b"\n", count)
            if len(parts) > count:
                piece = piece[: len(piece) - len(parts.pop())]
            elif len(piece) == size:  # there may be more
                if len(parts[-1]) > MAX_LINE_BYTES:
                    return None
                size *= 2
                continue
            elif not parts[-1]:
                parts.pop()
            self._start += len(piece)
            return piece, parts
