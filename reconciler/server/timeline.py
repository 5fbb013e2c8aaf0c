"""The steps of a cycle, from the specs to the proof, as the page of a dataset shows them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from reconciler.engine.controller.guarded_gateway import Work
from reconciler.engine.controller.registry import Registry
from reconciler.reports.visible import counted, lasting
from reconciler.server.views import DatasetView

_MINUTE: Final = 60.0


class StepState(StrEnum):
    DONE = "done"
    NOW = "now"
    OPEN = "open"


class CycleStep(NamedTuple):
    """
    One step of a cycle.

    Attributes:
        at: When it was done, in seconds since the epoch; None if that is not known.
    """

    name: str
    state: StepState
    at: float | None
    text: str


def timeline(view: DatasetView, registry: Registry) -> tuple[CycleStep, ...]:
    """Return the steps of the running cycle, or else of the last one."""
    sending = work if (work := view.state.work) is not None and work.found is not None else None
    observing = view.state.running and sending is None
    if observing:
        observed = CycleStep("Observed", StepState.NOW, None, "reading AWS")
    else:
        observed = _done("Observed", view.state.observed_at, "")
    seen = observed.state is StepState.DONE
    return (
        _done("Git read", registry.source_read_at, ""),
        observed,
        CycleStep(
            "Differences found",
            _reached(seen and (view.drifted is not None or bool(view.counts))),
            None,
            _found(view) if seen else "",
        ),
        _sent(sending, view, registry.wall()) if seen else CycleStep("Sent", StepState.OPEN, None, ""),
        _verified(sending, view) if seen else CycleStep("Verified", StepState.OPEN, None, ""),
    )


def _done(name: str, at: float | None, text: str) -> CycleStep:
    return CycleStep(name, _reached(at is not None), at, text)


def _reached(done: bool) -> StepState:
    return StepState.DONE if done else StepState.OPEN


def _found(view: DatasetView) -> str:
    if view.drifted is None:
        return "it is not known which side changed" if view.counts else ""
    return counted(view.drifted, "image drifted", "images drifted") if view.drifted else "no drift"


def _sent(sending: Work | None, view: DatasetView, now: float) -> CycleStep:
    if sending is None:
        updates = view.lines[0].line["updates"] if view.lines else 0
        return CycleStep(
            "Sent", StepState.DONE, None, counted(updates, "update") if updates else "nothing to send"
        )
    number = sending.finished + sending.failed
    if sending.in_flight_since is None and number >= sending.planned:
        return CycleStep("Sent", StepState.DONE, None, counted(sending.sent, "update"))
    left = _since_plan(sending, now) / number * (sending.planned - number) if number else 0.0
    text = f"update {number + 1:,} of {max(sending.planned, number + 1):,}"
    return CycleStep(
        "Sent", StepState.NOW, None, f"{text}, about {lasting(left)} left" if left >= 60 else text
    )


def forecast(work: Work, now: float) -> str:
    """
    Return the forecast calls of the running apply, and a countdown to its proof.

    Empty for less than a minute, and where nothing was forecast.
    """
    seconds, number = work.forecast.forecast_seconds, sum(work.forecast.forecast.values())
    if seconds < _MINUTE:
        return ""
    left = seconds - _since_plan(work, now)
    text = f"{counted(number, 'call')} or more in {lasting(seconds)}"
    return f"{text}; proof in about {lasting(left)}" if left > 0 else f"{text}; it takes longer than that"


def _since_plan(work: Work, now: float) -> float:
    return now - (work.begun_at if work.planned_at is None else work.planned_at)


def _verified(sending: Work | None, view: DatasetView) -> CycleStep:
    if sending is None:
        return _done("Verified", view.state.observed_at, "")
    done = sending.in_flight_since is None and sending.finished + sending.failed >= sending.planned
    return CycleStep(
        "Verified", StepState.NOW if done else StepState.OPEN, None, "reading AWS again" if done else ""
    )
