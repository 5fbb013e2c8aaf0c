"""The state of the whole controller, for pages, probes, metrics and other processes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.moments import moment, moment_or_none
from reconciler.core.runtime.backoff import NextListing, seconds_ahead
from reconciler.core.runtime.fleet import Partition
from reconciler.core.spec.choices import Arn
from reconciler.core.spec.documents import Target
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.summary import summary_of_failure
from reconciler.core.validation.dataset import FullScan, scans_over_quota
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.fleet import Fleet
from reconciler.engine.controller.views import DriftView, QuarantineView
from reconciler.engine.log import log
from reconciler.engine.usecases.spec_tree import full_scan
from reconciler.errors import ReconcilerError
from reconciler.ports import LoadedDataset

# Seconds between writes of the status: without a change, and at least after one.
REFRESH_SECONDS: Final = 15.0
MIN_SECONDS: Final = 1.0

NOT_READ_YET: Final = FailureReason(Reason.NOT_YET, "the specs have not been read yet")

Publisher = Callable[[Mapping[str, Any]], object]


@dataclass(slots=True)
class QueueHealth:
    """
    What is known of the queue. Without it changes are found by the schedule, as without the flag.

    Attributes:
        reason: Why it cannot be read, as the name of an error; None if it can.
        message: The same for people.
        read_at: When it was last read, in seconds since the epoch; None if it never was.
    """

    name: str
    reason: str | None = "NotYet"
    message: str | None = "the queue has not been read yet"
    read_at: float | None = None

    @property
    def is_listening(self) -> bool:
        return self.reason is None

    def document(self) -> dict[str, Any]:
        return {
            "queue": self.name,
            "listening": self.is_listening,
            "reason": self.reason,
            "message": self.message,
            "read_at": moment_or_none(self.read_at),
        }


@dataclass
class Registry:
    """
    The state of the controller. Hold `lock` to read or change a schedule.

    Attributes:
        revision: The commit in use.
        source_failure: Why the source cannot be read or may be outdated; None if neither.
        source_notice: A warning about a source that can be read.
        source_confirmed_at: When its revision was last confirmed to be the newest; None if never.
        ready: Whether every dataset has been observed once; never reset.
        publisher: Writes the status for other processes.
        fleet: The part of this replica in its fleet; None if it is alone.
        queue: The health of the queue of events; None without one.
        after_cycle: Called with a dataset and when its cycle began, in seconds since the epoch.
        unpublished: How many status objects are not up to date; None without any.
        illustrate: Adds the pictures to the drift report of a dataset, after its cycle; None for none.
    """

    source_name: str
    wall: Callable[[], float]
    monotonic: Callable[[], float]
    publisher: Publisher | None = None
    fleet: Fleet | None = None
    illustrate: Callable[[DatasetState, LoadedDataset, DriftView], object] | None = None
    queue: QueueHealth | None = None
    after_cycle: Callable[[DatasetState, float], object] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    states: dict[str, DatasetState] = field(default_factory=dict)
    revision: str | None = None
    fingerprint: str | None = None
    source_failure: FailureReason | None = NOT_READ_YET
    source_read_at: float | None = None
    source_notice: str | None = None
    source_confirmed_at: float | None = None
    ready: bool = False
    unpublished: int | None = None
    _published_at: float = float("-inf")
    _dirty: bool = True

    def touch(self) -> None:
        """Mark the status as changed, to be published soon."""
        self._dirty = True

    def judge(self, state: DatasetState) -> None:
        """Update the conditions of a dataset and of the other one of its project; log those that changed."""
        for one in (state, *state.partners):
            with self.lock:
                first = not one.conditions
                changed = one.judge(self.source_failure, self.wall())
            for condition in () if first and one.visited_at is None else changed:
                log.info(
                    "condition.changed",
                    dataset=one.name,
                    type=condition.kind.value,
                    status=condition.status.value,
                    reason=condition.reason.value,
                    message=condition.message,
                )

    def document(self) -> dict[str, Any]:
        """Return the status as a status/v1 document."""
        now, monotonic = self.wall(), self.monotonic()
        with self.lock:
            return {
                "format": "status/v1",
                **({"leading": self.fleet.leadership().document()} if self.fleet else {}),
                **({"events": self.queue.document()} if self.queue else {}),
                "at": moment(now),
                "ready": self.is_ready(),
                "schedules": [problem.message for problem in scans_over_quota(self._full_scans())],
                "source": {
                    "name": self.source_name,
                    "revision": self.revision,
                    "ready": self.source_failure is None,
                    "reason": self.source_failure.reason.value if self.source_failure else None,
                    "message": self.source_failure.message if self.source_failure else None,
                    "notice": self.source_notice,
                    "read_at": moment_or_none(self.source_read_at),
                    "confirmed_at": moment_or_none(self.source_confirmed_at),
                },
                "datasets": [
                    state.document(now, now + max(0.0, state.due - monotonic) if state.is_scheduled else None)
                    for _, state in sorted(self.states.items())
                ],
            }

    def _full_scans(self) -> Iterator[FullScan]:
        for state in self.states.values():
            if state.loaded is not None and state.summary is not None and not state.suspended:
                account, region = _account_and_region(state)
                yield full_scan(state.loaded, state.summary.entries)._replace(account=account, region=region)

    def spread_listings(self) -> None:
        """Have the listings of one account and Region begin one after the other, so that all end in time."""
        places = defaultdict[object, list[tuple[DatasetState, NextListing]]](list)
        with self.lock:
            for state in self.states.values():
                if (listing := state.next_listing) is not None:
                    places[_account_and_region(state)].append((state, listing))
            for found in places.values():
                for (state, _), seconds in zip(
                    found, seconds_ahead([each for _, each in found]), strict=True
                ):
                    state.ahead_seconds = seconds

    def is_ready(self) -> bool:
        """Return whether the specs have been read and every dataset has been observed once."""
        with self.lock:
            if not self.ready and self.fingerprint is not None:
                self.ready = all(state.was_observed for state in self.states.values())
            return self.ready

    def publish(self, *, now: bool = False) -> None:
        """Write the status for other processes if it changed or is old. A failed write is retried later."""
        if self.publisher is None:
            return
        since = self.monotonic() - self._published_at
        if not now and since < (MIN_SECONDS if self._dirty else REFRESH_SECONDS):
            return
        self._dirty, self._published_at = False, self.monotonic()
        try:
            self.publisher(self.document())
        except ReconcilerError:
            self._dirty = True  # retried at a later tick; the status page is up to date meanwhile


def _account_and_region(state: DatasetState) -> tuple[str | None, str | None]:
    """Return whose five calls a second a dataset takes: by its ARN, or else as far as the spec says."""
    if state.arn:
        arn = Arn.parse(state.arn)
        return arn.account, arn.region
    target = state.loaded.target if state.loaded else None
    return (target.home_account, target.home_region) if target else (None, None)


AFTER_SECONDS: Final = 1.0
"""How long the calls of the former owner count against the limit of AWS, which is for each second."""


class Ownership:
    """
    Implements `fleet.Controlled` for the datasets of a registry.

    Args:
        running: The targets of the running cycles, by dataset; it changes meanwhile.
    """

    def __init__(self, fleet: Fleet, registry: Registry, running: Mapping[str, Target]) -> None:
        self._fleet = fleet
        self._registry = registry
        self._running = running

    def targets(self) -> Collection[Target] | None:
        with self._registry.lock:
            if self._registry.fingerprint is None:
                return None
            return [state.loaded.target for state in self._registry.states.values() if state.loaded]

    def is_busy(self, partition: Partition) -> bool:
        return any(self._fleet.partition_of(target) == partition for target in list(self._running.values()))

    def reassign(self) -> None:
        """Make the datasets that came to this replica due, and forget the state of those that left."""
        with self._registry.lock:
            now = self._registry.monotonic()
            changed = [state for state in self._registry.states.values() if self._assign(state, now)]
        for state in changed:
            self._registry.judge(state)
        if changed:
            self._registry.touch()

    def _assign(self, state: DatasetState, now: float) -> bool:
        """Note whether this replica owns a dataset; return whether that, or the owner, changed."""
        target = state.loaded.target if state.loaded else None
        owned = self._fleet.owns(target) if target else self._fleet.represents(state.name)
        whose = self._fleet.owner_in_words(target) if target else "another replica reports the dataset"
        if owned:
            came = state.is_elsewhere
            if came:
                state.is_elsewhere, state.summary, state.due = False, None, now + AFTER_SECONDS
            return came
        summary = summary_of_failure(FailureReason(Reason.STANDBY, whose))
        if state.is_elsewhere and state.summary == summary:
            return False
        state.is_elsewhere, state.summary = True, summary
        state.failures, state.drift_view, state.quarantined = 0, None, QuarantineView()
        return True
