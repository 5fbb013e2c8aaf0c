"""The state of one dataset in the controller: its spec, its status, and its schedule."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Final

from reconciler.core.drift.foreign_calls import MAX_SHOWN, ForeignCall
from reconciler.core.moments import moment_or_none
from reconciler.core.planning.calls import NO_CALLS, Calls
from reconciler.core.planning.plan import PlanError, errors_of
from reconciler.core.runtime.backoff import NextListing
from reconciler.core.runtime.quotas import listing_seconds
from reconciler.core.spec.policy import next_boundary
from reconciler.core.status.conditions import (
    Condition,
    ConditionType,
    FailureReason,
    Reason,
    Truth,
    advanced,
)
from reconciler.core.status.judgement import Facts, judge, training_safe
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary, aged, summary_of_failure
from reconciler.core.status.suspension import Suspension
from reconciler.engine.controller.guarded_gateway import Work
from reconciler.engine.controller.views import DriftView, QuarantineView
from reconciler.engine.failure_reasons import placed
from reconciler.errors import Exit
from reconciler.ports import BrokenDataset, LoadedDataset

HISTORY: Final = 20

SUSPENDED: Final = summary_of_failure(
    FailureReason(Reason.SUSPENDED, "suspended"), errors=(PlanError(Reason.SUSPENDED.value, "suspended"),)
)


@dataclass(slots=True)
class DatasetState:
    """
    The state of one dataset.

    Attributes:
        loaded: The loaded spec; None if its document cannot be read.
        digest: Digest of the desired state; None if it could not be computed.
        revision: The commit that the spec was read from.
        generation: Counts changes of the spec; a newer generation supersedes a running cycle.
        due: When the next cycle starts, by the monotonic clock.
        running: Whether a cycle is running; there is at most one.
        edited: Whether the spec changed since the last cycle began.
        again: Whether a cycle was requested while one was running.
        hastened_to: When a cycle is due after the running one, because of a message; infinite if it is not.
        ahead_seconds: How much earlier than for its own age it is to be listed, so that others are in time, too.
        is_elsewhere: Whether another replica reconciles the dataset, or none yet: this one makes no call for it.
        suspension: Why a person has suspended applying, and until when; None if it is not suspended.
        failures: Consecutive failed cycles.
        cut_short: Consecutive applies that a newer commit ended early.
        attempted, applied, verified: The revision last tried, last applied, and last observed in place.
        added, updated, updates: Entries added, entries updated and calls made by the last cycle.
        calls: The calls of the last cycle, and those that its plan was to take.
        drift_view: Drift in the last full observation of this process; None before the first.
        quarantined: Entries in quarantine.
        work: Progress of the running cycle; None between cycles.
        partners: The states of the other dataset of its project; empty if the specs do not hold it.
        shares_images: Whether it had an image in common with them, as last observed; None if not known.
        foreign_calls: Calls of other principals by the queue of events, the newest first.
        trend: For each line of the history, the status of InSync and how many images had drifted.
    """

    name: str
    loaded: LoadedDataset | None
    broken: BrokenDataset | None = None
    digest: bytes | None = None
    revision: str | None = None
    generation: int = 0
    due: float = 0.0
    running: bool = False
    edited: bool = False
    again: bool = False
    hastened_to: float = inf
    ahead_seconds: float = 0.0
    is_elsewhere: bool = False
    suspension: Suspension | None = None
    failures: int = 0
    cut_short: int = 0
    summary: Summary | None = None
    arn: str | None = None
    observation: str | None = None
    visited_at: float | None = None
    observed_at: float | None = None
    scanned_at: float | None = None
    succeeded_at: float | None = None
    attempted: str | None = None
    applied: str | None = None
    verified: str | None = None
    added: int = 0
    updated: int = 0
    updates: int = 0
    calls: Calls = NO_CALLS
    conditions: tuple[Condition, ...] = ()
    history: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    drift_view: DriftView | None = None
    quarantined: QuarantineView = field(default_factory=QuarantineView)
    work: Work | None = None
    partners: tuple[DatasetState, ...] = ()
    shares_images: bool | None = None
    foreign_calls: tuple[ForeignCall, ...] = ()
    trend: deque[tuple[Truth, int]] = field(default_factory=lambda: deque(maxlen=HISTORY))

    @property
    def suspended(self) -> bool:
        """Return whether the spec suspends the dataset, which then is not even observed."""
        return self.loaded is not None and self.loaded.spec.spec.suspend

    @property
    def was_observed(self) -> bool:
        """Return whether AWS was observed, or need not be: elsewhere, suspended, or without a usable spec."""
        if self.observed_at is not None or self.suspended or self.is_elsewhere:
            return True
        failure = self.summary.failure if self.summary else None
        return self.broken is not None or (failure is not None and failure.reason is Reason.INVALID)

    @property
    def is_scheduled(self) -> bool:
        """Return whether this process runs cycles of the dataset that observe it."""
        return not self.suspended and not self.is_elsewhere

    @property
    def interval(self) -> float:
        return self.loaded.schedule.interval_seconds if self.loaded else 300.0

    @property
    def jitter(self) -> float:
        return self.loaded.schedule.jitter if self.loaded else 0.1

    def until_turn(self, now: float) -> float:
        """Return the seconds until the dataset may open or close, and a second more; infinite if it never does."""
        turn = next_boundary(self.loaded.policy, now) if self.loaded else None
        return inf if turn is None else turn - now + 1.0

    def unreadable(self) -> Summary:
        """Return the summary of a dataset whose document cannot be read: its first error, with the origin."""
        problems = self.broken.problems if self.broken else ()
        why = next((placed(problem) for problem in problems if problem.is_error), "cannot be read")
        return summary_of_failure(FailureReason(Reason.INVALID, why), Exit.INVALID, errors_of(problems))

    @property
    def place(self) -> str:
        """Return the role and the Region of the target; datasets that share both share a pool of threads."""
        if self.loaded is None:
            return ""
        target = self.loaded.target
        return f"{target.role_arn or ''} {target.home_region or ''}".strip()

    @property
    def stale_at(self) -> float | None:
        """Return when the last full observation becomes stale; None if there was none."""
        if self.scanned_at is None or self.loaded is None:
            return None
        return self.scanned_at + self.loaded.schedule.full_scan_max_age_seconds

    def is_only_to_be_listed(self, now: float) -> bool:
        """Return whether nothing calls for a cycle but the age of the last listing."""
        return not self.edited and self._is_listing_due(now)

    def _is_listing_due(self, now: float) -> bool:
        if self.scanned_at is None or self.loaded is None:
            return False
        return self.loaded.schedule.is_scan_due(now - self.scanned_at, self.entries, self.ahead_seconds)

    def until_postponed_listing(self, now: float) -> float:
        """Return the seconds until a listing is begun that an edit has delayed; infinite if none is due."""
        if self.scanned_at is None or self.loaded is None or not self._is_listing_due(now):
            return inf
        latest = self.scanned_at + self.loaded.schedule.latest_scan_age(self.entries)
        return max(0.0, (latest - now) / 2)  # the other half is for other edits, and for other datasets

    @property
    def entries(self) -> int:
        return self.summary.entries if self.summary else 0

    @property
    def next_listing(self) -> NextListing | None:
        """Return the next regular listing, which begins with a cycle; None if there is none yet."""
        if self.stale_at is None or self.loaded is None or not self.is_scheduled:
            return None
        schedule, seconds = self.loaded.schedule, listing_seconds(self.entries)
        until = self.stale_at - schedule.longest_interval_seconds
        return NextListing(until, seconds, schedule.full_scan_max_age_seconds)

    def urgency(self, now: float) -> tuple[bool, float]:
        """Return the sort key of cycles: listings come last, the most overdue of them first."""
        if self.is_only_to_be_listed(now):
            return True, self.stale_at or 0.0
        return False, self.due

    @property
    def known(self) -> Summary | None:
        """Return the current summary: while a plan is applied, the summary of that plan."""
        return (self.work and self.work.found) or self.summary

    def judge(self, source_failure: FailureReason | None, now: float) -> tuple[Condition, ...]:
        """Update the conditions and return those whose status changed."""
        own = aged(judge(self._facts(source_failure)), self.stale_at, now)
        others = {one.name: aged(one.conditions, one.stale_at, now) for one in self.partners}
        training = training_safe(own, others, self.shares_images)
        found = (*judge(self._facts(source_failure)), training)
        self.conditions, changed = advanced(self.conditions, found, now)
        return changed

    def _facts(self, source_failure: FailureReason | None) -> Facts:
        summary, applying = self.known, bool(self.work and self.work.found)
        if self.broken is not None and not self.is_elsewhere:
            summary = self.unreadable()
        return replace(
            summary.facts() if summary else Facts(),
            source_failure=source_failure,
            suspended=self.suspended,
            suspension=self.suspension.message if self.suspension else None,
            outdated=self.revision != self.attempted,
            applying=applying,
        )

    def believed(self, now: float) -> tuple[Condition, ...]:
        """Return the conditions at *now*, aged if the last full observation is stale."""
        found = aged(self.conditions, self.stale_at, now)
        for partner in self.partners:  # their observation counts for TrainingSafe alone, which is the last
            found = (*found[:-1], *aged(found[-1:], partner.stale_at, now))
        return found

    def believed_apart_from_source(self, now: float) -> tuple[Condition, ...]:
        """Return the conditions at *now* as they were if the source could be read; without their times."""
        return aged(judge(self._facts(None)), self.stale_at, now)

    def verdict(self, now: float) -> Verdict:
        """Return the verdict at *now*; UNKNOWN if it decays and the last full observation is stale."""
        summary = self.known
        if summary is None:
            return Verdict.UNKNOWN
        old = self.stale_at is not None and now >= self.stale_at
        return Verdict.UNKNOWN if old and summary.verdict.decays else summary.verdict

    def remember(self, line: dict[str, Any]) -> None:
        """Append a line to the history, and its point to the trend."""
        in_sync = next((c.status for c in self.conditions if c.kind is ConditionType.IN_SYNC), Truth.UNKNOWN)
        self.history.append(line)
        self.trend.append((in_sync, max(line["found"], self.summary.left if self.summary else 0)))

    def document(self, now: float, next_visit_at: float | None) -> dict[str, Any]:
        summary = self.known
        return {
            "name": self.name,
            "arn": self.arn,
            "verdict": self.verdict(now).value,
            "at": moment_or_none(self.visited_at),
            "revision": self.revision,
            "revisions": {
                "attempted": self.attempted,
                "applied": self.applied,
                "verified": self.verified,
            },
            "observation": self.observation,
            "observed_at": moment_or_none(self.observed_at),
            "scanned_at": moment_or_none(self.scanned_at),
            "complete": summary.gap is None if summary and summary.seen else None,
            "believed_until": moment_or_none(self.stale_at),
            "counts": dict(summary.counts) if summary else {},
            "drift": dict(summary.drift) if summary else {},
            "errors": self._errors(),
            "suspension": self.suspension.document() if self.suspension else None,
            **self._foreign_calls(),
            "partners": [partner.name for partner in self.partners],
            "conditions": [condition.document() for condition in self.believed(now)],
            "consecutive_failures": self.failures,
            "calls": {
                "made": dict(self.calls.made),
                "forecast": dict(self.calls.forecast),
                "forecast_seconds": self.calls.forecast_seconds,
            },
            "next_visit_at": moment_or_none(next_visit_at),
            "history": list(self.history),
        }

    def _foreign_calls(self) -> dict[str, Any]:
        calls = self.foreign_calls[:MAX_SHOWN]
        return {"foreign_calls": [call.document() for call in calls]} if calls else {}

    def _errors(self) -> list[Mapping[str, Any]]:
        summary = self.unreadable() if self.broken else self.summary
        return [
            {"code": code, "message": message, "origin": str(origin) if origin else None}
            for code, message, origin in (summary.errors if summary else ())
        ]
