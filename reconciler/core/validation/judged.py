"""
Remember what the rules found in each line, by the digest of its text.

The rules for a line know nothing but the line, so that two lines with one text have one result. A file whose lines
were checked before costs its reading and its digests; only new lines are parsed. A property test checks the
invariant: whatever is remembered, the result is that of `check_line`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Final, NamedTuple

from msgspec import Struct

from reconciler.core.validation.checked_line import CheckedLine, LabelKinds
from reconciler.core.validation.codes import Code
from reconciler.core.validation.problem import Origin, Problem, Severity

TEXT_DIGEST_BYTES: Final = 16

_CODES: Final = {str(code): code for code in Code}

_Outcome = tuple[tuple[str, ...], LabelKinds, tuple[Problem, ...]]
_outcome_of: Final = itemgetter(1, 2, 3)


def text_digest(raw: bytes) -> bytes:
    """Return the digest of a line's text, the same in every process."""
    return blake2b(raw, digest_size=TEXT_DIGEST_BYTES).digest()


class Columns(NamedTuple):
    """
    The results of checking consecutive lines, one sequence for each field of `CheckedLine`.

    Attributes:
        digests: The digest of each text; empty where they were not computed.
    """

    source_refs: Sequence[str | None]
    labels: Sequence[tuple[str, ...]]
    kinds: Sequence[LabelKinds]
    problems: Sequence[tuple[Problem, ...]]
    digests: Sequence[bytes] = ()


def columns_of(checked: Sequence[CheckedLine]) -> Columns:
    return Columns(*zip(*checked, strict=True))


class StoredProblem(Struct, array_like=True, frozen=True):
    """A problem of a line, as it is stored."""

    severity: Severity
    code: str
    message: str
    column: int | None


class StoredOutcome(Struct, array_like=True, frozen=True):
    """What was found in a line, but for its source-ref."""

    labels: tuple[str, ...]
    kinds: LabelKinds
    problems: tuple[StoredProblem, ...]


class JudgedFile(Struct, array_like=True, frozen=True):
    """
    The lines of one file and what was found in them.

    Attributes:
        source_refs: Of each line; None if it has none.
        digests: The digests of the texts, one after the other.
        numbers: For each line the number of its outcome: 32-bit integers in the order of this machine.
        outcomes: The different outcomes.
    """

    source_refs: list[str | None]
    digests: bytes
    numbers: bytes
    outcomes: list[StoredOutcome]


class Judge:
    """
    Checks the lines of one file, and remembers what was found.

    Args:
        check: Checks a line that is not remembered.
        known: The lines that were remembered.

    Raises:
        ValueError, LookupError: *known* does not hold together.
    """

    def __init__(self, check: Callable[[bytes], CheckedLine], known: JudgedFile | None = None) -> None:
        self._check = check
        self._known = known
        self._refs: list[str | None] = []
        self._numbers = array("I")
        self._outcomes: list[_Outcome] = []
        self._rows: dict[bytes, int] = {}
        if known is not None:
            self._recall(known)
        self._number_of: dict[_Outcome, int] = {}
        self._lines = array("I")

    def _recall(self, known: JudgedFile) -> None:
        self._refs += known.source_refs
        self._numbers.frombytes(known.numbers)
        self._outcomes += map(_restored, known.outcomes)
        size = TEXT_DIGEST_BYTES
        starts = range(0, len(known.digests), size)
        if not len(self._refs) == len(self._numbers) == len(starts) == len(known.digests) / size or (
            max(self._numbers, default=-1) >= len(self._outcomes)
        ):
            raise ValueError("the remembered lines of a file do not hold together")
        digests = [known.digests[start : start + size] for start in starts]
        self._rows.update(zip(digests, range(len(digests)), strict=True))

    def check(self, texts: Sequence[bytes]) -> Columns:
        """Check consecutive lines of the file."""
        digests = [blake2b(text, digest_size=TEXT_DIGEST_BYTES).digest() for text in texts]
        if not self._rows.keys() >= set(digests):
            new = zip(digests, texts, strict=True)
            self._learn({digest: text for digest, text in new if digest not in self._rows})
        rows = list(map(self._rows.__getitem__, digests))
        self._lines.extend(rows)
        numbers = list(map(self._numbers.__getitem__, rows))
        labels, kinds, problems = zip(*map(self._outcomes.__getitem__, numbers), strict=True)
        return Columns(tuple(map(self._refs.__getitem__, rows)), labels, kinds, problems, digests)

    def _learn(self, new: dict[bytes, bytes]) -> None:
        """Check lines that are not remembered, by their digests."""
        if not self._number_of:
            self._number_of.update(zip(self._outcomes, range(len(self._outcomes)), strict=True))
        first = len(self._refs)
        self._rows.update(zip(new, range(first, first + len(new)), strict=True))
        for checked in map(self._check, new.values()):
            outcome = _outcome_of(checked)
            number = self._number_of.setdefault(outcome, len(self._outcomes))
            if number == len(self._outcomes):
                self._outcomes.append(outcome)
            self._refs.append(checked.source_ref)
            self._numbers.append(number)

    def judged(self) -> JudgedFile | None:
        """Return what to remember of the file, all of whose lines were checked; None if nothing is new."""
        rows, known = self._lines, self._known
        if known is not None and list(rows) == list(range(len(known.source_refs))):
            return None
        digest_of = list(self._rows)  # a dictionary keeps the order, and each digest has one row
        if len(digest_of) != len(self._refs):
            digest_of = _in_rows(self._rows, len(self._refs))
        kept = array("I", map(self._numbers.__getitem__, rows))
        used = dict.fromkeys(kept)
        renumbered = dict(zip(used, range(len(used)), strict=True))
        return JudgedFile(
            list(map(self._refs.__getitem__, rows)),
            b"".join(map(digest_of.__getitem__, rows)),
            array("I", map(renumbered.__getitem__, kept)).tobytes(),
            [_stored(self._outcomes[number]) for number in used],
        )


def _in_rows(rows: dict[bytes, int], count: int) -> list[bytes]:
    """Return the digest of each row; of a repeated line only one row is used."""
    found = [b""] * count
    for digest, row in rows.items():
        found[row] = digest
    return found


def _stored(outcome: _Outcome) -> StoredOutcome:
    labels, kinds, problems = outcome
    return StoredOutcome(
        labels,
        kinds,
        tuple(
            StoredProblem(one.severity, str(one.code), one.message, one.origin and one.origin.column)
            for one in problems
        ),
    )


def _restored(stored: StoredOutcome) -> _Outcome:
    problems = (
        Problem(
            one.severity,
            _CODES[one.code],
            one.message,
            None if one.column is None else Origin("", 1, one.column),
        )
        for one in stored.problems
    )
    return stored.labels, stored.kinds, tuple(problems)
