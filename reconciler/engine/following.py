"""Look at the source, and take over what is new. What was good stays in use until something better is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from reconciler.core.pace import next_attempt
from reconciler.engine.board import Board
from reconciler.engine.cycle import digest_of
from reconciler.engine.fleet import named
from reconciler.engine.log import log
from reconciler.engine.reading import log_skipped
from reconciler.engine.subject import Subject
from reconciler.engine.visiting import Visiting
from reconciler.errors import SourceError
from reconciler.ports import BrokenDataset, LoadedDataset, Snapshot, Source

DEFAULT_INTERVAL_SECONDS: Final = 60.0
NAMED: Final = 20
"""How many datasets that left the specs are named in the log."""


class Following:
    """
    Follows one source.

    Attributes:
        due: When the source is looked at next, by the steady clock.
        running: Whether it is being looked at.
    """

    def __init__(
        self,
        source: Source,
        board: Board,
        visiting: Visiting,
        steady: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self._source = source
        self._board = board
        self._visiting = visiting
        self._steady = steady
        self._draw = draw
        self._failures = 0
        self.due = self._begun = steady()
        self.running = False

    def start_if_due(self, now: float) -> bool:
        """Tell whether the source is to be looked at now; whoever asks has to do it."""
        if self.running or now < self.due:
            return False
        self._begun = now
        self.running = True
        return True

    def oldest_beat(self, now: float) -> float:
        """Return when the look that is going on began; *now* if none is."""
        return self._begun if self.running else now

    def follow(self) -> None:
        """Look once. Raises nothing."""
        try:
            snapshot = self._source.look(self._board.fingerprint)
            if snapshot is not None:
                self._adopt(snapshot)
        except Exception as exc:  # noqa: BLE001  whatever a source meets, the last good one stays in use
            self._failures += 1
            self._unavailable(str(named(exc)))
        else:
            self._failures = 0
            self._available()
        with self._board.lock:
            interval = min(
                (s.interval for s in self._board.subjects.values()), default=DEFAULT_INTERVAL_SECONDS
            )
            wait = next_attempt(self._failures, self._draw(), interval) if self._failures else interval
            self.due = self._steady() + wait
            self.running = False

    def _available(self) -> None:
        board = self._board
        with board.lock:
            board.source_read_at = board.wall()
            changed = board.source_trouble is not None
            board.source_trouble = None
        if changed:
            self._rejudge()

    def _unavailable(self, reason: str) -> None:
        board = self._board
        with board.lock:
            changed = board.source_trouble != reason
            board.source_trouble = reason
        log.warning(
            "source.unavailable",
            source=self._source.name,
            reason=reason,
            failures=self._failures,
            last_good=board.revision,
        )
        if changed:
            self._rejudge()

    def _rejudge(self) -> None:
        for subject in list(self._board.subjects.values()):
            self._visiting.rejudge(subject)
        self._board.touch()

    def _adopt(self, snapshot: Snapshot) -> None:
        """Take over a new revision: what did not change keeps its schedule, what did is due at once."""
        board, specs = self._board, snapshot.specs
        digests = {loaded.name: _digest(loaded) for loaded in specs.datasets}
        with board.lock:
            now = self._steady()
            before, after = board.subjects, {}
            for loaded in specs.datasets:
                subject = before.get(loaded.name) or Subject(loaded.name, None, due=now)
                _renew(subject, loaded, None, digests[loaded.name], specs.revision, now)
                after[loaded.name] = subject
            for broken in specs.broken:
                subject = before.get(broken.name) or Subject(broken.name, None, due=now)
                _renew(subject, None, broken, None, specs.revision, now)
                after[broken.name] = subject
            for name in before.keys() - after.keys():
                before[name].generation += 1
            board.subjects, board.revision = after, specs.revision
            board.fingerprint, board.source_notice = snapshot.fingerprint, snapshot.notice
        problems = sum(problem.is_error for problem in specs.problems)
        log.info(
            "source.updated",
            source=self._source.name,
            revision=specs.revision,
            datasets=len(specs.datasets),
            broken=len(specs.broken),
            removed=len(gone := sorted(before.keys() - after.keys())),
            left_alone=gone[:NAMED],
        )
        log_skipped(specs)
        if snapshot.notice:
            log.warning(
                "source.notice", source=self._source.name, reason=snapshot.notice, revision=specs.revision
            )
        if problems:
            first = next(str(p.origin) for p in specs.problems if p.is_error)
            log.warning("spec.invalid", problems=problems, first=first, revision=specs.revision)
        board.touch()


def _digest(loaded: LoadedDataset) -> bytes | None:
    try:
        return digest_of(loaded)
    except SourceError:
        return None  # its own cycle will say what is wrong with it


def _renew(
    subject: Subject,
    loaded: LoadedDataset | None,
    broken: BrokenDataset | None,
    digest: bytes | None,
    revision: str | None,
    now: float,
) -> None:
    same = digest is not None and digest == subject.digest and broken is None
    was_suspended, was_due_every = subject.suspended, subject.interval
    subject.loaded, subject.broken, subject.digest = loaded, broken, digest
    subject.revision = revision
    if same:
        # Nothing to do for it in this commit: it is as attempted, applied and verified as it was before.
        for name in ("attempted", "applied", "verified"):
            if getattr(subject, name) is not None:
                setattr(subject, name, revision)
    moved = not same or was_suspended != subject.suspended
    if moved:
        subject.generation += 1
    # What failed may be mended by a commit that does not touch it, such as one to another dataset.
    if moved or subject.failures or was_due_every != subject.interval:
        subject.failures = 0
        subject.due, subject.again = now, subject.running
