"""
Read a file of which an earlier version is remembered: lines that are the same are not parsed, nor most even split.

Its bytes are compared with the remembered ones block by block, by one digest each. Lines of blocks that differ
are searched for among the remembered lines, first where they stood. Whatever is found, the result is that of
checking all lines: a property test compares the two.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import BinaryIO, Final, NamedTuple

from reconciler.core.entries.lines import MAX_LINE_BYTES, TEXT_DIGEST_BYTES, iter_blocks, text_digest
from reconciler.core.validation.judged.columns import BLOCK_LINES, Check, Columns, block_digest
from reconciler.core.validation.judged.totals import Part, changed
from reconciler.core.validation.judged.window import Window

_MORE_BYTES: Final = 1 << 11
_END_OF_LINE: Final = ord("\n")

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
        piece = window.lines(*carrier.wanted)
        if piece is None or not carrier.take_lines(piece):
            return None
        if not piece:
            return carrier.finish()


class _Place(NamedTuple):
    """Consecutive rows of columns, and the places of their labels."""

    first: int
    end: int
    first_label: int
    end_of_labels: int


class _Carrier:
    """
    Makes the columns of a file from its pieces and known columns.

    Known lines are carried over in runs of rows: from `_start` to `_row`, the one that is expected next.
    """

    def __init__(self, check: Check, known: Columns) -> None:
        self._check = check
        self._known = known
        self._seed = known.seed or 0
        self._found = Columns(self._seed)
        self._found.number_of_label.update(known.number_of_label)
        self._found.number_of_outcome.update(known.number_of_outcome)
        self._first_rows = [*accumulate(known.block_lines, initial=0)]
        self._block_sizes = known.block_sizes.tolist()
        self._rows: dict[bytes, int] = {}
        self._start = self._row = self._block = self._misses = 0  # _block is that of _row
        self._label = 0  # the first of _start
        self._dropped: list[_Place] = []  # known lines that are not carried over, and found ones that are new
        self._added: list[_Place] = []
        self._is_in_order = True

    @property
    def wanted(self) -> tuple[int, int]:
        """How many lines to take next, from the expected one to the end of its block, and the bytes to try."""
        if self._row == len(self._known):
            return BLOCK_LINES, _MORE_BYTES
        return self._first_rows[self._block + 1] - self._row, self._block_sizes[self._block] + _MORE_BYTES

    def take_blocks(self, window: Window) -> None:
        """Take as many blocks as are the expected ones."""
        known, first, block, size = self._known, self._block, self._block, TEXT_DIGEST_BYTES
        if self._row != self._first_rows[block]:
            return
        while block < len(self._block_sizes):
            wanted, at = self._block_sizes[block], block * size
            piece = window.ahead(wanted)[:wanted]
            # What has no end of line may be the beginning of a longer one.
            if block_digest(piece, self._seed) != known.blocks[at : at + size] or piece[-1] != _END_OF_LINE:
                break
            window.skip(wanted)
            block += 1
        if block > first:
            start, self._row = self._row, self._first_rows[block]
            self._found.sizes += known.sizes[start : self._row]
            self._found.blocks += known.blocks[first * size : block * size]
            self._found.block_lines += known.block_lines[first:block]
            self._found.block_sizes += known.block_sizes[first:block]
            self._block, self._misses = block, 0

    def take_lines(self, piece: bytes) -> bool:
        """Take lines one by one; return False if one is too long."""
        if not piece:
            return True
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
        self._found.blocks += block_digest(piece, self._seed)
        self._found.block_lines.append(len(texts))
        self._found.block_sizes.append(len(piece))
        self._block = bisect_right(self._first_rows, self._row) - 1
        return True

    def _take(self, text: bytes) -> None:
        digest, at = text_digest(text), self._row * TEXT_DIGEST_BYTES
        if self._known.digests[at : at + TEXT_DIGEST_BYTES] == digest:
            self._row += 1
            self._misses = 0
            return
        self._end_run()
        row = self._row_of(digest)
        if row is not None:
            counts, passed, label = self._known.label_counts, self._row, self._label
            self._label += sum(counts[passed:row]) - sum(counts[row:passed])
            self._dropped.append(_Place(passed, row, label, self._label))
            self._is_in_order = self._is_in_order and passed < row
            self._start, self._row, self._misses = row, row + 1, 0
            return
        at, label = len(self._found), len(self._found.labels)
        self._found.add((text,), self._check)
        self._added.append(_Place(at, at + 1, label, len(self._found.labels)))
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

    def _end_run(self) -> None:
        known, found, start, stop, label = self._known, self._found, self._start, self._row, self._label
        self._start, self._label = stop, label + sum(known.label_counts[start:stop])
        found.source_refs += known.source_refs[start:stop]
        found.digests += known.digests[start * TEXT_DIGEST_BYTES : stop * TEXT_DIGEST_BYTES]
        found.lengths += known.lengths[start:stop]
        found.outcomes += known.outcomes[start:stop]
        found.label_counts += known.label_counts[start:stop]
        found.labels += known.labels[label : self._label]

    def finish(self) -> Columns:
        self._end_run()
        known, found = self._known, self._found
        self._dropped.append(_Place(self._row, len(known), self._label, len(known.labels)))
        if self._is_in_order:
            parts = _part(known, self._dropped), _part(found, self._added)
            found.known_totals = changed(known.totals, *parts, list(found.number_of_outcome))
        return found


def _part(columns: Columns, places: Iterable[_Place]) -> Part:
    refs: list[str | None] = []
    outcomes, labels = array("I"), array("I")
    for first, end, first_label, end_of_labels in places:
        refs += columns.source_refs[first:end]
        outcomes += columns.outcomes[first:end]
        labels += columns.labels[first_label:end_of_labels]
    return Part(refs, outcomes, labels)
