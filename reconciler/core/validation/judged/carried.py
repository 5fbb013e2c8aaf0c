"""
Read a file of which an earlier version is remembered: lines that are the same are not parsed, nor most even split.

Its bytes are compared with the remembered ones block by block, by one digest each. Lines of blocks that differ
are searched for among the remembered lines, first where they stood. Whatever is found, the result is that of
checking all lines: a property test compares the two.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import BinaryIO, Final

from reconciler.core.entries.lines import MAX_LINE_BYTES, TEXT_DIGEST_BYTES, iter_blocks, text_digest
from reconciler.core.validation.judged.columns import Check, Columns

_MORE_BYTES: Final = 1 << 16

_NEAR: Final = 64
"""Lines that are searched for a line where it stood; only then all are, which costs more."""


def read_columns(stream: BinaryIO, check: Check, *, remember: bool) -> Columns:
    """
    Check all lines of a file.

    Args:
        remember: Compute what is needed to store them.
    """
    found = Columns()
    for block in iter_blocks(stream):
        found.add_block(block, check, remember=remember)
    return found


def carry_over(stream: BinaryIO, check: Check, known: Columns) -> Columns | None:
    """
    Do the same for a file of which other lines, such as those of an earlier version, are *known*.

    None if a line is so long that it is cut.
    """
    carrier = _Carrier(check, known)
    while piece := stream.read(carrier.wanted):
        if not piece.endswith(b"\n"):
            piece += stream.readline(MAX_LINE_BYTES + 2)
        elif carrier.take_block(piece):
            continue
        if not carrier.take_lines(piece):
            return None
    return carrier.finish()


class _Carrier:
    """
    Makes the columns of a file from its pieces and known columns.

    Known lines are carried over in runs of rows; `_run` is the current one.
    """

    def __init__(self, check: Check, known: Columns) -> None:
        self._check = check
        self._known = known
        self._found = Columns()
        self._found.number_of_label.update(known.number_of_label)
        self._found.number_of_outcome.update(known.number_of_outcome)
        self._first_labels = [*accumulate(known.label_counts, initial=0)]
        self._first_bytes = known.offsets
        self._first_rows = [*accumulate(known.block_lines, initial=0)]
        self._rows: dict[bytes, int] = {}
        self._run = range(0)
        self._row = self._block = self._misses = 0  # _row is the one that is expected next, _block its block

    @property
    def wanted(self) -> int:
        """The bytes to read next: those from the expected line to the end of its block, if they are the same."""
        if self._row == len(self._known):
            return _MORE_BYTES
        end = self._first_rows[self._block + 1]
        return self._first_bytes[end] - self._first_bytes[self._row]

    def take_block(self, piece: bytes) -> bool:
        """Take a block that is the expected one; return False if it is not."""
        known, block, start = self._known, self._block, self._row
        if start == len(known) or start != self._first_rows[block]:
            return False
        at = block * TEXT_DIGEST_BYTES
        digest = text_digest(piece)
        if known.blocks[at : at + TEXT_DIGEST_BYTES] != digest:
            return False
        end = self._first_rows[block + 1]
        self._carry(start, end)
        self._found.sizes += known.sizes[start:end]
        self._found.blocks += digest
        self._found.block_lines.append(end - start)
        self._row, self._block, self._misses = end, block + 1, 0
        return True

    def take_lines(self, piece: bytes) -> bool:
        """Take lines one by one; return False if one is cut."""
        texts = piece.split(b"\n")
        if not texts[-1]:
            texts.pop()
        sizes = [len(text) + 1 for text in texts]
        sizes[-1] -= not piece.endswith(b"\n")
        if b"\r" in piece:
            texts = [text.rstrip(b"\r") for text in texts]
        if max(map(len, texts)) > MAX_LINE_BYTES:
            return False
        for text in texts:
            self._take(text)
        self._found.sizes.extend(sizes)
        self._found.blocks += text_digest(piece)
        self._found.block_lines.append(len(texts))
        self._block = bisect_right(self._first_rows, self._row) - 1
        return True

    def _take(self, text: bytes) -> None:
        digest = text_digest(text)
        row = self._row_of(digest)
        if row is not None:
            self._carry(row, row + 1)
            self._row, self._misses = row + 1, 0
            return
        self._end_run()
        self._found.add((text,), self._check)
        self._found.digests += digest
        self._misses += 1

    def _row_of(self, digest: bytes) -> int | None:
        """Return the row of a known line with this digest; None if none is found."""
        digests, size = self._known.digests, TEXT_DIGEST_BYTES
        at = self._row * size
        near = digests.find(digest, at, at + _NEAR * size)
        if near >= 0 and near % size == 0:
            return near // size
        if not self._rows:
            if self._misses < _NEAR:
                return None
            whole = bytes(digests)
            starts = range(0, len(whole), size)
            self._rows = {whole[start : start + size]: row for row, start in enumerate(starts)}
        return self._rows.get(digest)

    def _carry(self, start: int, stop: int) -> None:
        """Carry known rows over, all but their sizes and blocks."""
        if start != self._run.stop:
            self._end_run()
            self._run = range(start, start)
        self._run = range(self._run.start, stop)

    def _end_run(self) -> None:
        known, found = self._known, self._found
        start, stop = self._run.start, self._run.stop
        found.source_refs += known.source_refs[start:stop]
        found.digests += known.digests[start * TEXT_DIGEST_BYTES : stop * TEXT_DIGEST_BYTES]
        found.lengths += known.lengths[start:stop]
        found.outcomes += known.outcomes[start:stop]
        found.label_counts += known.label_counts[start:stop]
        found.labels += known.labels[self._first_labels[start] : self._first_labels[stop]]
        self._run = range(0)

    def finish(self) -> Columns:
        self._end_run()
        return self._found
