"""Poll the source and adopt new revisions. The last good revision stays in use until a newer one is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.core.runtime.backoff import RETRY_MOST_SECONDS, next_attempt
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.suspension import Suspension
from reconciler.engine.controller.assignment import digest_of
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.engine.log import log
from reconciler.engine.usecases.spec_tree import log_skipped
from reconciler.errors import ReconcilerError, SourceError, named
from reconciler.ports import BrokenDataset, LoadedDataset, Source, SpecRevision, Suspensions, Witness

DIRECTORY_SECONDS: Final = 5.0
"""How often a directory is polled; one poll costs milliseconds."""

FIRST_LOOKS_SECONDS: Final = 10.0
"""The longest interval between polls until the specs have been read once."""

NAMED: Final = 20
"""How many datasets removed from the specs are named in the log."""


@dataclass(frozen=True, slots=True)
class Polling:
    """
    How a source is polled.

    Attributes:
        interval_seconds: The interval between polls.
        witness: Confirms that the revision is the newest; None if every poll confirms it.
        max_age_seconds: The maximum age of the last confirmation.
    """

    interval_seconds: float = DIRECTORY_SECONDS
    witness: Witness | None = None
    max_age_seconds: float = 600.0


EVERY_FIVE_SECONDS: Final = Polling()


class SourcePoller:
    """
    Polls one source and keeps the registry up to date.

    Attributes:
        due: When the next poll starts, by the monotonic clock.
        running: Whether a poll is running.
        failure: Why the last poll failed; None if it succeeded.
    """

    def __init__(
        self,
        source: Source,
        registry: Registry,
        suspensions: Suspensions,
        draw: Callable[[], float],
        polling: Polling = EVERY_FIVE_SECONDS,
    ) -> None:
        self._polling = polling
        self._began_at = registry.wall()
        self._source = source
        self._registry = registry
        self._suspensions = suspensions
        self._draw = draw
        self._failures = 0
        self.failure: ReconcilerError | None = None
        self.due = self._begun = registry.monotonic()
        self.running = False

    def start_if_due(self, now: float) -> bool:
        """Return whether a poll is due, and mark it as running; the caller must then call `poll`."""
        if self.running or now < self.due:
            return False
        self._begun = now
        self.running = True
        return True

    def oldest_beat(self, now: float) -> float:
        """Return when the running poll began; *now* if none is running."""
        return self._begun if self.running else now

    def poll(self) -> None:
        """Poll once. Raises nothing."""
        try:
            revision = self._source.poll(self._registry.fingerprint)
            if revision is not None:
                self._adopt(revision)
        except Exception as exc:  # noqa: BLE001  whatever fails, the last good revision stays in use
            self._failures += 1
            self.failure = named(exc)
            self._unavailable(str(self.failure))
        else:
            self._failures = 0
            self.failure = None
            self._available()
        with self._registry.lock:
            interval = self._polling.interval_seconds
            wait = next_attempt(self._failures, self._draw(), interval) if self._failures else interval
            if self._registry.fingerprint is None:
                wait = min(wait, FIRST_LOOKS_SECONDS)
            self.due = self._registry.monotonic() + wait
            self.running = False

    def _available(self) -> None:
        registry = self._registry
        stale = self._staleness()
        with registry.lock:
            registry.source_read_at = registry.wall()
            before, registry.source_failure = registry.source_failure, stale
        if stale is not None and (before is None or before.reason is not stale.reason):
            log.warning(
                "source.stale", source=self._source.name, reason=stale.message, last_good=registry.revision
            )
        if before != stale:
            self._rejudge()

    def _staleness(self) -> FailureReason | None:
        """Return why the revision may be outdated; None if it was confirmed recently."""
        registry, polling, why = self._registry, self._polling, ""
        if polling.witness is None:
            registry.source_confirmed_at = registry.wall()
            return None
        try:
            at = polling.witness.confirmed_at(registry.wall())
            registry.source_confirmed_at = registry.source_confirmed_at if at is None else at
        except SourceError as exc:
            why = f": {exc}"
        last = registry.source_confirmed_at
        if registry.wall() - (self._began_at if last is None else last) <= polling.max_age_seconds:
            return None
        age = f"{polling.max_age_seconds:g} s"
        text = f"{polling.witness.name} has not confirmed the revision for more than {age}{why}"
        return FailureReason(Reason.SOURCE_STALE, text)

    def _unavailable(self, reason: str) -> None:
        registry, failure = self._registry, FailureReason(Reason.SOURCE_UNAVAILABLE, reason)
        with registry.lock:
            changed = registry.source_failure != failure
            registry.source_failure = failure
        log.warning(
            "source.unavailable",
            source=self._source.name,
            reason=reason,
            failures=self._failures,
            last_good=registry.revision,
        )
        if changed:
            self._rejudge()

    def _rejudge(self) -> None:
        for state in list(self._registry.states.values()):
            self._registry.judge(state)
        self._registry.touch()

    def _adopt(self, revision: SpecRevision) -> None:
        """Adopt a new revision: unchanged datasets keep their schedule, changed ones become due."""
        registry, specs = self._registry, revision.specs
        suspensions, wall = self._suspensions.all(), registry.wall()
        suspended = {name: one for name, one in suspensions.items() if not one.is_over(wall)}
        digests = {loaded.name: _digest(loaded) for loaded in specs.datasets}
        with registry.lock:
            now = registry.monotonic()
            before, after = registry.states, {}
            for loaded in specs.datasets:
                state = before.get(loaded.name) or _new(loaded.name, suspended, registry)
                _renew(state, loaded, None, digests[loaded.name], specs.revision, now)
                after[loaded.name] = state
            for broken in specs.broken:
                state = before.get(broken.name) or _new(broken.name, suspended, registry)
                _renew(state, None, broken, None, specs.revision, now)
                after[broken.name] = state
            for name in before.keys() - after.keys():
                before[name].generation += 1
            registry.states, registry.revision = _paired(after), specs.revision
            registry.fingerprint, registry.source_notice = revision.fingerprint, revision.notice
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
        if revision.notice:
            log.warning(
                "source.notice", source=self._source.name, reason=revision.notice, revision=specs.revision
            )
        if problems:
            first = next(str(p.origin) for p in specs.problems if p.is_error)
            log.warning("spec.invalid", problems=problems, first=first, revision=specs.revision)
        registry.touch()


def _new(name: str, suspended: Mapping[str, Suspension], registry: Registry) -> DatasetState:
    """Return the state of a dataset that is due and, if it was suspended, still is; in a fleet it is unowned."""
    elsewhere = registry.fleet is not None
    return DatasetState(
        name, None, due=registry.monotonic(), suspension=suspended.get(name), is_elsewhere=elsewhere
    )


def _paired(states: dict[str, DatasetState]) -> dict[str, DatasetState]:
    """Return the states, each of which knows that of the other dataset of its project."""
    for state in states.values():
        others = state.loaded.partners if state.loaded else ()
        state.partners = tuple(states[other.name] for other in others if other.name in states)
    return states


def _digest(loaded: LoadedDataset) -> bytes | None:
    try:
        return digest_of(loaded)
    except SourceError:
        return None  # the cycle of the dataset reports the error


def _renew(
    state: DatasetState,
    loaded: LoadedDataset | None,
    broken: BrokenDataset | None,
    digest: bytes | None,
    revision: str | None,
    now: float,
) -> None:
    same = digest is not None and digest == state.digest and broken is None
    was, was_suspended, was_due_every = state.loaded, state.suspended, state.interval
    state.loaded, state.broken, state.digest = loaded, broken, digest
    state.revision = revision
    if same:
        # This commit does not change the dataset: what held for the previous revision holds for this one.
        for name in ("attempted", "applied", "verified"):
            if getattr(state, name) is not None:
                setattr(state, name, revision)
    has_changed = not same or was_suspended != state.suspended
    if has_changed:
        state.generation += 1
        state.edited = True
    if has_changed or was_due_every != state.interval:
        state.due = min(state.due, now + _delay(state, was, loaded))


def _delay(state: DatasetState, was: LoadedDataset | None, loaded: LoadedDataset | None) -> float:
    """
    Return within how many seconds a changed dataset gets a cycle; infinity to keep its schedule.

    A failing dataset keeps its back-off however frequent the commits are, unless its document changed, which
    may fix the failure.
    """
    if not state.failures:
        return 0.0
    mended = was is None or loaded is None or was.spec != loaded.spec
    return RETRY_MOST_SECONDS if mended else float("inf")
