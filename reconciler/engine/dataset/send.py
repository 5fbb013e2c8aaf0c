"""Send a plan, one update at a time; isolate the lines that make one fail, and send all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from msgspec import Struct, field

from reconciler.core.entries.entry import canonical
from reconciler.core.entries.observed_line import parse_observed
from reconciler.core.planning.bisect import Isolation
from reconciler.core.planning.plan import PlannedChange
from reconciler.core.planning.quarantine import Suspicion
from reconciler.core.runtime.backoff import backoff, poll_delay
from reconciler.core.runtime.quotas import MAX_UPDATE_BYTES
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.listing import query_entry
from reconciler.engine.dataset.make_plan import Planned, payload_of
from reconciler.engine.dataset.observe import as_text
from reconciler.engine.dataset.prepare import watch
from reconciler.engine.dataset.retry import await_settled, retry
from reconciler.engine.log import log
from reconciler.errors import PlanOutdated, ReconcilerError, Rejected, StateError, Unavailable
from reconciler.ports import Description, Phase

CHANGED_SINCE: Final = "the dataset changed after it was planned for; nothing was sent"
CLIENT_ERROR: Final = "CLIENT_ERROR"
# How long an update that was accepted may leave the status as it was before.
GRACE_SECONDS: Final = 30.0


class SentUpdates(Struct):
    """
    The updates that were sent, and the answers of the service. None of them is proof: see `verify`.

    Attributes:
        updates: Calls of UpdateDatasetEntries that may have arrived.
        touched: Source-refs that travelled in any of them.
        isolated: Source-refs whose update failed although it held nothing else, with the message of the service.
        unresolved_groups: Source-refs in the smallest groups found that fail, with the message of the service.
        left: Source-refs that were not sent to the end, and why.
        steps: The descriptions before and after each update, in order.
        is_certain: Whether each update was answered, and its end was seen.
        unrecorded: Why no further update was begun: the journal cannot be written; None if all were.
    """

    updates: int = 0
    touched: set[str] = field(default_factory=set)
    isolated: dict[str, str] = field(default_factory=dict)
    unresolved_groups: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[Description, Description]] = field(default_factory=list)
    is_certain: bool = True
    unrecorded: StateError | None = None

    @property
    def settled(self) -> Description | None:
        """Return the description after the last update; None if there was none."""
        return self.steps[-1][1] if self.steps else None


class Sender:
    """
    Carries out one plan on one dataset.

    Args:
        timeout: Seconds that one update may take, waiting for others included.
        sent: Updated at every step, also where this ends with an error.
    """

    def __init__(
        self, planned: Planned, arn: str, context: Context, timeout: float, sent: SentUpdates
    ) -> None:
        self._plan = planned.plan
        self._composer = planned.composer
        self._observation = planned.observation
        self._arn = arn
        self._context = context
        self._timeout = timeout
        self._sent = sent
        self._messages: dict[str, str] = {}
        self._suspicion = Suspicion()
        self._past: set[Description] = set()
        self._before: Description | None = None

    def send(self) -> None:
        """
        Send everything that can be sent. Once the journal cannot be written, no further update is begun.

        Raises:
            StateError: The first update could not be recorded in the journal: it was not sent.
            DatasetBusy: An update, ours or another's, had not settled in time.
            GatewayError: The service refused the call itself, or did not answer in time.
            PlanOutdated: The dataset is no longer as it was planned for, and nothing was sent; or a spec file
                changed after it was planned, and what was sent before stays sent.
        """
        try:
            self._send_all()
        except StateError as exc:  # what was sent before can still be proven
            if not self._sent.updates:
                raise
            log.warning("status.unsaved", reason=str(exc))
            self._sent.left = dict.fromkeys((item.source_ref for item in self._plan.sendable), str(exc))
            self._sent.unrecorded = exc

    def _send_all(self) -> None:
        items = {item.source_ref: item for batch in self._plan.batches for item in batch.items}
        search = Isolation([(ref, item.size) for ref, item in items.items()], MAX_UPDATE_BYTES)
        searching = False
        while (batch := search.next()) is not None:
            # Isolating a bad line takes more updates than were planned.
            total = max(len(self._plan.batches), search.updates + 1)
            self._context.progress.step(self._plan.name, "update", search.updates, total)
            lines = {ref: items[ref] for ref in batch.items}
            description = self._update_with_retries(lines, self._suspicion.tries(len(lines)))
            if description.phase is not Phase.UPDATE_FAILED:
                self._suspicion.record_answer()
                search.record(passed=True)
                log.info("update.finished", entries=len(batch), bytes=batch.size)
                continue
            if not self._probe_lines(description, lines, search):
                self._give_up(items, description, search)
                return
            self._messages |= dict.fromkeys(lines, _message_of(description))
            search.record(passed=False)
            log.warning("update.failed", code=description.code, entries=len(batch))
            if not searching and len(batch) > 1:
                searching = True
                log.info("bisect.started", entries=len(batch))
        self._record_groups(search, searching=searching)

    def _record_groups(self, search: Isolation[str], *, searching: bool) -> None:
        self._sent.isolated = {ref: self._messages[ref] for ref in search.isolated}
        self._sent.unresolved_groups = {
            ref: self._messages[ref] for group in search.unresolved_groups for ref in group
        }
        if searching:
            isolated, unresolved = len(self._sent.isolated), len(self._sent.unresolved_groups)
            log.info("bisect.finished", convicted=isolated, parked=unresolved, updates=search.updates)

    def _probe_lines(
        self, description: Description, lines: Mapping[str, PlannedChange], search: Isolation[str]
    ) -> bool:
        """Return whether lines are to blame: the service says so, or accepts others. May send three of them."""
        if description.code == CLIENT_ERROR:
            self._suspicion.record_answer()
            return True
        if self._suspicion.confirmed or (len(lines) == 1 and search.passes):
            return self._suspicion.record_failure(lines)
        for ref in _samples(list(lines)) if len(lines) > 1 else ():
            if self._update({ref: lines[ref]}).phase is not Phase.UPDATE_FAILED:
                search.record_in_place([ref])
                return self._suspicion.record_failure(lines)
        return False

    def _give_up(
        self, items: Mapping[str, PlannedChange], description: Description, search: Isolation[str]
    ) -> None:
        """Leave the rest for later: the service failed repeatedly with errors of its own."""
        certain = set(search.isolated) - self._suspicion.alone
        self._sent.isolated = {ref: self._messages[ref] for ref in certain}
        self._sent.left = dict.fromkeys(items, _message_of(description))

    def _update_with_retries(self, items: Mapping[str, PlannedChange], tries: int) -> Description:
        """Send one update; repeat it with back-off while it fails with an error of the service itself."""
        clock = self._context.clock
        for failures in range(1, tries + 1):
            description = self._update(items)
            if description.phase is not Phase.UPDATE_FAILED or description.code == CLIENT_ERROR:
                break
            log.warning("update.failed", code=description.code, entries=len(items), tries=failures)
            if failures < tries:
                clock.sleep(backoff(failures, clock.draw(), first=2.0))
        return description

    def _update(self, items: Mapping[str, PlannedChange]) -> Description:
        """Send one update once nothing else is in progress; return the description after it."""
        self._context.permit()
        body = payload_of(items.values(), self._composer)
        facts: dict[str, str | int] = {"dataset_arn": self._arn, "entries": len(items), "bytes": len(body)}
        with self._context.tracer.span("update", **facts) as span:
            description = self._send_and_wait(items, body)
            span.note(result=_result(description))
            if description.phase is Phase.UPDATE_FAILED:
                span.fail(description.code or description.phase)
        return description

    def _send_and_wait(self, items: Mapping[str, PlannedChange], body: bytes) -> Description:
        context, clock = self._context, self._context.clock
        deadline = clock.now() + self._timeout
        try:
            number = retry(lambda: self._submit(items, body, deadline), clock, deadline)
        except Rejected as exc:  # the call itself was refused: treated like a failed update
            return Description(Phase.UPDATE_FAILED, CLIENT_ERROR, str(exc))
        description = self._await_end(deadline)
        if self._before is not None:
            self._sent.steps.append((self._before, description))
        self._sent.is_certain &= description not in self._past
        context.memory.journal.end(number, _result(description))
        return description

    def _await_end(self, deadline: float) -> Description:
        """Wait until an accepted update has ended; its first sign in DescribeDataset may lag by some seconds."""
        clock, polls = self._context.clock, 0
        until = clock.now() + GRACE_SECONDS
        while True:
            description = await_settled(self._context.gateway, self._arn, clock, deadline)
            if description not in self._past or clock.now() >= until:
                return description
            clock.sleep(poll_delay(polls))
            polls += 1

    def _submit(self, items: Mapping[str, PlannedChange], body: bytes, deadline: float) -> int:
        """
        Make the call once; return its number in the journal. A lost answer is not a failure if the call arrived.

        Raises:
            GatewayError: The call did not arrive, or was refused.
            PlanOutdated: The dataset is not as it was planned for.
        """
        context, journal = self._context, self._context.memory.journal
        before = self._before = await_settled(context.gateway, self._arn, context.clock, deadline)
        if not self._sent.updates:
            if self._observation is not None and before != self._observation.description:
                raise PlanOutdated(CHANGED_SINCE)
            context.memory.observed.invalidate(self._plan.name)
        self._past.add(before)
        begun_at = context.clock.now()
        number = journal.begin(self._plan.name, self._arn, list(items), begun_at, as_text(before))
        self._sent.updates += 1
        self._sent.touched.update(items)
        try:
            context.gateway.update(self._arn, body)
        except ReconcilerError as exc:
            if isinstance(exc, Unavailable) and not exc.unsent:
                self._sent.is_certain = False
                log.info("update.submitted", entries=len(items), bytes=len(body))
                if self._await_arrival(items, begun_at, exc):
                    return number
            self._sent.updates -= 1
            if isinstance(exc, Rejected):
                journal.end(number, f"{Phase.UPDATE_FAILED} {CLIENT_ERROR}")
            else:  # refused by the service or by the guarded gateway, or never sent
                journal.forget(number)
            raise
        log.info("update.submitted", entries=len(items), bytes=len(body))
        return number

    def _await_arrival(self, items: Mapping[str, PlannedChange], begun_at: float, exc: Unavailable) -> bool:
        """Return whether an unanswered call arrived: wait for a change, then query some of its lines."""
        context = self._context
        arrived = watch(self._arn, context, begun_at, lambda now: now not in self._past) or any(
            self._query_stored(items[ref]) for ref in _samples(list(items))
        )
        exc.isolated = True
        if arrived:
            log.info("update.resumed", error=type(exc).__name__, entries=len(items))
        return arrived

    def _query_stored(self, item: PlannedChange) -> bool:
        sent = canonical(orjson.loads(self._composer.line(item.change)))
        found = query_entry(item.source_ref, self._arn, self._context, self._context.clock.now())
        return any(canonical(parse_observed(line.encode(errors="surrogatepass"))) == sent for line in found)


def _result(description: Description) -> str:
    return f"{description.phase} {description.code or ''}".strip()


def _message_of(description: Description) -> str:
    message = description.message or "no reason given"
    return message if description.code == CLIENT_ERROR else f"{description.code or 'no code'}: {message}"


def _samples(refs: Sequence[str]) -> Sequence[str]:
    """Return the first, last and middle one: where all of them fail, hardly any other would pass."""
    return list(dict.fromkeys((refs[0], refs[-1], refs[len(refs) // 2])))
