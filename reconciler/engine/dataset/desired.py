"""The desired state of one dataset: its usable entries by source-ref, and its problems."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final
from weakref import proxy

import orjson

from reconciler.core.entries.equality import Equality
from reconciler.core.entries.index import Index, Place
from reconciler.core.entries.lines import TEXT_DIGEST_BYTES, Line, iter_lines
from reconciler.core.entries.pattern import globs
from reconciler.core.entries.training_view import meaning
from reconciler.core.spec.choices import Compare
from reconciler.core.spec.documents import Schedule, Target
from reconciler.core.spec.policy import Policy
from reconciler.core.validation.dataset import DatasetFacts
from reconciler.core.validation.judged.lines import DatasetLines
from reconciler.core.validation.judged.warned import WarnedLines, Warnings
from reconciler.core.validation.line import check_line
from reconciler.core.validation.problem import Origin, Problem, has_error
from reconciler.core.validation.unmatched import Unmatched
from reconciler.engine.dataset.context import NO_OVERRIDES, Overrides
from reconciler.errors import Exit, ManifestUnavailable, SourceError, exit_code_of_problems
from reconciler.ports import LoadedDataset

if TYPE_CHECKING:  # for plans, and not for validate
    from reconciler.core.planning.guard import GuardLimits

MAX_OPEN_FILES: Final = 32
"""Files of one dataset that are held open: a process may have about a thousand open at once."""


@dataclass
class DesiredLines:
    """
    The lines of one dataset. Those that are remembered are read when they are first asked for, if ever.

    Attributes:
        found: What was found in them; None if that is remembered.
        read_again: Reads them.
        count: How many are usable, if they are remembered.
        warned: Returns those with warnings, if they are remembered.
    """

    found: DatasetLines | None = None
    read_again: Callable[[], DatasetLines] = DatasetLines
    count: int | None = None
    warned: Callable[[], Sequence[WarnedLines]] | None = None

    @cached_property
    def whole(self) -> DatasetLines:
        """
        Return all of them.

        Raises:
            SourceError: They must be read, and a file has changed since.
        """
        return self.read_again() if self.found is None else self.found


@dataclass(frozen=True, eq=False)
class Desired:
    """
    The desired entries of one dataset.

    Attributes:
        loaded: Its document and its files.
        noted: What is wrong with the document, its files and its lines, except for warnings of lines.
        usable: False if something is wrong with the dataset as a whole: then nothing may be planned.
        revision: The commit that it was read from.
        partial: Whether these are only some of the desired entries; then no observed entry counts as an orphan.
        unmatched: Globs that match none of the entries, the unusable ones included.
        key: The digest of all that it was read from; None if their identity is not known.
        apart: The keys of datasets that are known to desire none of its images.
    """

    loaded: LoadedDataset
    noted: list[Problem]
    lines: DesiredLines = field(default_factory=DesiredLines, repr=False)
    facts: DatasetFacts = field(default_factory=DatasetFacts)
    usable: bool = True
    overrides: Overrides = NO_OVERRIDES
    revision: str | None = None
    partial: bool = False
    unmatched: tuple[Unmatched, ...] = ()
    key: bytes | None = None
    apart: tuple[bytes, ...] = ()
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

    @cached_property
    def index(self) -> Index:
        """Return the usable entries; unusable ones are void in it. Errors as `DesiredLines.whole`."""
        index = self.lines.whole.index
        # In a reference cycle both would stay, with the columns of whole files, until it is searched for.
        this = proxy(self)
        index.read_hashes, index.open_file = (
            partial(Desired._read_hashes, this),
            partial(Desired._stream, this),
        )
        return index

    def _read_hashes(self) -> tuple[array[int], bool]:
        found = self.lines.whole.read_hashes(map(self._stream, range(len(self.loaded.files))))
        if found is None:
            raise SourceError(f"{self.name}: its files changed while they were in use")
        return found

    @property
    def entries(self) -> int:
        """Return the number of usable entries."""
        return self.lines.whole.count if self.lines.count is None else self.lines.count

    def is_apart_from(self, other: Desired) -> bool:
        """Return whether it is remembered that no image is desired in both."""
        return other.key is not None and other.key in self.apart

    @property
    def problems(self) -> list[Problem]:
        """Return all that is wrong, computed at each call: `noted` and `warnings` cost less."""
        return [*self.noted, *chain.from_iterable(self.warnings)]

    @property
    def warnings(self) -> list[Warnings]:
        """Return the warnings of usable lines, file by file."""
        lines, files = self.lines, self.loaded.files
        warned = lines.whole.warned if lines.warned is None else lines.warned()
        return [Warnings(files[one.file].name, one, files[one.file].line_number) for one in warned]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.noted if problem.is_error]

    @property
    def exit_code(self) -> Exit:
        """Return the exit code that the errors call for; an unusable dataset without any is invalid."""
        found = exit_code_of_problems(problem.code for problem in self.errors)
        return Exit.INVALID if found is Exit.DONE and not self.usable else found

    @property
    def has_errors(self) -> bool:
        return has_error(self.noted)

    @cached_property
    def equality(self) -> Equality:
        return Equality(
            labels_only=self.policy.compare is Compare.LABELS,
            ignore=tuple(one.rule for one in self.loaded.spec.spec.ignore),
        )

    @cached_property
    def limits(self) -> GuardLimits:
        from reconciler.core.planning.guard import GuardLimits

        spec = self.loaded.spec.spec
        return GuardLimits(
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
        """
        Return the text digests of all lines, by row. Errors as `read`.

        Reads the files once more, unless the digests were computed when the lines were checked.
        """
        if self.index.texts:
            return self.index.texts
        from reconciler.core.planning.remembered import text_digests

        # Through the files that are held: the copies that a controller reads may have been deleted.
        found = text_digests(self.index, map(self._stream, range(len(self.loaded.files))))
        if (row := len(found) // TEXT_DIGEST_BYTES) < len(self.index):
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

    def usable_lines(self) -> Iterator[Line]:
        """Yield the usable lines, in the order in which they were read; errors as `read`."""
        index, row = self.index, 0
        for number, file in enumerate(self.loaded.files):
            with file.open() as stream:
                for raw, offset, line in iter_lines(stream):
                    if row == len(index) or not index.is_in(row, number, offset):
                        continue
                    if not index.is_at(row, raw):
                        raise SourceError(f"{file.name}: the file changed while it was in use")
                    yield raw, offset, line
                    row += 1
        if row < len(index):
            raise SourceError(f"{self.name}: its files changed while they were in use")

    def open_files(self) -> None:
        """
        Open the files, so that they can be read for as long as this is in use; of very many only the first.

        The copies that a controller reads are deleted once newer commits have come.

        Raises:
            SourceError: One is gone already.
        """
        for number in range(min(len(self.loaded.files), MAX_OPEN_FILES)):
            self._stream(number)

    def origin_of(self, place: Place) -> Origin:
        file = self.loaded.files[place.file]
        return Origin(file.name, file.line_number(place.line))

    def origin_of_ref(self, source_ref: str) -> Origin | None:
        row = self.index.row(source_ref)
        return None if row is None else self.origin_of(self.index.place(row))

    def stated_sizes(self, source_ref: str) -> Sequence[tuple[float, float]]:
        """Return width and height of an image as its line states them; errors as `read`."""
        row = self.index.row(source_ref)
        if row is None:
            return ()
        raw = self.read(source_ref, self.index.place(row))
        return meaning(orjson.loads(raw)).sizes if b"image_size" in raw else ()

    def shared(self, source_refs: Collection[str]) -> list[str]:
        """
        Return those that a partner desires too, sorted. Reads its files once; a line that is unusable names none.

        Entries outside git that cannot be read now are an error of the partner, which stops no other dataset.

        Raises:
            SourceError: A file of a partner has changed or vanished.
        """
        if not source_refs:
            return []
        found = set()
        for file in (file for partner in self.loaded.partners for file in partner.files):
            with suppress(ManifestUnavailable), file.open() as stream:
                found |= {check_line(raw).source_ref for raw, _, _ in iter_lines(stream)} & set(source_refs)
        return sorted(ref for ref in found if ref is not None)

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()


def unread(
    loaded: LoadedDataset, overrides: Overrides = NO_OVERRIDES, revision: str | None = None
) -> Desired:
    """Return the desired state of one dataset, its entries not read yet."""
    return Desired(loaded, list(loaded.problems), overrides=overrides, revision=revision)
