"""Write the status of each dataset of this replica to an object of Kubernetes, when it changes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.core.status.status_object import (
    EventReason,
    object_status,
    problems,
    status_events,
    status_of_departed,
)
from reconciler.engine.controller.registry import Registry
from reconciler.engine.log import log
from reconciler.ports import StatusObjects

EVERY_SECONDS: Final = 2.0

AGAIN_SECONDS: Final = 600.0
"""How often every object is written although nothing changed, which reverts changes of others."""

MAX_FAILURES: Final = 3
"""Writes that may fail in one step: more of them would only wait for an API server that is away."""

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""Names of datasets. A document without a usable one is known by its path, which no object can have."""


class StatusPublisher:
    """
    Writes in a thread of its own, so that a slow API server delays no cycle.

    Nothing is read back: after a restart every object is written once, and problems that last are reported again.

    Args:
        is_ours: Whether a dataset of that name belongs to this process, should the specs hold it.
    """

    def __init__(
        self, objects: StatusObjects, registry: Registry, is_ours: Callable[[str], bool] = lambda _: True
    ) -> None:
        self._objects = objects
        self._registry = registry
        self._is_ours = is_ours
        self._written: dict[str, Mapping[str, Any]] = {}
        self._wrote: set[str] = set()
        self._problems: dict[str, Mapping[EventReason, str]] = {}
        self._refused: frozenset[str] = frozenset()
        self._names: frozenset[str] | None = None
        self._left: set[str] = set()
        self._unlisted: set[str] = set()  # of datasets that left too, but not created by the controller
        self._again_at = registry.monotonic() + AGAIN_SECONDS
        self._failing = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status objects", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop writing; what changed since the last write is not written."""
        self._ending.set()
        self._thread.join(EVERY_SECONDS)

    def step(self) -> None:
        """Write what changed, and delete the objects of datasets that left the specs. Raises nothing."""
        failures = self._write_changed()
        if not failures:
            try:
                self._clean()
            except Exception as exc:  # noqa: BLE001  the cluster may be away: the next step cleans
                failures = {"": exc}
        if failures and not self._failing:
            first = next(iter(failures.values()))
            log.warning("status.unpublished", error=type(first).__name__, reason=str(first))
        self._failing = bool(failures)

    def _run(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            self.step()

    def _write_changed(self) -> dict[str, Exception]:
        """Write the objects that are not up to date, and return why some could not be written, by name."""
        statuses = self._statuses()
        self._written = {name: one for name, one in self._written.items() if name in statuses}
        self._problems = {name: one for name, one in self._problems.items() if name in statuses}
        if (now := self._registry.monotonic()) >= self._again_at:
            self._again_at = now + AGAIN_SECONDS
            self._written.clear()
        changed = [name for name, status in statuses.items() if self._written.get(name) != status]
        failures: dict[str, Exception] = {}
        for name in sorted(changed, key=self._refused.__contains__):
            try:
                self._write(name, statuses[name])
            except Exception as exc:  # noqa: BLE001  one object that is refused does not stop the others
                failures[name] = exc
                if len(failures) == MAX_FAILURES:
                    break
        self._refused = frozenset(failures)
        self._registry.unpublished = sum(self._written.get(name) != statuses[name] for name in changed)
        return failures

    def _statuses(self) -> Mapping[str, Mapping[str, Any]]:
        registry = self._registry
        with registry.lock:
            now = registry.wall()
            ours = [
                state
                for state in registry.states.values()
                if state.conditions and not state.is_elsewhere and _NAME.fullmatch(state.name)
            ]
            return {state.name: object_status(state.document(now, None)) for state in ours}

    def _write(self, name: str, status: Mapping[str, Any]) -> None:
        self._objects.put(name, status)
        self._wrote.add(name)
        known = self._problems.get(name, {})
        after = problems(status, known)
        for event in status_events(known, after):
            self._objects.post_event(name, event)
            self._problems[name] = {k: v for k, v in after.items() if k in known or k == event.reason}
        self._problems[name] = after
        self._written[name] = status

    def _clean(self) -> None:
        """Delete the objects of datasets that left the specs, by the replica that represents them."""
        names = self._all_names()
        if names is None:
            return
        if names != self._names:
            created = set(self._objects.names())
            self._left = {name for name in created - names if self._is_ours(name)}
            self._unlisted = (self._unlisted | self._wrote) - names - created
            self._wrote &= names
            self._names = names
        fleet = self._registry.fleet
        for name in sorted(self._left):
            if fleet is None or fleet.represents(name):
                self._objects.remove(name)
                self._left.discard(name)
        for name in sorted(self._unlisted):
            self._objects.put(name, status_of_departed(self._registry.wall()), create=False)
            self._unlisted.discard(name)

    def _all_names(self) -> frozenset[str] | None:
        """Return the names of all datasets; None if not all are known, since then none is known to have left."""
        registry = self._registry
        with registry.lock:
            if registry.fingerprint is None or registry.source_failure is not None:
                return None
            if any(state.broken is not None and not state.broken.named for state in registry.states.values()):
                return None
            return frozenset(registry.states)
