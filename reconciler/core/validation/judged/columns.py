"""
What the rules found in the lines of one file: a column for each fact, so that all is stored and reused in bulk.

The rules for a line know nothing but the line, so that two lines with one text have one result. What was found in
a file holds for its next version, where the lines are the same.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import accumulate, chain, compress, pairwise
from operator import sub
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from xxhash import xxh3_128_digest

from reconciler.core.entries.lines import MAX_LINE_BYTES, TEXT_DIGEST_BYTES, Block, text_digest
from reconciler.core.entries.listed_form import are_compact, hash_desired
from reconciler.core.validation.checked_line import CheckedLines, LabelKinds, Outcome
from reconciler.core.validation.codes import Code
from reconciler.core.validation.dataset import DatasetFacts
from reconciler.core.validation.judged.source_refs import SourceRefs, StoredRefs
from reconciler.core.validation.judged.totals import Part, Totals, added_up
from reconciler.core.validation.judged.warned import restored
from reconciler.core.validation.problem import Problem

T = TypeVar("T")

_OF_A_BYTE: Final = 256

BLOCK_LINES: Final = 8
"""Lines that one digest tells to be the same. With fewer there are more digests, with more a change costs more."""


class JudgedFile(Struct, array_like=True, frozen=True):
    """
    The `Columns` of a file, as they are stored: numbers as 32-bit integers in the order of this machine.

    Views, so that megabytes are not copied between the columns and the file.

    Attributes:
        refs: The source-refs, which most edits leave as they are.
        marks: The block digest of each line without its end, one after the other.
        seed: Of `block_digest`.
        blocks: The digests of the blocks, one after the other.
        block_lines, block_sizes: The number of lines in each block, and of bytes.
        label_names, distinct: What the numbers of `labels` and `outcomes` stand for.
    """

    refs: StoredRefs
    marks: memoryview
    digests: memoryview
    sizes: memoryview
    lengths: memoryview
    outcomes: memoryview
    label_counts: memoryview
    labels: memoryview
    seed: int
    blocks: memoryview
    block_lines: memoryview
    block_sizes: memoryview
    totals: Totals
    label_names: list[str]
    distinct: list[tuple[LabelKinds, tuple[Problem, ...]]]


class Numbers(dict[T, int]):
    """Numbers of values, from 0, in the order in which they were first asked for."""

    def __missing__(self, value: T) -> int:
        number = self[value] = len(self)
        return number


Check = Callable[[Sequence[bytes]], CheckedLines]
"""Checks consecutive lines, at least one."""


block_digest: Final = xxh3_128_digest
"""
Returns what tells consecutive lines, with their ends, from others, or a line without its end, by a seed.

Ten times as fast as a cryptographic digest, of which that of all blocks would be a third of the CPU of a check
after an edit. Who writes lines cannot prepare others with the same digest, for the seed is drawn again for each
file that is remembered, and stored where only its user can read.
"""


class Columns:
    """
    The lines of one file and what was found in them.

    Args:
        seed: Of the digests of blocks; None to compute nothing that only storing needs.

    Attributes:
        source_refs: Of each line; None if it has none.
        marks: What tells each line from others, one after the other; empty if they are not to be remembered.
        sizes, lengths: The bytes of each line, with its end and without.
        outcomes: Of each line the number of its kind and its problems.
        label_counts, labels: How many labels each line has, and the numbers of all, line after line.
        hashes: Of each line, as `Index.text_hash` returns it; none at all if some lines were carried over.
        is_compact: Whether `source-ref` is the first key of all lines that have hashes.
        digests: The text digests, in the same way.
        blocks, block_lines, block_sizes: The digests of consecutive lines with their ends, the numbers of those
            lines, and of their bytes.
        is_storable: False if a line was cut.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.source_refs = SourceRefs()
        self.sizes, self.lengths = array("I"), array("I")
        self.outcomes, self.label_counts, self.labels = array("I"), array("I"), array("I")
        self.hashes = array("q")
        self.is_compact = True
        self.marks, self.digests = bytearray(), bytearray()
        self.blocks: bytes | bytearray = bytearray()
        self.block_lines, self.block_sizes = array("I"), array("I")
        self.number_of_label: Numbers[str] = Numbers()
        self.number_of_outcome: Numbers[Outcome] = Numbers()
        self._unclean: set[int] = set()
        self.is_storable = True
        self.known_totals: Totals | None = None  # none while lines are added

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def has_hashes(self) -> bool:
        return len(self.hashes) == len(self)

    def add(self, texts: Sequence[bytes], check: Check) -> Sequence[int]:
        """Check consecutive lines, at least one; return the number of the outcome of each."""
        refs, labels, outcomes = check(texts)
        known = len(self.number_of_outcome)
        numbers = array("I", map(self.number_of_outcome.__getitem__, outcomes))
        if len(self.number_of_outcome) > known:
            self._unclean |= unclean(zip(numbers, outcomes, strict=True))
        self.source_refs.extend(refs)
        self.lengths.extend(map(len, texts))
        self.outcomes += numbers
        self.label_counts.extend(map(len, labels))
        self.labels.extend(map(self.number_of_label.__getitem__, chain.from_iterable(labels)))
        return numbers

    def add_block(self, block: Block, check: Check) -> None:
        """Check the lines of a block."""
        texts, numbers = block.texts, self.add(block.texts, check)
        starts = [*block.offsets, block.end]
        self.sizes.extend(map(sub, starts[1:], starts))
        if self.seed is not None:
            self.add_digests(texts, self.seed)
            self._add_blocks(block.raw, [start - starts[0] for start in starts], self.seed)
            self.is_storable = self.is_storable and max(map(len, texts)) <= MAX_LINE_BYTES
        self.hashes.extend(hashes_of(texts, numbers, self._unclean))
        self.is_compact = self.is_compact and are_compact(texts)

    def add_digests(self, texts: Sequence[bytes], seed: int) -> None:
        """Add what tells the lines that were added last from others."""
        self.marks += b"".join([block_digest(text, seed) for text in texts])
        self.digests += b"".join([text_digest(text) for text in texts])

    def _add_blocks(self, raw: bytes, starts: Sequence[int], seed: int) -> None:
        bounds = [*starts[:-1:BLOCK_LINES], starts[-1]]
        self.blocks += b"".join([block_digest(raw[start:end], seed) for start, end in pairwise(bounds)])
        count = len(starts) - 1
        self.block_sizes.extend(end - start for start, end in pairwise(bounds))
        self.block_lines.extend(min(BLOCK_LINES, count - done) for done in range(0, count, BLOCK_LINES))

    @property
    def offsets(self) -> list[int]:
        """Return the bytes before each line, and those of all."""
        return list(accumulate(self.sizes, initial=0))

    def rows_of(self, outcomes: AbstractSet[int]) -> Sequence[int]:
        """Return the rows of lines with these outcomes, by their numbers."""
        if not outcomes:
            return ()
        if len(self.number_of_outcome) > _OF_A_BYTE:
            return array("I", (row for row, number in enumerate(self.outcomes) if number in outcomes))
        first = 0 if sys.byteorder == "little" else self.outcomes.itemsize - 1
        numbers = self.outcomes.tobytes()[first :: self.outcomes.itemsize]  # one byte says each
        wanted = bytes(number in outcomes for number in range(_OF_A_BYTE))
        return array("I", compress(range(len(self)), numbers.translate(wanted)))

    @property
    def totals(self) -> Totals:
        """Return what all lines come to."""
        if self.known_totals is None:
            lines = Part(self.source_refs, self.outcomes, self.labels)
            self.known_totals = added_up(lines, list(self.number_of_outcome))
        return self.known_totals

    def count(self, facts: DatasetFacts) -> None:
        """Add all lines to the facts of their dataset."""
        outcomes, totals = list(self.number_of_outcome), self.totals
        for number, count in totals.outcomes.items():
            facts.count(*outcomes[number], count)
        names = list(self.number_of_label)
        facts.labels.update({names[number]: count for number, count in totals.labels.items()})
        facts.buckets.update(totals.buckets)

    def stored(self) -> JudgedFile | None:
        """
        Return what to remember; None if a line was cut, since then the texts do not say all.

        While it is in use, nothing can be added.
        """
        refs = self.source_refs.stored() if self.seed is not None and self.is_storable else None
        if self.seed is None or refs is None:
            return None
        totals, distinct, outcomes = self.totals, list(self.number_of_outcome), self.outcomes
        used = list(totals.outcomes)
        if len(used) < len(distinct):  # outcomes of lines that are gone are forgotten
            renumbered = {number: at for at, number in enumerate(used)}
            outcomes = array("I", map(renumbered.__getitem__, outcomes))
            distinct = [*map(distinct.__getitem__, used)]
            totals = replace(totals, outcomes=dict(enumerate(totals.outcomes.values())))
        return JudgedFile(
            refs,
            memoryview(self.marks),
            memoryview(self.digests),
            _bytes_of(self.sizes),
            _bytes_of(self.lengths),
            _bytes_of(outcomes),
            _bytes_of(self.label_counts),
            _bytes_of(self.labels),
            self.seed,
            memoryview(self.blocks),
            _bytes_of(self.block_lines),
            _bytes_of(self.block_sizes),
            totals,
            list(self.number_of_label),
            distinct,
        )


def _bytes_of(numbers: array[int]) -> memoryview:
    return memoryview(numbers).cast("B")


def restored_columns(known: JudgedFile) -> Columns:
    """
    Return the columns that were stored.

    Raises:
        ValueError: They do not hold together.
    """
    found, size = Columns(known.seed), TEXT_DIGEST_BYTES
    found.source_refs = SourceRefs(known.refs)
    found.marks, found.digests = bytearray(known.marks), bytearray(known.digests)
    found.blocks = bytes(known.blocks)
    for name in ("sizes", "lengths", "outcomes", "label_counts", "labels", "block_lines", "block_sizes"):
        getattr(found, name).frombytes(getattr(known, name))
    for label in known.label_names:
        found.number_of_label[label]
    for kind, problems in known.distinct:
        found.number_of_outcome[kind, tuple(map(restored, problems))]
    rows, totals = len(found), known.totals
    found.known_totals = totals
    # Only what costs nothing for each line: a checksum tells damage.
    if not (
        rows == len(found.sizes) == len(found.lengths) == len(found.label_counts) == len(found.source_refs)
        and len(found.digests) == len(found.marks) == rows * size
        and len(found.blocks) == len(found.block_lines) * size == len(found.block_sizes) * size
        and rows == sum(found.block_lines) == sum(totals.outcomes.values())
        and len(found.labels) == sum(totals.labels.values())
        and max(totals.labels, default=-1) < len(known.label_names) == len(found.number_of_label)
        and max(totals.outcomes, default=-1) < len(known.distinct) == len(found.number_of_outcome)
    ):
        raise ValueError("the remembered lines of a file do not hold together")
    return found


def hashes_of(texts: Sequence[bytes], outcomes: Sequence[int], unclean: AbstractSet[int]) -> Sequence[int]:
    """
    Return the hashes of lines by what is known of them; see `Index.text_hash`.

    Args:
        outcomes: The number of the outcome of each line.
        unclean: The numbers of those with which a line may hold service keys.
    """
    if unclean.isdisjoint(outcomes):
        return hash_desired(texts)
    return hash_desired(texts, [at for at, number in enumerate(outcomes) if number in unclean])


def unclean(outcomes: Iterable[tuple[int, Outcome]]) -> set[int]:
    """Return the numbers of the outcomes with which a line may hold service keys."""
    return {
        number
        for number, (_, problems) in outcomes
        if any(problem.code == Code.SERVICE_KEYS for problem in problems)
    }
