"""Apply to the datasets of this process what the fleet says about who owns them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from reconciler.core.runtime.partition import Partition
from reconciler.core.spec.documents import Target
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.summary import failed
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.fleet.member import Fleet
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.views import QuarantineView

AFTER_SECONDS: Final = 1.0
"""How long the calls of the former owner count against the limit of AWS, which is for each second."""


class Ownership:
    """
    Implements `fleet.Controlled` for the datasets of a registry.

    Args:
        running: The targets of the running cycles, by dataset; it changes meanwhile.
    """

    def __init__(
        self, fleet: Fleet, registry: Registry, running: Mapping[str, Target], monotonic: Callable[[], float]
    ) -> None:
        self._fleet = fleet
        self._registry = registry
        self._running = running
        self._monotonic = monotonic

    def targets(self) -> Collection[Target] | None:
        with self._registry.lock:
            if self._registry.fingerprint is None:
                return None
            return [state.loaded.target for state in self._registry.states.values() if state.loaded]

    def is_busy(self, partition: Partition) -> bool:
        return any(self._fleet.partition_of(target) == partition for target in list(self._running.values()))

    def reassign(self) -> None:
        """Make the datasets that came to this replica due, and forget what is known about those that left."""
        with self._registry.lock:
            now = self._monotonic()
            changed = [state for state in self._registry.states.values() if self._assign(state, now)]
        for state in changed:
            self._registry.judge(state)
        if changed:
            self._registry.touch()

    def _assign(self, state: DatasetState, now: float) -> bool:
        """Note whether this replica owns a dataset; return whether that, or the owner, changed."""
        target = state.loaded.target if state.loaded else None
        owned = self._fleet.owns(target) if target else self._fleet.represents(state.name)
        whose = self._fleet.whose(target) if target else "another replica reports the dataset"
        if owned:
            came = state.is_elsewhere
            if came:
                state.is_elsewhere, state.summary, state.due = False, None, now + AFTER_SECONDS
            return came
        summary = failed(FailureReason(Reason.STANDBY, whose))
        if state.is_elsewhere and state.summary == summary:
            return False
        state.is_elsewhere, state.summary = True, summary
        state.failures, state.drift_view, state.quarantined = 0, None, QuarantineView()
        return True
