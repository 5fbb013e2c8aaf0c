"""
Give the lines of one dataset in the order of their source-refs: those that AWS holds, or those that are desired.

None are held in memory. Desired lines that stand in that order in their files, as every command writes them, are
read where they are; others are sorted by SQLite, which keeps them in a temporary file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from operator import lt
from typing import NamedTuple

import orjson

from reconciler.core.entries.entry import SOURCE_REF, error_codes, sorted_line
from reconciler.core.entries.index import Place
from reconciler.core.entries.lines import Block, Line, iter_blocks
from reconciler.core.entries.observed_line import UNREADABLE, parse_observed
from reconciler.core.planning.diff import place_of
from reconciler.core.spec.choices import DatasetType
from reconciler.core.validation.codes import Code
from reconciler.core.validation.dataset import DatasetFacts, check_dataset
from reconciler.core.validation.judged.columns import Check, Columns
from reconciler.core.validation.line import LineChecker, check_line
from reconciler.core.validation.problem import has_error
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.listing import SpooledListing
from reconciler.engine.dataset.observe import list_whole
from reconciler.engine.dataset.retry import retry
from reconciler.errors import ListingMoved, NotFound, SourceError, SpecError, UnknownAnswer
from reconciler.ports import LoadedDataset


@dataclass(frozen=True, slots=True)
class Exported:
    """
    A dataset, read whole.

    Attributes:
        kept: Source-refs of all that can be desired, sorted.
        refused: What cannot, since validation refuses it, and why: the codes of each, sorted.
        marked: Source-refs of those kept that the service holds with error lists all the same, sorted.
    """

    arn: str
    kept: tuple[str, ...]
    refused: Mapping[str, tuple[str, ...]]
    marked: tuple[str, ...]
    _places: Mapping[str, Place]
    _spool: SpooledListing

    def lines(self, source_refs: Iterable[str]) -> Iterator[bytes]:
        """Yield the lines of these, in one form whatever form the service gave them."""
        for source_ref in source_refs:
            yield sorted_line(parse_observed(self._spool.read(self._places[source_ref])))

    def close(self) -> None:
        self._spool.close()


def export(project: str, dataset_type: DatasetType, context: Context, wait_seconds: float) -> Exported:
    """
    Read one dataset. Makes no call that writes.

    Raises:
        NotFound: There is no such project or dataset.
        ListingIncomplete: It holds other entries than it lists.
        GatewayError: It could not be read whole.
    """
    deadline = context.clock.now() + wait_seconds
    found = retry(lambda: context.gateway.locate(project, dataset_type), context.clock, deadline)
    if found.dataset_arn is None:
        missing = f"{dataset_type} dataset of project" if found.project_arn else "project"
        raise NotFound(f"there is no {missing} {project!r} in this account and Region")
    listed = list_whole(project, found.dataset_arn, context, deadline, _collect)
    listed.require_whole()
    seen, spool = listed.result, listed.spool
    kept = tuple(sorted(seen.places.keys() - seen.refused.keys()))
    refused = dict(sorted(seen.refused.items()))
    marked = tuple(sorted(seen.marked - seen.refused.keys()))
    return Exported(found.dataset_arn, kept, refused, marked, seen.places, spool)


class _Seen(NamedTuple):
    """What a listing holds."""

    places: dict[str, Place]
    refused: dict[str, tuple[str, ...]]
    marked: set[str]


def _collect(lines: Iterator[Line]) -> _Seen:
    places, refused, marked = seen = _Seen({}, {}, set())
    for line in lines:
        fields = parse_observed(line[0])
        if not isinstance(source_ref := fields.get(SOURCE_REF), str):
            raise UnknownAnswer("a listed line names no image; exporting it would lose it")
        if source_ref in places:
            raise ListingMoved(f"{source_ref} is listed twice: the listing is not one state")
        places[source_ref] = place_of(line)
        if error_codes(fields):
            marked.add(source_ref)
        if UNREADABLE in fields:
            refused[source_ref] = error_codes(fields)
            continue
        checked = check_line(sorted_line(fields))
        if not checked.is_valid:
            refused[source_ref] = tuple(sorted({one.code for one in checked.problems if one.is_error}))
    return seen


@dataclass(slots=True)
class OrderedLines:
    """
    The lines of a dataset, each valid by itself.

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
        Yield the lines, without keys of the service.

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
