"""Write the status of each dataset of this replica to an object of Kubernetes, when it changes."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.status.status_object import Problem, news, object_status, problems
from reconciler.engine.controller.registry import Registry
from reconciler.engine.log import log
from reconciler.ports import StatusObjects

EVERY_SECONDS: Final = 2.0

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""Names of datasets. A document without a usable one is known by its path, which no object can have."""


class StatusPublisher:
    """
    Writes in a thread of its own, so that a slow API server delays no cycle.

    Nothing is read back: after a restart every object is written once, and problems that last are reported again.
    """

    def __init__(self, objects: StatusObjects, registry: Registry) -> None:
        self._objects = objects
        self._registry = registry
        self._written: dict[str, Mapping[str, Any]] = {}
        self._problems: dict[str, Mapping[Problem, str]] = {}
        self._cleaned: frozenset[str] | None = None
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
        try:
            for name, status in self._statuses().items():
                self._write(name, status)
            self._clean()
        except Exception as exc:  # noqa: BLE001  the cluster may be away: the next step writes
            if not self._failing:
                log.warning("status.unpublished", error=type(exc).__name__, reason=str(exc))
            self._failing = True
        else:
            self._failing = False

    def _run(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            self.step()

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
        if self._written.get(name) == status:
            return
        self._objects.put(name, status)
        self._written[name] = status
        before = self._problems.get(name, {})
        after = self._problems[name] = problems(status, before)
        for item in news(before, after):
            self._objects.tell(name, item)

    def _clean(self) -> None:
        registry = self._registry
        with registry.lock:
            if registry.fingerprint is None or registry.source_failure is not None:
                return  # a source that cannot be read removes nothing
            names = frozenset(registry.states)
            elsewhere = {state.name for state in registry.states.values() if state.is_elsewhere}
        for name in self._written.keys() & elsewhere:
            del self._written[name]  # its owner writes it now
            self._problems.pop(name, None)
        if names == self._cleaned:
            return
        fleet = registry.fleet
        for name in sorted(set(self._objects.names()) - names):
            if fleet is None or fleet.represents(name):
                self._objects.remove(name)
                self._written.pop(name, None)
                self._problems.pop(name, None)
        self._cleaned = names
