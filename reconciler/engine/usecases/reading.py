"""Read the desired entries of one dataset: each line is read once, checked, indexed, and not kept."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from os import SEEK_END
from typing import Final

import msgspec

from reconciler.core.spec.documents import API_VERSION, Dataset
from reconciler.core.validation.codes import Code
from reconciler.core.validation.dataset import DatasetFacts, check_dataset
from reconciler.core.validation.judged.carried import carry_over, read_columns
from reconciler.core.validation.judged.columns import Check, Columns, restored_columns
from reconciler.core.validation.judged.dataset import JudgedDataset
from reconciler.core.validation.judged.lines import NO_LINES, DatasetLines
from reconciler.core.validation.judged.warned import (
    StoredWarnings,
    WarnedLines,
    restored,
    restored_warnings,
    stored_warnings,
)
from reconciler.core.validation.line import LineChecker
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.core.validation.unmatched import unmatched, unmatched_paths
from reconciler.engine.dataset.context import NO_OVERRIDES, Overrides
from reconciler.engine.dataset.desired import Desired, DesiredLines, unread
from reconciler.errors import SourceError, is_of_source
from reconciler.ports import BrokenDataset, EntryFile, JudgedFiles, LoadedDataset

REMEMBERED_BYTES: Final = 1_000_000
"""The lines of smaller files are not remembered: checking them takes some hundredths of a second."""

MAX_PROBLEMS: Final = 1_000
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
    """Return the remembered entries of a dataset; None if there are none, or its files have changed since."""
    known = None if judged is None else judged.dataset(name_of(loaded))
    if judged is None or known is None or known.key != key_of(loaded):
        return None
    return _recalled(known, loaded, overrides, revision, judged)


def read_lines(
    loaded: LoadedDataset, overrides: Overrides, revision: str | None, judged: JudgedFiles | None
) -> Desired:
    """Read every line of a dataset that cannot be recalled, and remember the results. As `read_desired`."""
    key = None if judged is None else key_of(loaded)
    desired = _read(loaded, overrides, revision, judged)
    if judged is None or key is None or key != key_of(loaded):  # changed while it was read
        return desired
    desired = replace(desired, key=key)
    if (
        not judged.read_only
        and desired.lines.whole.size >= REMEMBERED_BYTES
        and (found := _judged(desired, key))
    ):
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
    """Return the desired entries of a dataset from memory; its lines are read when they are needed."""

    def read_again() -> DatasetLines:
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
        lines=DesiredLines(None, read_again, known.entries, warned),
        facts=DatasetFacts(known.facts),
        usable=known.usable,
        unmatched=known.unmatched,
        key=known.key,
        apart=known.apart,
    )


def _judged(desired: Desired, key: bytes) -> JudgedDataset | None:
    """Return the results to remember for a dataset; None if it was not read whole, or they are too many."""
    noted = tuple(desired.noted[len(desired.loaded.problems) :])
    if len(noted) > MAX_PROBLEMS or any(is_of_source(problem.code) for problem in noted):
        return None
    warned = msgspec.msgpack.encode(stored_warnings(desired.lines.whole.warned))
    facts, unmatched = desired.facts.parts, desired.unmatched
    return JudgedDataset(key, desired.entries, desired.usable, facts, noted, warned, unmatched)


def _read(
    loaded: LoadedDataset, overrides: Overrides, revision: str | None, judged: JudgedFiles | None
) -> Desired:
    """Read every line, as `read_desired` does."""
    blank = unread(loaded, overrides, revision)
    lines, failures = _read_files(loaded, judged)
    problems = check_dataset(lines.facts, loaded.target.kind)
    noted = [*blank.noted, *_problems_of(lines, loaded.files), *failures]
    noted += (problem.at(loaded.origin, None) for problem in problems)
    usable = loaded.usable and not failures and not any(map(_refuses_all, problems))
    usable = usable and bool(lines.count or blank.policy.allow_empty)
    desired = replace(blank, noted=noted, lines=DesiredLines(lines), facts=lines.facts, usable=usable)
    found = unmatched(loaded.patterns, lines.source_refs) if usable and loaded.patterns else ()
    with suppress(SourceError):  # a file that has just changed is read again
        paths = loaded.paths if usable else ()
        found += unmatched_paths(paths, lambda: (raw for raw, _, _ in desired.usable_lines()))
    noted += (one.problem for one in found if not one.only_observed)
    return replace(desired, unmatched=found)


def problems_of_lines(broken: BrokenDataset) -> tuple[Problem, ...]:
    """Judge the lines of a dataset whose document cannot be read, so that all problems are reported together."""
    loaded = LoadedDataset(_UNREADABLE, broken.origin, broken.files, ())
    lines, failures = _read_files(loaded)
    noted = [*_problems_of(lines, broken.files), *failures]
    return tuple(Desired(loaded, noted, DesiredLines(lines)).problems)


def _read_files(
    loaded: LoadedDataset, judged: JudgedFiles | None = None
) -> tuple[DatasetLines, list[Problem]]:
    """Read every line of every file; return what was found, and an error for each file that could not be read."""
    check, files, failures = LineChecker().check_all, [], []
    for file in loaded.files:
        try:
            files.append(_read_file(file, check, judged))
        except SourceError as exc:
            files.append(NO_LINES)
            failures.append(Problem(Severity.ERROR, exc.code, str(exc), file.origin))
    return DatasetLines(files), failures


def _problems_of(lines: DatasetLines, files: Sequence[EntryFile]) -> list[Problem]:
    return lines.problems(lambda number, line: Origin(files[number].name, files[number].line_number(line)))


def _refuses_all(problem: Problem) -> bool:
    """Return whether a fault of the dataset as a whole leaves nothing to plan with."""
    return problem.severity is Severity.ERROR and problem.code not in _OF_BAD_LINES


def _read_file(file: EntryFile, check: Check, judged: JudgedFiles | None) -> Columns:
    with file.open() as stream:
        size = stream.seek(0, SEEK_END)
        stream.seek(0)
        if judged is None or size < REMEMBERED_BYTES:
            return read_columns(stream, check)
        known = _known(file, judged)
        found = None if known is None else carry_over(stream, check, known)
        if found is None:
            stream.seek(0)
            found = read_columns(stream, check, None if judged.read_only else secrets.randbits(64))
    is_new = known is None or (found.blocks, found.block_lines) != (known.blocks, known.block_lines)
    if is_new and not judged.read_only and (stored := found.stored()) is not None:
        judged.put(file.name, stored)
    return found


def _known(file: EntryFile, judged: JudgedFiles) -> Columns | None:
    try:
        known = judged.of(file.name)
        return None if known is None else restored_columns(known)
    except ValueError:
        return None
