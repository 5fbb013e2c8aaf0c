"""Compare the registry with what was reported, and hand what is new to the channels."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from reconciler.core.spec.choices import COMMIT_ID
from reconciler.core.spec.policy import Window
from reconciler.core.status import commit_states, notices
from reconciler.core.status.commit_states import NOTHING_POSTED, CommitOutcome, CommitState, PostedStates
from reconciler.core.status.notices import SOURCE, Incident, Incidents, Notice
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.reporting.outbox import Outbox, decoded
from reconciler.engine.log import log
from reconciler.errors import StateError
from reconciler.ports import Notified

EVERY_SECONDS: Final = 2.0
END_SECONDS: Final = 1.0

_INCIDENTS: Final = "incidents"
_COMMIT: Final = "commit"


class Notifier:
    """
    Reports in a thread of its own, and sends in one for each channel, so that no channel delays a cycle.

    Args:
        lock: That of the outboxes.
        outboxes: Those of channels that get notices.
        commit: That of the git host; None without one.
        quiet: Periods in which only failures are reported.
        whole: Whether this process has all datasets of a commit.
    """

    def __init__(
        self,
        registry: Registry,
        stored: Notified,
        lock: threading.RLock,
        outboxes: Sequence[Outbox[Notice]],
        commit: Outbox[CommitState] | None = None,
        quiet: Sequence[Window] = (),
        *,
        whole: bool = True,
    ) -> None:
        self._registry = registry
        self._stored = stored
        self._lock = lock
        self._outboxes = outboxes
        self._commit = commit
        self._quiet = quiet
        self._whole = whole
        self._incidents: Incidents = decoded(stored.read(_INCIDENTS), dict[str, Incident], dict)
        self._posted = decoded(stored.read(_COMMIT), PostedStates, lambda: NOTHING_POSTED)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        self._start_sending()
        self._thread.start()

    def end(self) -> None:
        """Stop reporting; the next process sends the messages that wait."""
        self._ending.set()
        for outbox in self._all():
            outbox.end()
        deadline = time.monotonic() + END_SECONDS
        for outbox in self._all():
            outbox.join(max(0.0, deadline - time.monotonic()))

    def finish(self, seconds: float) -> None:
        """Report what is due after a single pass, and wait up to *seconds* until it is sent."""
        self._start_sending()
        self.step()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not all(outbox.is_empty for outbox in self._all()):
            self._ending.wait(0.05)
        self.end()

    def step(self) -> None:
        """Report what is due."""
        registry = self._registry
        with registry.lock:
            now = registry.wall()
            found = self._causes(now)
            outcomes = self._outcomes(now) if self._commit else {}
            revision = registry.revision
        with self._lock:
            bodies = self._report(found, now)
            if self._commit is not None and revision is not None and re.fullmatch(COMMIT_ID, revision):
                bodies |= self._post(self._commit, revision, outcomes, now)
            if bodies:
                self._store(bodies)

    def _run(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            try:
                self.step()
            except Exception as exc:
                log.exception("notify.failing", channel=None, reason=type(exc).__name__)

    def _start_sending(self) -> None:
        for outbox in self._all():
            outbox.start()

    def _all(self) -> Sequence[Outbox[Notice] | Outbox[CommitState]]:
        return (*self._outboxes, *((self._commit,) if self._commit else ()))

    def _causes(self, now: float) -> Mapping[str, Mapping[str, str]]:
        """Return the causes of each dataset of this replica, and of the source; the caller holds the lock."""
        registry, before = self._registry, notices.causes_before
        found: dict[str, Mapping[str, str]] = {
            name: notices.causes_of(state.believed_apart_from_source(now), before(self._incidents, name))
            for name, state in registry.states.items()
            if not state.is_elsewhere
        }
        if registry.fingerprint is None:  # no specs were read yet: what was reported before may still hold
            names = {name for incident in self._incidents.values() for name in incident.members}
            found = {name: before(self._incidents, name) for name in names}
        if registry.fleet is None or registry.fleet.represents(SOURCE):
            known = before(self._incidents, SOURCE)
            found[SOURCE] = notices.causes_of_source(registry.source_failure, known)
        return found

    def _outcomes(self, now: float) -> Mapping[str, CommitOutcome]:
        """Return the outcome of the commit for each dataset of this replica; the caller holds the lock."""
        revision = self._registry.revision
        outcomes = {
            name: commit_states.outcome(
                state.believed_apart_from_source(now), state.failures, attempted=state.attempted == revision
            )
            for name, state in self._registry.states.items()
            if not state.is_elsewhere
        }
        return {name: one for name, one in outcomes.items() if one is not None}

    def _report(self, found: Mapping[str, Mapping[str, str]], now: float) -> dict[str, str]:
        before = self._incidents
        quiet = any(window.ends_at(now) is not None for window in self._quiet)
        after, due = notices.reported(notices.advanced(before, found, now), now, quiet=quiet)
        self._incidents = after
        bodies = {} if after == before else {_INCIDENTS: msgspec.json.encode(after).decode()}
        for outbox in self._outboxes if due else ():
            bodies |= outbox.add(due)
        return bodies

    def _post(
        self, outbox: Outbox[CommitState], revision: str, outcomes: Mapping[str, CommitOutcome], now: float
    ) -> dict[str, str]:
        before = self._posted
        self._posted, due = commit_states.changes(before, revision, outcomes, now, whole=self._whole)
        if self._posted == before:
            return {}
        return {_COMMIT: msgspec.json.encode(self._posted).decode(), **outbox.add(due)}

    def _store(self, bodies: Mapping[str, str]) -> None:
        try:
            self._stored.write(bodies)
        except StateError as exc:
            log.warning("status.unsaved", reason=str(exc))
