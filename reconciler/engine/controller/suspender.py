"""Suspend datasets by request, store that, and resume them by request or at the end of the suspension."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.status.suspension import Suspension
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.engine.log import log
from reconciler.errors import StateError
from reconciler.ports import Memory


class Suspender:
    """
    Suspends and resumes datasets. A suspension outlives the process, and the dataset's absence from git.

    Each change is a new generation of the dataset: a running cycle sends no further update.
    """

    def __init__(self, registry: Registry, memory: Memory) -> None:
        self._registry = registry
        self._stored = memory.suspensions

    def suspend(self, names: Sequence[str], reason: str, seconds: int | None) -> None:
        """
        Suspend datasets of the registry, all or none; a suspended one gets the new reason and end.

        Args:
            seconds: For how long; None until it is resumed by request.

        Raises:
            KeyError: A dataset is not in the registry; nothing is suspended.
            StateError: It could not be stored; nothing is suspended.
        """
        now = self._registry.wall()
        suspension = Suspension(reason, now, None if seconds is None else now + seconds)
        with self._registry.lock:
            states = [self._registry.states[name] for name in names]
            self._stored.put(dict.fromkeys(names, suspension))
            for state in states:
                self._change(state, suspension)
        for name in names:
            log.info("dataset.suspended", dataset=name, **suspension.document())

    def resume(self, names: Sequence[str]) -> None:
        """
        Resume datasets of the registry, all or none; one that is not suspended stays as it is.

        Raises:
            KeyError: A dataset is not in the registry; nothing is resumed.
            StateError: It could not be stored; nothing is resumed.
        """
        with self._registry.lock:
            states = [s for name in names if (s := self._registry.states[name]).suspension is not None]
            self._stored.put({state.name: None for state in states})
            for state in states:
                self._change(state, None)
        for state in states:
            log.info("dataset.resumed", dataset=state.name, expired=False)

    def resume_expired(self) -> Sequence[str]:
        """Resume the datasets whose suspension is over, and return their names. Raises nothing."""
        now = self._registry.wall()
        with self._registry.lock:
            expired = [
                s for s in self._registry.states.values() if s.suspension and s.suspension.is_over(now)
            ]
            for state in expired:
                self._change(state, None)
        names = [state.name for state in expired]
        if not expired:
            return names
        for state in expired:
            log.info("dataset.resumed", dataset=state.name, expired=True)
        try:
            self._stored.put(dict.fromkeys(names))
        except StateError as exc:
            log.warning("status.unsaved", reason=str(exc))
        return names

    def _change(self, state: DatasetState, suspension: Suspension | None) -> None:
        """Set or end the suspension of a dataset, and make it due; the caller holds the lock."""
        state.suspension = suspension
        state.generation += 1
        state.due, state.again = self._registry.monotonic(), state.running
        self._registry.touch()
