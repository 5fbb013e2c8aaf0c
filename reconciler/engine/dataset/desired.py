"""Read what is desired of one dataset: every line once, checked, indexed by source-ref, and let go."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import BinaryIO, Final

from reconciler.core.entries.equality import Equality, Ignore
from reconciler.core.entries.index import Index, Place
from reconciler.core.entries.lines import iter_lines
from reconciler.core.entries.pattern import globs, pointer
from reconciler.core.planning import guard
from reconciler.core.planning.remembered import TEXT_DIGEST_BYTES, text_digests
from reconciler.core.spec.choices import Compare
from reconciler.core.spec.documents import API_VERSION, Dataset, Schedule, Target
from reconciler.core.spec.policy import Policy
from reconciler.core.validation import Checked, DatasetFacts, LineChecker, check_dataset, check_line
from reconciler.core.validation.codes import Code
from reconciler.core.validation.dataset import duplicate_source_ref
from reconciler.core.validation.problem import Origin, Problem, Severity, has_error
from reconciler.core.validation.spec_codes import EMPTY_ENTRIES
from reconciler.core.validation.unmatched import Unmatched, unmatched
from reconciler.engine.dataset.context import NO_OVERRIDES, Overrides
from reconciler.errors import SourceError
from reconciler.ports import BrokenDataset, EntryFile, LoadedDataset

MOST_OPEN_FILES: Final = 32
"""Files of one dataset that are held open: a process may have about a thousand open at once."""


@dataclass(frozen=True, eq=False)
class Desired:
    """
    The desired entries of one dataset.

    Attributes:
        loaded: Its document and its files.
        index: The usable entries; unusable ones are void in it.
        problems: All that is wrong with the document, its files and its lines.
        usable: False if something is wrong with the dataset as a whole: then nothing may be planned.
        revision: The commit that it was read from.
        partial: Whether only these entries are spoken for: whatever else is observed is no orphan.
        unmatched: Globs that match none of the entries, the unusable ones included.
    """

    loaded: LoadedDataset
    problems: list[Problem]
    index: Index = field(default_factory=Index)
    facts: DatasetFacts = field(default_factory=DatasetFacts)
    checker: LineChecker = field(default_factory=LineChecker)
    usable: bool = True
    overrides: Overrides = NO_OVERRIDES
    revision: str | None = None
    partial: bool = False
    unmatched: tuple[Unmatched, ...] = ()
    _streams: dict[int, BinaryIO] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        return self.loaded.name

    @property
    def target(self) -> Target:
        return self.loaded.target

    @property
    def policy(self) -> Policy:
        return self.loaded.policy

    @property
    def schedule(self) -> Schedule:
        return self.loaded.schedule

    @property
    def has_errors(self) -> bool:
        return has_error(self.problems)

    @cached_property
    def equality(self) -> Equality:
        return Equality(
            labels_only=self.policy.compare is Compare.LABELS,
            ignore=tuple(
                Ignore(tuple(map(pointer, rule.paths)), rule.match) for rule in self.loaded.spec.spec.ignore
            ),
        )

    @cached_property
    def limits(self) -> guard.Limits:
        spec = self.loaded.spec.spec
        return guard.Limits(
            max_change_ratio=spec.limits.max_change_ratio,
            max_changes=spec.limits.max_changes,
            allow_empty=spec.policy.allow_empty,
            sealed=spec.policy.sealed,
            protect=globs(spec.protect),
            allow_protected=self.overrides.allow_protected,
            allow_leakage=self.overrides.allow_leakage,
        )

    @cached_property
    def text_digests(self) -> bytes:
        """Return the text digests of all lines, by row; reads the files once more. Errors as `read`."""
        # Through the files that are held: the copies that a controller reads may have been deleted.
        found = text_digests(self.index, map(self._stream, range(len(self.loaded.files))))
        if (row := len(found) // TEXT_DIGEST_BYTES) < self.index.rows:
            raise self._changed(self.index.place(row))
        return found

    def _changed(self, place: Place) -> SourceError:
        return SourceError(f"{self.origin_of(place)}: the file changed while it was in use")

    def read(self, source_ref: str, place: Place) -> bytes:
        """
        Return the raw line of an entry.

        Raises:
            SourceError: The file has changed since it was indexed.
        """
        stream = self._stream(place.file)
        stream.seek(place.offset)
        raw = stream.read(place.length)
        row = self.index.row(source_ref)
        if row is None or not self.index.is_at(row, raw):
            raise self._changed(place)
        return raw

    def _stream(self, number: int) -> BinaryIO:
        if number not in self._streams:
            self._streams[number] = self.loaded.files[number].open()
        return self._streams[number]

    def open_files(self) -> None:
        """
        Open the files, so that they can be read for as long as this is in use; of very many only the first.

        The copies that a controller reads are deleted once newer commits have come.

        Raises:
            SourceError: One is gone already.
        """
        for number in range(min(len(self.loaded.files), MOST_OPEN_FILES)):
            self._stream(number)

    def origin_of(self, place: Place) -> Origin:
        file = self.loaded.files[place.file]
        return Origin(file.name, file.line_number(place.line))

    def origin_of_ref(self, source_ref: str) -> Origin | None:
        row = self.index.row(source_ref)
        return None if row is None else self.origin_of(self.index.place(row))

    def shared(self, source_refs: Collection[str]) -> list[str]:
        """
        Return those that a partner desires too, sorted. Reads its files once; a line that is unusable names none.

        Raises:
            SourceError: A file of a partner has changed or vanished.
        """
        if not source_refs:
            return []
        found = set()
        for file in (file for partner in self.loaded.partners for file in partner.files):
            with file.open() as stream:
                found |= {check_line(raw).source_ref for raw, _, _ in iter_lines(stream)} & set(source_refs)
        return sorted(ref for ref in found if ref is not None)

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()


# Too many bad lines make the service refuse the good ones with them. Here none of the bad is sent.
_OF_BAD_LINES: Final = frozenset({Code.TOO_MANY_RECORDS_IN_ERROR, Code.TOO_MANY_INVALID_ROWS})

# Stands in for a document that cannot be read; nothing is ever planned with it.
_UNREADABLE: Final = Dataset.model_validate(
    {
        "apiVersion": API_VERSION,
        "kind": "Dataset",
        "metadata": {"name": "unreadable"},
        "spec": {"target": {"project": "unreadable", "type": "TRAIN"}, "entries": [{"file": "unreadable"}]},
    }
)


def unread(
    loaded: LoadedDataset, overrides: Overrides = NO_OVERRIDES, revision: str | None = None
) -> Desired:
    """Return what is desired of one dataset, its entries not read yet."""
    return Desired(
        loaded,
        list(loaded.problems),
        overrides=overrides,
        revision=revision,
    )


def read_desired(
    loaded: LoadedDataset, overrides: Overrides = NO_OVERRIDES, revision: str | None = None
) -> Desired:
    """
    Read and check every entry of one dataset.

    What is wrong becomes a problem, never an error: one bad line stops no other.
    """
    desired = unread(loaded, overrides, revision)
    all_read = _read_files(desired)
    problems = check_dataset(desired.facts, loaded.target.kind)
    desired.problems.extend(problem.at(loaded.origin, None) for problem in problems)
    usable = loaded.usable and all_read and not any(map(_refuses_all, problems))
    if usable and not (desired.index.rows or desired.policy.allow_empty):
        usable = False
        if not desired.has_errors:
            desired.problems.append(_empty(loaded.origin))
    named = chain(desired.index.source_refs, desired.index.void)
    globs = unmatched(loaded.patterns, named) if usable else ()
    desired.problems.extend(one.problem for one in globs)
    return replace(desired, usable=usable, unmatched=globs)


def problems_of_lines(broken: BrokenDataset) -> tuple[Problem, ...]:
    """Judge the lines of a dataset whose document cannot be read, so that all problems are reported together."""
    desired = Desired(LoadedDataset(_UNREADABLE, broken.origin, broken.files, ()), [])
    _read_files(desired)
    return tuple(desired.problems)


def _read_files(desired: Desired) -> bool:
    """Read every line of every file; return whether all could be read."""
    all_read = True
    for number, file in enumerate(desired.loaded.files):
        try:
            _read_file(desired, number)
        except SourceError as exc:
            all_read = False
            desired.problems.append(Problem(Severity.ERROR, exc.code, str(exc), Origin(file.name, 1)))
    return all_read


def _refuses_all(problem: Problem) -> bool:
    """Return whether a fault of the dataset as a whole leaves nothing to plan with."""
    return problem.severity is Severity.ERROR and problem.code not in _OF_BAD_LINES


def _read_file(desired: Desired, number: int) -> None:
    file, index, facts, check = (
        desired.loaded.files[number],
        desired.index,
        desired.facts,
        desired.checker.check,
    )
    with file.open() as stream:
        for raw, offset, line in iter_lines(stream):
            checked = check(raw)
            facts.add(checked)
            source_ref, _, _, problems = checked
            if problems and not _accepted(desired, checked, file, line):
                if source_ref is not None:
                    index.discard(source_ref)
            elif source_ref is not None:
                place = (number, offset, len(raw), line)
                if not index.add(source_ref, place, raw, clean=not problems):
                    _refuse_repetition(desired, source_ref, Place(*place))


def _accepted(desired: Desired, checked: Checked, file: EntryFile, line: int) -> bool:
    origin = Origin(file.name, file.line_number(line))
    desired.problems.extend(problem.at(origin, checked.source_ref) for problem in checked.problems)
    return checked.is_valid and not checked.is_blank


def _refuse_repetition(desired: Desired, source_ref: str, second: Place) -> None:
    """Name both places. Neither line is used: which one is meant is not known."""
    row = desired.index.row(source_ref)
    place = desired.origin_of(second)
    if row is None:  # its other line is already known to be unusable
        problem = duplicate_source_ref(source_ref, None)
        desired.problems.append(problem.at(place, source_ref))
        return
    first = desired.origin_of(desired.index.place(row))
    desired.index.discard(source_ref)
    for here, there in ((first, place), (place, first)):
        desired.problems.append(duplicate_source_ref(source_ref, there).at(here, source_ref))


def _empty(origin: Origin) -> Problem:
    """A source that reads as empty never becomes a plan, unless the spec says that it may."""
    text = "no entries at all are desired; if that is meant, set policy.allowEmpty: true"
    return Problem(Severity.ERROR, EMPTY_ENTRIES.code, text, origin)
