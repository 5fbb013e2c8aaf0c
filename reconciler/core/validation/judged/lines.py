"""Join what was found in the files of a dataset: its facts, its problems, and its usable lines."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import chain, compress
from typing import BinaryIO, Final, NamedTuple, TypeVar

from reconciler.core.entries.index import Index, IndexedLines
from reconciler.core.entries.lines import TEXT_DIGEST_BYTES, iter_blocks, text_digest
from reconciler.core.entries.listed_form import are_compact
from reconciler.core.validation.dataset import DatasetFacts, duplicate_source_ref
from reconciler.core.validation.judged.columns import Columns, hashes_of, unclean
from reconciler.core.validation.judged.totals import is_unusable
from reconciler.core.validation.judged.warned import WarnedLines
from reconciler.core.validation.problem import Origin, Problem

T = TypeVar("T")

_CLEAN, _WARNED, _UNUSABLE = range(3)

NO_LINES: Final = Columns()


class _File(NamedTuple):
    """
    The lines of one file.

    Attributes:
        unusable: The rows of lines that have an error, or are blank.
        warned: The rows of others with problems.
    """

    columns: Columns
    unusable: Sequence[int]
    warned: Sequence[int]


class DatasetLines:
    """
    The lines of one dataset.

    A source-ref is void if one of its lines has an error, or if it has several: which one is meant is not known.

    Args:
        files: What was found in each file, in order.
    """

    def __init__(self, files: Iterable[Columns] = ()) -> None:
        self._files = [*map(_sorted_out, files)]

    def __getstate__(self) -> dict[str, object]:
        return {"_files": self._files}  # the rest follows from it

    @property
    def size(self) -> int:
        """The bytes of all lines, without their ends."""
        return sum(sum(columns.lengths) for columns, _, _ in self._files)

    @cached_property
    def void(self) -> frozenset[str]:
        refs = [columns.source_refs for columns, _, _ in self._files]
        if (
            len(self._files) == 1
            and not self._files[0].unusable
            and self._files[0].columns.totals.are_distinct
        ):
            return frozenset()
        found = {lines.source_refs[row] for lines, unusable, _ in self._files for row in unusable}
        if len(set(chain.from_iterable(refs))) != sum(map(len, refs)):
            found |= {ref for ref, count in Counter(chain.from_iterable(refs)).items() if count > 1}
        return frozenset(ref for ref in found if ref is not None)

    @property
    def source_refs(self) -> set[str]:
        """Return every source-ref, the void ones included."""
        every = set(chain.from_iterable(columns.source_refs for columns, _, _ in self._files))
        return {ref for ref in every if ref is not None}

    @cached_property
    def facts(self) -> DatasetFacts:
        facts = DatasetFacts()
        for columns, _, _ in self._files:
            columns.count(facts)
        return facts

    def problems(self, origin_of: Callable[[int, int], Origin]) -> list[Problem]:
        """
        Return what is wrong, but for the warnings of usable lines; in order.

        Args:
            origin_of: Returns the place of a line by the numbers of its file and of the line, as in `Place`.
        """
        found: list[Problem] = []
        seen: dict[str, Origin | None] = {}  # no place once it is void
        for number, (columns, unusable, _) in enumerate(self._files):
            outcomes, bad = list(columns.number_of_outcome), set(unusable)
            for row in self._doubtful(columns, unusable):
                ref, here = columns.source_refs[row], origin_of(number, row + 1)
                if row in bad:
                    found += (problem.at(here, ref) for problem in outcomes[columns.outcomes[row]][1])
                    if ref is not None:
                        seen[ref] = None
                elif ref is not None:
                    found += _repetition(ref, here, seen)
        return found

    def _doubtful(self, columns: Columns, unusable: Sequence[int]) -> Sequence[int]:
        """Return the rows of lines that are unusable, or whose source-ref is void."""
        if not (void := self.void):
            return unusable
        return sorted({*unusable, *(row for row, ref in enumerate(columns.source_refs) if ref in void)})

    @cached_property
    def warned(self) -> Sequence[WarnedLines]:
        """Return the lines that have warnings only."""
        found = []
        for number, (columns, _, rows) in enumerate(self._files):
            problems = [problems for _, problems in columns.number_of_outcome]
            if rows:
                part = WarnedLines(
                    number,
                    [row + 1 for row in rows],
                    [*map(str, columns.source_refs.at(rows))],
                    [*map(columns.outcomes.__getitem__, rows)],
                    problems,
                )
                found.append(part)
        return found

    @cached_property
    def index(self) -> Index:
        """Return the usable lines."""
        files, texts, is_compact = [], bytearray(), True
        for columns, usable in self._usable:
            lines = IndexedLines(
                [ref for ref in _chosen(columns.source_refs, usable) if ref is not None],
                _chosen(columns.offsets[:-1], usable),
                _chosen(columns.lengths, usable),
                _chosen(range(1, len(columns) + 1), usable),
                _chosen(columns.hashes, usable) if columns.has_hashes else None,
            )
            files.append(lines)
            texts += columns.digests if 0 not in usable else b"".join(_digests_of(columns, usable))
            is_compact = is_compact and columns.is_compact
        has_texts = len(texts) == TEXT_DIGEST_BYTES * self.count
        return Index(files, self.void, bytes(texts) if has_texts else b"", is_compact=is_compact)

    @cached_property
    def count(self) -> int:
        """Return how many lines are usable."""
        return sum(usable.count(1) for _, usable in self._usable)

    @cached_property
    def _usable(self) -> Sequence[tuple[Columns, bytearray]]:
        """Return the lines of each file, and 1 for those that are usable."""
        return [
            (columns, _all_but(columns, self._doubtful(columns, unusable)))
            for columns, unusable, _ in self._files
        ]

    def read_hashes(self, files: Iterable[BinaryIO]) -> tuple[array[int], bool] | None:
        """
        Return the hashes of the usable lines, and whether all are compact; None if the files are not as they were.

        Args:
            files: Opened, in order.
        """
        hashes, is_compact = array("q"), True
        for (columns, usable), stream in zip(self._usable, files, strict=True):
            if columns.has_hashes:
                hashes.extend(compress(columns.hashes, usable))
                is_compact = is_compact and columns.is_compact
                continue
            dirty, row = unclean(enumerate(columns.number_of_outcome)), 0
            stream.seek(0)
            for block in iter_blocks(stream):
                texts, end = block.texts, row + len(block.texts)
                digests = columns.digests[row * TEXT_DIGEST_BYTES : end * TEXT_DIGEST_BYTES]
                if b"".join(map(text_digest, texts)) != digests:
                    return None
                found = hashes_of(texts, columns.outcomes[row:end], dirty)
                hashes.extend(compress(found, usable[row:end]))
                is_compact, row = is_compact and are_compact(texts), end
            if row != len(columns):
                return None
        return hashes, is_compact


def _sorted_out(columns: Columns) -> _File:
    sorts = [_sort(problems) for _, problems in columns.number_of_outcome]
    unusable, warned = (
        columns.rows_of({number for number, sort in enumerate(sorts) if sort == wanted})
        for wanted in (_UNUSABLE, _WARNED)
    )
    return _File(columns, unusable, warned)


def _sort(problems: Sequence[Problem]) -> int:
    if is_unusable(problems):
        return _UNUSABLE
    return _WARNED if problems else _CLEAN


def _all_but(columns: Columns, rows: Iterable[int]) -> bytearray:
    """Return 1 for each line, and 0 for those in some rows."""
    found = bytearray(b"\1") * len(columns)
    for row in rows:
        found[row] = 0
    return found


def _chosen(column: Iterable[T], usable: bytearray) -> Iterable[T]:
    """Return the values of usable lines; where all are usable, the column itself, which is copied at once."""
    return compress(column, usable) if 0 in usable else column


def _digests_of(columns: Columns, usable: Iterable[int]) -> Iterable[bytes]:
    size = TEXT_DIGEST_BYTES
    for row in compress(range(len(columns)), usable):
        yield bytes(columns.digests[row * size : row * size + size])


def _repetition(ref: str, here: Origin, seen: dict[str, Origin | None]) -> Sequence[Problem]:
    """Name both places of a source-ref that has several lines; note the place of the first."""
    if ref not in seen:
        seen[ref] = here
        return ()
    first, seen[ref] = seen[ref], None
    if first is None:  # its other line is already known to be unusable
        return (duplicate_source_ref(ref, None).at(here, ref),)
    return tuple(
        duplicate_source_ref(ref, there).at(place, ref) for place, there in ((first, here), (here, first))
    )
