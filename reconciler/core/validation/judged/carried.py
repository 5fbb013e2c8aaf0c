"""
Read a file of which an earlier version is remembered: lines that are the same are not parsed, nor most even split.

Its bytes are compared with the remembered ones block by block, by one digest each. Lines of blocks that differ
are searched for among the remembered lines, first where they stood. The columns are put together at the end, of
runs of known lines and the new ones between them. Whatever is found, the result is that of checking all lines: a
property test compares the two.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import BinaryIO, Final

from reconciler.core.entries.lines import MAX_LINE_BYTES, TEXT_DIGEST_BYTES, iter_blocks
from reconciler.core.validation.judged.columns import BLOCK_LINES, Check, Columns, block_digest
from reconciler.core.validation.judged.joined import Run, join
from reconciler.core.validation.judged.window import Window

_MORE_BYTES: Final = 1 << 11
_MAX_UNCHECKED: Final = 256
"""Lines that are checked at once: in bulk each costs half as much."""

_NEAR: Final = 64
"""Lines that are searched for a line where it stood; only then all are, which costs more."""


def read_columns(stream: BinaryIO, check: Check, seed: int | None = None) -> Columns:
    """Check all lines of a file; with a *seed* they can be stored."""
    found = Columns(seed)
    for block in iter_blocks(stream):
        found.add_block(block, check)
    return found


def carry_over(stream: BinaryIO, check: Check, known: Columns) -> Columns | None:
    """
    Do the same for a file of which other lines, such as those of an earlier version, are *known*.

    None if a line is so long that it is cut.
    """
    window, carrier = Window(stream), _Carrier(check, known)
    while True:
        carrier.take_blocks(window)
        taken = window.lines(*carrier.wanted)
        if taken is None or not carrier.take_lines(*taken):
            return None
        if not taken[0]:
            return carrier.finish()


class _Carrier:
    """
    Makes the columns of a file from its pieces and known columns.

    Known lines are carried over in runs of rows: from `_start` to `_row`, the one that is expected next.
    """

    def __init__(self, check: Check, known: Columns) -> None:
        self._check = check
        self._known = known
        self._seed = known.seed or 0
        self._found, self._new = Columns(self._seed), Columns(self._seed)
        self._new.number_of_label.update(known.number_of_label)
        self._new.number_of_outcome.update(known.number_of_outcome)
        self._first_rows = [*accumulate(known.block_lines, initial=0)]
        self._sizes, self._blocks = known.block_sizes.tolist(), _pieces(known.blocks)
        self._marks = known.marks
        self._rows: dict[bytes, int] = {}
        self._start = self._row = self._block = self._misses = 0  # _block is that of _row
        self._runs: list[Run] = []
        self._unchecked: list[bytes] = []

    @property
    def wanted(self) -> tuple[int, int]:
        """How many lines to take next, from the expected one to the end of its block, and the bytes to try."""
        if self._row == len(self._known):
            return BLOCK_LINES, _MORE_BYTES
        return self._first_rows[self._block + 1] - self._row, self._sizes[self._block] + _MORE_BYTES

    def take_blocks(self, window: Window) -> None:
        """Take as many blocks as are the expected ones."""
        known, found, first, size = self._known, self._found, self._block, TEXT_DIGEST_BYTES
        if self._row != self._first_rows[first]:
            return
        block = window.skip_blocks(self._sizes, self._blocks, first, self._seed)
        if block > first:
            start, self._row = self._row, self._first_rows[block]
            found.sizes += known.sizes[start : self._row]
            found.blocks += known.blocks[first * size : block * size]
            found.block_lines += known.block_lines[first:block]
            found.block_sizes += known.block_sizes[first:block]
            self._block, self._misses = block, 0

    def take_lines(self, piece: bytes, texts: list[bytes]) -> bool:
        """Take lines one by one, given as `Window.lines` does; return False if one is too long."""
        if not piece:
            return True
        seed, marks = self._seed, self._marks
        sizes = [len(text) + 1 for text in texts]
        sizes[-1] -= not piece.endswith(b"\n")
        if b"\r" in piece:
            texts = [text.rstrip(b"\r") for text in texts]
        if max(sizes) > MAX_LINE_BYTES and max(map(len, texts)) > MAX_LINE_BYTES:
            return False
        for text in texts:
            mark, at = block_digest(text, seed), self._row * TEXT_DIGEST_BYTES
            if marks[at : at + TEXT_DIGEST_BYTES] == mark:
                self._row += 1
                self._misses = 0
            else:
                self._take_unexpected(text, mark)
        found = self._found
        found.sizes.extend(sizes)
        found.blocks += block_digest(piece, seed)
        found.block_lines.append(len(texts))
        found.block_sizes.append(len(piece))
        self._block = bisect_right(self._first_rows, self._row) - 1
        return True

    def _take_unexpected(self, text: bytes, mark: bytes) -> None:
        """Take a line that is not the expected one: go on from its row if it is known, else have it checked."""
        if self._row > self._start or not self._runs:  # else it follows a new line
            self._runs.append(Run(self._start, self._row, 0))
        row = self._row_of(mark)
        if row is not None:
            self._start, self._row, self._misses = row, row + 1, 0
            return
        self._runs[-1] = self._runs[-1]._replace(added=self._runs[-1].added + 1)
        self._start = self._row
        self._misses += 1
        self._unchecked.append(text)
        if len(self._unchecked) == _MAX_UNCHECKED:
            self._check_new()

    def _check_new(self) -> None:
        if self._unchecked:
            self._new.add(self._unchecked, self._check)
            self._new.add_digests(self._unchecked, self._seed)
            self._unchecked.clear()

    def _row_of(self, mark: bytes) -> int | None:
        """Return the row of a known line with this mark; None if none is found."""
        marks, size = self._marks, TEXT_DIGEST_BYTES
        at = self._row * size
        near = marks.find(mark, at, at + _NEAR * size)
        if near >= 0 and near % size == 0:
            return near // size
        if not self._rows:
            if self._misses < _NEAR:
                return None
            self._rows = {known: row for row, known in enumerate(_pieces(marks))}
        return self._rows.get(mark)

    def finish(self) -> Columns:
        self._check_new()
        if self._row > self._start or not self._runs:
            self._runs.append(Run(self._start, self._row, 0))
        join(self._found, self._known, self._new, self._runs)
        return self._found


def _pieces(digests: bytes | bytearray) -> list[bytes]:
    whole, size = bytes(digests), TEXT_DIGEST_BYTES
    return [whole[at : at + size] for at in range(0, len(whole), size)]
