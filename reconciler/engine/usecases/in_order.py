"""
Give the desired lines of one dataset in the order of their source-refs, and hold none of them in memory.

Lines that stand in that order in their files, as every command writes them, are read where they are. Others are
sorted by SQLite, which keeps them in a temporary file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from operator import lt

import orjson

from reconciler.core.entries.entry import SOURCE_REF, sorted_line
from reconciler.core.entries.lines import Block, iter_blocks
from reconciler.core.validation import DatasetFacts, LineChecker, check_dataset
from reconciler.core.validation.codes import Code
from reconciler.core.validation.judged.columns import Check, Columns
from reconciler.core.validation.problem import has_error
from reconciler.errors import SourceError, SpecError
from reconciler.ports import LoadedDataset


@dataclass(slots=True)
class OrderedLines:
    """
    The lines of a dataset, none of which is wrong by itself.

    Attributes:
        first, last: Of all source-refs, in the order of code points.
        are_sorted: Whether each line follows the one before it in that order, so that none is repeated.
        have_keys: Whether some have keys of the service, which are never sent.
    """

    loaded: LoadedDataset
    facts: DatasetFacts = field(default_factory=DatasetFacts)
    first: str = ""
    last: str = ""
    are_sorted: bool = True
    have_keys: bool = False
    _hashes: list[int] = field(default_factory=list)

    def add(self, block: Block, check: Check) -> bool:
        """Check the lines of the next block; return False if one is wrong."""
        found = Columns()
        found.add(block.texts, check)
        problems = [problems for _, problems in found.number_of_outcome]
        if any(map(has_error, problems)):
            return False
        found.count(self.facts)
        self.have_keys |= any(one.code == Code.SERVICE_KEYS for one in chain.from_iterable(problems))
        self._hashes.append(hash(block.raw))
        if refs := [ref for ref in found.source_refs if ref is not None]:  # a blank line has none
            self.are_sorted = self.are_sorted and all(map(lt, (self.last, *refs), refs))
            self.first, self.last = min(self.first or refs[0], *refs), max(self.last, *refs)
        return True

    def lines(self) -> Iterator[bytes]:
        """
        Give the lines, without keys of the service.

        Raises:
            SourceError: A file has changed since the lines were checked, or there is no space to sort them.
            SpecError: Two lines are about one image.
        """
        found = self._lines_of_files()
        if not self.are_sorted:
            found = self._sorted(found)
        return (sorted_line(orjson.loads(raw)) for raw in found) if self.have_keys else found

    def _lines_of_files(self) -> Iterator[bytes]:
        for block, hashed in zip_longest(_blocks(self.loaded), self._hashes):
            if block is None or hash(block.raw) != hashed:
                raise SourceError(f"{self.loaded.name}: its files changed while they were in use")
            yield from filter(bytes.strip, block.texts)

    def _sorted(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        rows = ((orjson.loads(raw)[SOURCE_REF], raw) for raw in lines)
        last = ""
        try:
            with closing(sqlite3.connect("")) as table:
                table.execute("CREATE TABLE line (source_ref TEXT, raw BLOB)")
                table.executemany("INSERT INTO line VALUES (?, ?)", rows)
                for ref, raw in table.execute("SELECT source_ref, raw FROM line ORDER BY source_ref"):
                    if ref == last:
                        raise SpecError(f"{self.loaded.name} cannot be exported: two lines are about {ref}")
                    yield raw
                    last = ref
        except sqlite3.Error as exc:
            raise SourceError(f"{self.loaded.name}: its lines cannot be sorted below TMPDIR: {exc}") from exc


def read_in_order(loaded: LoadedDataset) -> OrderedLines | None:
    """Check every line of a dataset; return None if `validate` finds an error in it, or no line at all."""
    found, check = OrderedLines(loaded), LineChecker().check_all
    try:
        if not (loaded.usable and all(found.add(block, check) for block in _blocks(loaded))):
            return None
    except SourceError:
        return None
    if has_error(check_dataset(found.facts, loaded.target.kind)):
        return None
    return found if found.first or loaded.policy.allow_empty else None


def _blocks(loaded: LoadedDataset) -> Iterator[Block]:
    for file in loaded.files:
        with file.open() as stream:
            yield from iter_blocks(stream)
