"""Read what is desired of one dataset: every line once, checked, indexed by source-ref, and let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from itertools import chain, repeat
from os import SEEK_END
from typing import Final, cast

import msgspec

from reconciler.core.entries.index import Place
from reconciler.core.entries.lines import Block, Line, iter_blocks
from reconciler.core.spec.documents import API_VERSION, Dataset
from reconciler.core.validation import CheckedLine, DatasetFacts, check_dataset
from reconciler.core.validation.codes import Code
from reconciler.core.validation.dataset import duplicate_source_ref
from reconciler.core.validation.judged import Columns, Judge, JudgedFile, columns_of
from reconciler.core.validation.judged_dataset import (
    JudgedDataset,
    StoredWarnings,
    WarnedLines,
    restored,
    restored_warnings,
    stored_warnings,
)
from reconciler.core.validation.problem import Origin, Problem, Severity, has_error
from reconciler.core.validation.unmatched import unmatched, unmatched_paths
from reconciler.engine.dataset.context import NO_OVERRIDES, Overrides
from reconciler.engine.dataset.desired import Desired, DesiredLines, ReadLines, unread
from reconciler.errors import SourceError, is_of_source
from reconciler.ports import BrokenDataset, EntryFile, JudgedFiles, LoadedDataset

REMEMBERED_BYTES: Final = 1_000_000
"""The lines of smaller files are not remembered: checking them takes some hundredths of a second."""

MOST_PROBLEMS: Final = 1_000
"""Problems of one dataset that are remembered, warnings of usable lines aside. With more, it is read each time."""

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


def read_desired(
    loaded: LoadedDataset,
    overrides: Overrides = NO_OVERRIDES,
    revision: str | None = None,
    judged: JudgedFiles | None = None,
) -> Desired:
    """
    Read and check every entry of one dataset.

    What is wrong becomes a problem, never an error: one bad line stops no other.

    Args:
        judged: What was checked before. Lines are not checked again, and files that are the same are not read
            before a line of them is asked for.
    """
    recalled = recall(loaded, overrides, revision, judged)
    return read_lines(loaded, overrides, revision, judged) if recalled is None else recalled


def recall(
    loaded: LoadedDataset, overrides: Overrides, revision: str | None, judged: JudgedFiles | None
) -> Desired | None:
    """Return what is desired of a dataset whose files are as they are remembered; None of any other."""
    known = None if judged is None else judged.dataset(name_of(loaded))
    if judged is None or known is None or known.key != key_of(loaded):
        return None
    return _recalled(known, loaded, overrides, revision, judged)


def read_lines(
    loaded: LoadedDataset, overrides: Overrides, revision: str | None, judged: JudgedFiles | None
) -> Desired:
    """Read every line, as `read_desired` does of a dataset that it cannot recall, and remember what was found."""
    key = None if judged is None else key_of(loaded)
    desired = _read(loaded, overrides, revision, judged)
    if judged is None or key is None or key != key_of(loaded):  # changed while it was read
        return desired
    desired = replace(desired, key=key)
    if not judged.read_only and desired.index.size >= REMEMBERED_BYTES and (found := _judged(desired, key)):
        judged.put_dataset(name_of(loaded), found)
    return desired


def key_of(loaded: LoadedDataset) -> bytes | None:
    """
    Return a digest of the document and the files of a dataset that changes whenever one of them does.

    Reads no file. None if the identity of one is not known.
    """
    identities = [file.identity() for file in loaded.files]
    if None in identities:
        return None
    files = [file.name for file in loaded.files]
    facts = (loaded.origin, files, identities, loaded.patterns, loaded.paths, list(map(str, loaded.problems)))
    total = blake2b(repr(facts).encode(errors="surrogatepass"), digest_size=16)
    total.update(loaded.spec.model_dump_json().encode(errors="surrogatepass"))
    return total.digest()


def name_of(loaded: LoadedDataset) -> str:
    """Return the name under which a dataset is remembered."""
    return f"{loaded.origin.file}#{loaded.name}"


def _recalled(
    known: JudgedDataset,
    loaded: LoadedDataset,
    overrides: Overrides,
    revision: str | None,
    judged: JudgedFiles,
) -> Desired:
    """Return what is desired of a dataset by what is remembered; its lines are read when they are asked for."""

    def read_again() -> ReadLines:
        whole = _read(loaded, overrides, revision, judged)
        if key_of(loaded) != known.key:
            raise SourceError(f"{loaded.origin}: its entries changed while they were in use")
        for problem in whole.noted:
            if is_of_source(problem.code):  # the rest of the entries is not what is desired
                raise SourceError(f"{problem.origin}: {problem.message}")
        return whole.lines.whole

    def warned() -> Sequence[WarnedLines]:
        return restored_warnings(msgspec.msgpack.decode(known.warned, type=StoredWarnings))

    blank = unread(loaded, overrides, revision)
    return replace(
        blank,
        noted=[*blank.noted, *map(restored, known.noted)],
        lines=DesiredLines(read_again, known.entries, warned),
        facts=DatasetFacts(known.facts),
        usable=known.usable,
        unmatched=known.unmatched,
        key=known.key,
        apart=known.apart,
    )


def _judged(desired: Desired, key: bytes) -> JudgedDataset | None:
    """Return what to remember of a dataset; None if it was not read whole, or if that would be too much."""
    noted = tuple(desired.noted[len(desired.loaded.problems) :])
    if len(noted) > MOST_PROBLEMS or any(is_of_source(problem.code) for problem in noted):
        return None
    warned = msgspec.msgpack.encode(stored_warnings(desired.lines.whole.warned))
    facts, unmatched = desired.facts.parts, desired.unmatched
    return JudgedDataset(key, desired.entries, desired.usable, facts, noted, warned, unmatched)


def _read(
    loaded: LoadedDataset, overrides: Overrides, revision: str | None, judged: JudgedFiles | None
) -> Desired:
    """Read every line, as `read_desired` does."""
    desired = unread(loaded, overrides, revision)
    all_read = _read_files(desired, judged)
    problems = check_dataset(desired.facts, loaded.target.kind)
    desired.noted.extend(problem.at(loaded.origin, None) for problem in problems)
    usable = loaded.usable and all_read and not any(map(_refuses_all, problems))
    usable = usable and bool(desired.index.rows or desired.policy.allow_empty)
    named = chain(desired.index.source_refs, desired.index.void)
    found = unmatched(loaded.patterns, named) if usable else ()
    with suppress(SourceError):  # a file that has just changed is read again
        paths = loaded.paths if usable else ()
        found += unmatched_paths(paths, lambda: (raw for raw, _, _ in desired.usable_lines()))
    desired.noted.extend(one.problem for one in found)
    return replace(desired, usable=usable, unmatched=found)


def problems_of_lines(broken: BrokenDataset) -> tuple[Problem, ...]:
    """Judge the lines of a dataset whose document cannot be read, so that all problems are reported together."""
    desired = Desired(LoadedDataset(_UNREADABLE, broken.origin, broken.files, ()), [])
    _read_files(desired)
    return tuple(desired.problems)


def _read_files(desired: Desired, judged: JudgedFiles | None = None) -> bool:
    """Read every line of every file; return whether all could be read."""
    all_read = True
    for number, file in enumerate(desired.loaded.files):
        try:
            _read_file(desired, number, judged)
        except SourceError as exc:
            all_read = False
            desired.noted.append(Problem(Severity.ERROR, exc.code, str(exc), file.origin))
    return all_read


def _refuses_all(problem: Problem) -> bool:
    """Return whether a fault of the dataset as a whole leaves nothing to plan with."""
    return problem.severity is Severity.ERROR and problem.code not in _OF_BAD_LINES


def _read_file(desired: Desired, number: int, judged: JudgedFiles | None) -> None:
    file, check = desired.loaded.files[number], desired.checker.check
    with file.open() as stream:
        size = stream.seek(0, SEEK_END)
        stream.seek(0)
        known = judged.of(file.name) if judged is not None and size >= REMEMBERED_BYTES else None
        if judged is None or size < REMEMBERED_BYTES or (known is None and judged.read_only):
            for block in iter_blocks(stream):
                _add_block(desired, number, block, columns_of(list(map(check, block.texts))))
            return
        judge = _judge(check, known)
        for block in iter_blocks(stream):
            _add_block(desired, number, block, judge.check(block.texts))
    if not judged.read_only and (found := judge.judged()) is not None:
        judged.put(file.name, found)


def _judge(check: Callable[[bytes], CheckedLine], known: JudgedFile | None) -> Judge:
    try:
        return Judge(check, known)
    except (ValueError, LookupError):
        return Judge(check)


def _add_block(desired: Desired, number: int, block: Block, found: Columns) -> None:
    if _add_together(desired, number, block, found):
        desired.lines.whole.texts.extend(b"".join(found.digests))
        return
    digests = found.digests or repeat(b"")
    for line, digest, *checked in zip(block.lines(), digests, *found[:4], strict=False):
        if _add(desired, number, line, CheckedLine(*checked)):
            desired.lines.whole.texts.extend(digest)


def _add_together(desired: Desired, number: int, block: Block, found: Columns) -> bool:
    """Add lines at once; return False, and add none, if they are not all usable."""
    warned = [position for position, problems in enumerate(found.problems) if problems]
    # Many lines have few different warnings.
    distinct = {id(problems): problems for problems in map(found.problems.__getitem__, warned)}
    codes = {key: {problem.code for problem in problems} for key, problems in distinct.items()}
    if any(map(has_error, distinct.values())) or any(Code.BLANK_LINE in each for each in codes.values()):
        return False
    refs = cast("Sequence[str]", found.source_refs)  # of a usable line there is one
    unclean = [position for position in warned if Code.SERVICE_KEYS in codes[id(found.problems[position])]]
    if not desired.index.extend(number, refs, block, unclean):
        return False
    desired.facts.extend(refs, found.labels, found.kinds)
    if warned:
        part = WarnedLines(
            number,
            [block.first + position for position in warned],
            [refs[position] for position in warned],
            [found.problems[position] for position in warned],
        )
        desired.lines.whole.warned.append(part)
    return True


def _add(desired: Desired, number: int, read: Line, checked: CheckedLine) -> bool:
    """Add one line; return whether the index has a row for it."""
    file, (raw, offset, line) = desired.loaded.files[number], read
    desired.facts.add(checked)
    source_ref, _, _, problems = checked
    if problems and not _accepted(desired, checked, file, line):
        if source_ref is not None:
            desired.index.discard(source_ref)
    elif source_ref is not None:
        place = Place(number, offset, len(raw), line)
        if desired.index.add(source_ref, place, raw, clean=not problems):
            return True
        _refuse_repetition(desired, source_ref, place)
    return False


def _accepted(desired: Desired, checked: CheckedLine, file: EntryFile, line: int) -> bool:
    origin = Origin(file.name, file.line_number(line))
    desired.noted.extend(problem.at(origin, checked.source_ref) for problem in checked.problems)
    return checked.is_valid and not checked.is_blank


def _refuse_repetition(desired: Desired, source_ref: str, second: Place) -> None:
    """Name both places. Neither line is used: which one is meant is not known."""
    row = desired.index.row(source_ref)
    place = desired.origin_of(second)
    if row is None:  # its other line is already known to be unusable
        problem = duplicate_source_ref(source_ref, None)
        desired.noted.append(problem.at(place, source_ref))
        return
    first = desired.origin_of(desired.index.place(row))
    desired.index.discard(source_ref)
    for here, there in ((first, place), (place, first)):
        desired.noted.append(duplicate_source_ref(source_ref, there).at(here, source_ref))
