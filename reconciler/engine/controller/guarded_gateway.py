"""A gateway that checks before each call whether it may be made, and counts updates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.core.planning.calls import NO_CALLS, Calls
from reconciler.core.spec.choices import DatasetType
from reconciler.core.status.summary import Summary
from reconciler.engine.log import bind
from reconciler.errors import Unavailable
from reconciler.ports import Clock, Description, Gateway, Located, Phase


class UpdateMeter(Protocol):
    """Counts updates; must be thread-safe."""

    def update(self, dataset: str, result: str, size_bytes: int, seconds: float) -> None:
        """Count one update: once as submitted, later as finished or failed, with its duration."""
        ...


@dataclass(slots=True)
class Work:
    """
    The progress of a cycle.

    Attributes:
        begun_at: When the cycle began, in seconds since the epoch.
        planned_at: When its plan was made: a listing before that can take much longer than what follows.
        planned: Updates in the plan; more are sent if one fails and is bisected.
        sent, finished, failed: Numbers of updates.
        sent_bytes: Total size of the sent updates.
        in_flight_since: When the update in progress was sent; None if there is none.
        found: The summary of the plan being applied; None while nothing is to be sent.
        forecast: What applying the plan and proving it costs.
    """

    begun_at: float
    planned: int = 0
    sent: int = 0
    finished: int = 0
    failed: int = 0
    sent_bytes: int = 0
    in_flight_since: float | None = None
    found: Summary | None = None
    forecast: Calls = NO_CALLS
    planned_at: float | None = None

    def plan(self, updates: int, forecast: Calls, at: float) -> None:
        self.planned, self.forecast, self.planned_at = updates, forecast, at

    def submitted(self, size_bytes: int, at: float) -> None:
        self.sent, self.sent_bytes, self.in_flight_since = self.sent + 1, self.sent_bytes + size_bytes, at

    def ended(self, *, well: bool) -> None:
        self.finished, self.failed = self.finished + well, self.failed + (not well)
        self.in_flight_since = None


class GuardedGateway:
    """
    `ports.Gateway` of one cycle.

    Args:
        before_call: Called before each call; raises `Interrupted` when the process must stop.
        may_write: Also called before each writing call; raises `errors.NotLeader`.

    Attributes:
        work: The progress of the cycle.
    """

    def __init__(
        self,
        gateway: Gateway,
        dataset: str,
        clock: Clock,
        meter: UpdateMeter,
        before_call: Callable[[], object],
        may_write: Callable[[], object],
    ) -> None:
        self._gateway = gateway
        self._dataset = dataset
        self._clock = clock
        self._meter = meter
        self._before_call = before_call
        self._may_write = may_write
        self._in_flight: tuple[float, int, Description | None] | None = None
        self._last: Description | None = None
        self.work = Work(clock.now())

    @property
    def region(self) -> str:
        return self._gateway.region

    def account(self) -> str:
        self._before_call()
        return self._gateway.account()

    def locate(self, project: str, dataset_type: DatasetType) -> Located:
        self._before_call()
        return self._gateway.locate(project, dataset_type)

    def describe(self, arn: str) -> Description:
        self._read(arn)
        description = self._last = self._gateway.describe(arn)
        if self._in_flight is not None and description.phase.settled and description != self._in_flight[2]:
            begun, size, _ = self._in_flight
            self._in_flight = None
            result = "failed" if description.phase is Phase.UPDATE_FAILED else "finished"
            self.work.ended(well=result == "finished")
            self._meter.update(self._dataset, result, size, self._clock.now() - begun)
        return description

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        self._read(arn)
        for page in self._gateway.pages(arn, contains):
            self._before_call()
            yield page

    def update(self, arn: str, payload: bytes) -> None:
        self._write()
        begun = self._clock.now()
        try:
            self._gateway.update(arn, payload)
        except Unavailable:  # it may have arrived
            self._submitted(begun, len(payload))
            raise
        self._submitted(begun, len(payload))

    def _submitted(self, begun: float, size: int) -> None:
        self._in_flight = (begun, size, self._last)
        self.work.submitted(size, begun)
        self._meter.update(self._dataset, "submitted", size, 0.0)

    def create_project(self, project: str) -> str:
        self._write()
        return self._gateway.create_project(project)

    def create_dataset(self, project_arn: str, dataset_type: DatasetType) -> str:
        self._write()
        return self._gateway.create_dataset(project_arn, dataset_type)

    def _read(self, arn: str) -> None:
        self._before_call()
        bind(dataset_arn=arn)  # unknown until now in the first cycle of a dataset

    def _write(self) -> None:
        self._before_call()
        self._may_write()
