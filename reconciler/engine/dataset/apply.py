"""Send a plan, one update at a time; find out which lines make one fail; send all others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from reconciler.core.entries.entry import canonical
from reconciler.core.planning.bisect import Isolation, Result
from reconciler.core.planning.plan import DatasetPlan, PlannedChange
from reconciler.core.runtime.backoff import backoff, poll_delay
from reconciler.core.runtime.limits import MAX_UPDATE_BYTES
from reconciler.engine.dataset.compose import Composer
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.observation import as_text
from reconciler.engine.dataset.observe import alone
from reconciler.engine.dataset.planning import payload_of
from reconciler.engine.dataset.resume import watch
from reconciler.engine.dataset.retry import await_settled, retry
from reconciler.engine.log import log
from reconciler.errors import ReconcilerError, Rejected, Unavailable
from reconciler.ports import Description, Phase

# How often an update that the service failed by its own fault is sent before the rest is left for later.
SERVICE_TRIES: Final = 5
# The same once it is known that this happens to some lines only, and for one of them before it is convicted.
SEARCH_TRIES: Final = 2
VERDICT_TRIES: Final = 3
# Failures in a row after which the service is down, whatever was suspected. One bisection has fewer.
LONGEST_STREAK: Final = 18
CLIENT_ERROR: Final = "CLIENT_ERROR"
# How long an update that was accepted may leave the status as it was before.
GRACE_SECONDS: Final = 30.0


@dataclass(slots=True)
class Sent:
    """
    What was sent, and what the service said of it. None of it is proof: see `verify`.

    Attributes:
        updates: Calls of UpdateDatasetEntries that may have arrived.
        touched: Source-refs that travelled in any of them.
        convicted: Source-refs whose update failed although it held nothing else, and what the service said.
        parked: Source-refs in the smallest groups found that fail, and what the service said.
        left: Source-refs that were not sent to the end, and why.
    """

    updates: int = 0
    touched: set[str] = field(default_factory=set)
    convicted: dict[str, str] = field(default_factory=dict)
    parked: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Suspicion:
    """
    That some line makes the service fail "by its own fault", whatever it calls it.

    A service that is down fails whatever it is sent; so this holds only while other lines pass.

    Attributes:
        aroused: Whether it was found out before that some lines pass where others do not.
        failures: Updates in a row that failed so.
        alone: Lines that were sent alone in these.
    """

    aroused: bool = False
    failures: int = 0
    alone: set[str] = field(default_factory=set)

    def tries(self, lines: int) -> int:
        """Return how often to send an update that the service fails by its own fault."""
        if not self.aroused:
            return SERVICE_TRIES
        return SEARCH_TRIES if lines > 1 else VERDICT_TRIES

    def holds(self, lines: Collection[str]) -> bool:
        """Take one more failure, and tell whether it still is no failure of the service as a whole."""
        self.aroused = True
        self.failures += 1
        if len(lines) == 1:
            self.alone.update(lines)
        return self.failures <= LONGEST_STREAK

    def cleared(self) -> None:
        """Take an answer that a service gives which is not down."""
        self.failures = 0
        self.alone.clear()


class Sender:
    """
    Carries out one plan on one dataset.

    Args:
        timeout: Seconds that one update may take, waiting for others included.
        sent: Kept true at every step, also where this ends with an error.
    """

    def __init__(
        self, plan: DatasetPlan, arn: str, composer: Composer, context: Context, timeout: float, sent: Sent
    ) -> None:
        self._plan = plan
        self._arn = arn
        self._composer = composer
        self._context = context
        self._timeout = timeout
        self._sent = sent
        self._said: dict[str, str] = {}
        self._suspicion = Suspicion()
        self._past: set[Description] = set()

    def send(self) -> None:
        """
        Send everything that can be sent.

        Raises:
            DatasetBusy: An update, ours or another's, had not settled in time.
            GatewayError: The service refused the call itself, or did not answer in time.
            PlanOutdated: A spec file changed after it was planned. What was sent before stays sent.
        """
        items = {item.source_ref: item for batch in self._plan.batches for item in batch.items}
        search = Isolation([(ref, item.size) for ref, item in items.items()], MAX_UPDATE_BYTES)
        searching = False
        while (batch := search.next()) is not None:
            self._context.progress.step(self._plan.name, "updating", search.updates, None)
            lines = {ref: items[ref] for ref in batch.items}
            description = self._settle(lines, self._suspicion.tries(len(lines)))
            if description.phase is not Phase.UPDATE_FAILED:
                self._suspicion.cleared()
                search.tell(Result.PASSED)
                log.info("update.finished", entries=len(batch), bytes=batch.size)
                continue
            if not self._is_of_the_lines(description, lines, search):
                self._give_up(items, description, search)
                return
            self._said |= dict.fromkeys(lines, _words(description))
            search.tell(Result.FAILED)
            log.warning("update.failed", code=description.code, entries=len(batch))
            if not searching and len(batch) > 1:
                searching = True
                log.info("bisect.started", entries=len(batch))
        self._conclude(search, searching=searching)

    def _conclude(self, search: Isolation[str], *, searching: bool) -> None:
        self._sent.convicted = {ref: self._said[ref] for ref in search.convicted}
        self._sent.parked = {ref: self._said[ref] for group in search.parked for ref in group}
        if searching:
            parked = len(self._sent.parked)
            convicted = len(self._sent.convicted)
            log.info("bisect.finished", convicted=convicted, parked=parked, updates=search.updates)

    def _is_of_the_lines(
        self, description: Description, lines: Mapping[str, PlannedChange], search: Isolation[str]
    ) -> bool:
        """Tell whether to look for the fault in the lines: the service says so, or takes other lines."""
        if description.code == CLIENT_ERROR:
            self._suspicion.cleared()
            return True
        if self._suspicion.aroused or (len(lines) == 1 and search.passes):
            return self._suspicion.holds(lines)
        for ref in _few(list(lines)) if len(lines) > 1 else ():
            if self._update({ref: lines[ref]}).phase is not Phase.UPDATE_FAILED:
                search.known_in_place([ref])
                return self._suspicion.holds(lines)
        return False

    def _give_up(
        self, items: Mapping[str, PlannedChange], description: Description, search: Isolation[str]
    ) -> None:
        """Leave the rest for later: the service failed again and again, by its own fault."""
        certain = set(search.convicted) - self._suspicion.alone
        self._sent.convicted = {ref: self._said[ref] for ref in certain}
        self._sent.left = dict.fromkeys(items, _words(description))

    def _settle(self, items: Mapping[str, PlannedChange], tries: int) -> Description:
        """Send one update until it passes, or fails by fault of its lines; a fault of the service passes."""
        clock = self._context.clock
        for failures in range(1, tries + 1):
            description = self._update(items)
            if description.phase is not Phase.UPDATE_FAILED or description.code == CLIENT_ERROR:
                break
            log.warning("update.failed", code=description.code, entries=len(items), tries=failures)
            if failures < tries:
                clock.sleep(backoff(failures, clock.draw(), first=2.0, most=60.0))
        return description

    def _update(self, items: Mapping[str, PlannedChange]) -> Description:
        """Start one update when nothing else is in progress, and return what became of it."""
        self._context.permit()
        body = payload_of(items.values(), self._composer)
        facts: dict[str, str | int] = {"dataset_arn": self._arn, "entries": len(items), "bytes": len(body)}
        with self._context.tracer.span("update", **facts) as span:
            description = self._updated(items, body)
            span.note(result=_result(description))
            if description.phase is Phase.UPDATE_FAILED:
                span.fail(description.code or description.phase)
        return description

    def _updated(self, items: Mapping[str, PlannedChange], body: bytes) -> Description:
        context, clock = self._context, self._context.clock
        deadline = clock.now() + self._timeout
        try:
            number = retry(lambda: self._start(items, body, deadline), clock, deadline)
        except Rejected as exc:  # the call itself: it says no more than a failed update would
            return Description(Phase.UPDATE_FAILED, CLIENT_ERROR, str(exc))
        description = self._moved(deadline)
        context.memory.journal.end(number, _result(description))
        return description

    def _moved(self, deadline: float) -> Description:
        """Wait until an accepted update is over; that it shows may take a moment, and until then nothing does."""
        clock, polls = self._context.clock, 0
        until = clock.now() + GRACE_SECONDS
        while True:
            description = await_settled(self._context.gateway, self._arn, clock, deadline)
            if description not in self._past or clock.now() >= until:
                return description
            clock.sleep(poll_delay(polls))
            polls += 1

    def _start(self, items: Mapping[str, PlannedChange], body: bytes, deadline: float) -> int:
        """
        Make the call, once, and return its number in the journal; a lost answer is not a failure if it arrived.

        Raises:
            GatewayError: The call did not arrive, or was refused.
        """
        context, journal = self._context, self._context.memory.journal
        before = await_settled(context.gateway, self._arn, context.clock, deadline)
        self._past.add(before)
        begun_at = context.clock.now()
        number = journal.begin(self._plan.name, self._arn, list(items), begun_at, as_text(before))
        self._sent.updates += 1
        self._sent.touched.update(items)
        try:
            context.gateway.update(self._arn, body)
        except ReconcilerError as exc:
            if isinstance(exc, Unavailable) and not exc.unsent:
                log.info("update.submitted", entries=len(items), bytes=len(body))
                if self._arrived(items, begun_at, exc):
                    return number
            self._sent.updates -= 1
            if isinstance(exc, Rejected):
                journal.end(number, f"{Phase.UPDATE_FAILED} {CLIENT_ERROR}")
            else:  # refused, by the service or by a fence, or lost on its way
                journal.forget(number)
            raise
        log.info("update.submitted", entries=len(items), bytes=len(body))
        return number

    def _arrived(self, items: Mapping[str, PlannedChange], begun_at: float, exc: Unavailable) -> bool:
        """Tell whether a call that was not answered has arrived: the dataset moves, or shows some of its lines."""
        context = self._context
        arrived = watch(self._arn, context, begun_at, lambda now: now not in self._past) or any(
            self._shows(items[ref]) for ref in _few(list(items))
        )
        exc.isolated = True
        if arrived:
            log.info("update.resumed", error=type(exc).__name__, entries=len(items))
        return arrived

    def _shows(self, item: PlannedChange) -> bool:
        sent = canonical(orjson.loads(self._composer.line(item.change)))
        found = alone(item.source_ref, self._arn, self._context, self._context.clock.now())
        return any(canonical(orjson.loads(line)) == sent for line in found)


def _result(description: Description) -> str:
    return f"{description.phase} {description.code or ''}".strip()


def _words(description: Description) -> str:
    said = description.message or "no reason given"
    return said if description.code == CLIENT_ERROR else f"{description.code or 'no code'}: {said}"


def _few(refs: Sequence[str]) -> Sequence[str]:
    """Return some that are far from one another: where all of them fail, hardly any line would pass."""
    return list(dict.fromkeys((refs[0], refs[-1], refs[len(refs) // 2])))
