"""
Find the lines that make an update fail, by choosing the next batch from the results so far.

The service fails an update as a whole and names no line. The cause may be a single line, a combination of
lines, or an intermittent fault; and after a failure any part of the update may have been stored. A failure
therefore proves only that this exact set of lines failed once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Hashable, Iterable
from typing import Final, Generic, TypeAlias, TypeVar

from reconciler.core.planning.calls import Batch, pack

T = TypeVar("T", bound=Hashable)

Places: TypeAlias = tuple[int, ...]
"""Indices of lines in sending order, ascending."""

Steps: TypeAlias = Generator[Places, bool, None]
"""A search: yields the lines to send next and receives whether that update passed."""

# One culprit costs about one bisection plus two updates: sending it alone, and sending the merged rest.
CULPRITS_PER_BATCH: Final = 8


class Isolation(Generic[T]):
    """
    Apply every line that can be applied, and isolate those that fail when sent alone.

    First every batch is sent as packed. Then each failed batch is bisected: one half is tested; if it passes,
    the culprit is in the other half, which is halved without being sent whole; if it fails, the other half is
    deferred. At the end all deferred halves are merged and sent, and those that fail are bisected again.
    One culprit among n lines costs log2(n) + 2.5 updates on average, including the first.

    No line is sent again after an update containing it has passed. Each bisection ends with one line sent
    alone, which is then either isolated or in place. Either way fewer lines remain, so the search terminates
    whatever the service answers, within the bound that `allowance` sets.

    Attributes:
        updates: Number of results received.
        passes: Number of updates that passed. If none did, the lines may not be at fault.
    """

    def __init__(self, items: Iterable[tuple[T, int]], limit: int, *, allowance: int | None = None) -> None:
        """
        Pack the lines.

        Args:
            items: Items to send, in order, each with the bytes of its line, newline excluded.
            limit: Maximum bytes of one payload.
            allowance: Maximum updates beyond the first pass; by default enough for eight culprits a batch.

        Raises:
            ValueError: A line occurs twice, or exceeds the limit on its own.
        """
        self._items = list(items)
        self._limit = limit
        self._places = {item: place for place, (item, _) in enumerate(self._items)}
        if len(self._places) < len(self._items):
            raise ValueError("a line must not be sent twice")
        first = self._pack(range(len(self._items)))
        bisection = max(((len(places) - 1).bit_length() for places in first), default=0) + 2
        usual = CULPRITS_PER_BATCH * bisection * len(first)
        self._bound = len(first) + (usual if allowance is None else allowance)
        self._wait = len(first) + 2 * bisection
        self._untried = deque(first)  # batches to send whole, in order
        self._hunts: deque[tuple[Places, Places]] = deque()  # suspects, with the failed update they came from
        self._deferred: deque[Places] = deque()
        self._in_place: set[int] = set()
        self._isolated: list[int] = []
        self._unresolved_groups: list[Places] = []
        self._sent: Places = ()
        self.updates = 0
        self.passes = 0
        self._steps = self._isolate()
        self._wanted = next(self._steps, None)
        self._answer: bool | None = None
        self._is_asked = False

    @property
    def isolated(self) -> tuple[T, ...]:
        """Lines that failed when sent alone. Like all verdicts, final once `next` returns None."""
        return self._named(self._isolated)

    @property
    def unresolved_groups(self) -> tuple[tuple[T, ...], ...]:
        """Failed groups whose search the bound cut short; they may contain good lines."""
        return tuple(self._named(places) for places in self._unresolved_groups)

    def next(self) -> Batch[T] | None:
        """Return the batch to send now, None at the end. Repeatable until the next result or fact."""
        self._is_asked = False
        while (wanted := self._resumed()) is not None:
            if left := self._left(wanted):
                self._sent, self._is_asked = left, True
                (batch,) = pack((self._items[place] for place in left), self._limit)  # it fitted before
                return batch
            self._answer = True
        return None

    def record(self, *, passed: bool) -> None:
        """
        Record the result of the batch that `next` returned last; after a service error it is sent again first.

        Raises:
            RuntimeError: No batch is waiting for a result.
        """
        if not self._is_asked:
            raise RuntimeError("the result of an update was reported, but no update was asked for")
        self._is_asked = False
        self._answer = passed
        self.updates += 1
        self.passes += passed

    def _resumed(self) -> Places | None:
        """
        Return the lines that the search wants to send; None at its end.

        It resumes here, not in `record`, so that facts learned in between are taken into account.
        """
        if self._answer is not None:
            answer, self._answer = self._answer, None
            try:
                self._wanted = self._steps.send(answer)
            except StopIteration:
                self._wanted = None
        return self._wanted

    def record_in_place(self, items: Iterable[T]) -> None:
        """
        Record that these lines were observed in place, so that they are not sent again.

        Call this between updates, never while one is in flight. Unknown lines are ignored.
        """
        self._in_place.update(self._places[item] for item in items if item in self._places)

    def _isolate(self) -> Steps:
        while self._untried or self._hunts or self._deferred:
            if self._untried:
                yield from self._try(self._untried.popleft())
            elif not self._may_search():
                if self._deferred:
                    yield from self._try(self._deferred.popleft())
                else:
                    self._give_up()
            elif self._hunts:
                yield from self._find_culprit(*self._hunts.popleft())
            else:
                self._merge()

    def _try(self, places: Places) -> Steps:
        if not (yield places):
            self._hunts.append((self._sent, self._sent))

    def _find_culprit(self, suspects: Places, failed: Places) -> Steps:
        """
        Search for one culprit among the suspects.

        Args:
            suspects: Contain a culprit, unless the failure also needs other lines of `failed`.
            failed: The smallest failed update that contains the suspects; its other lines have passed since.
        """
        while not self._settled(suspects := self._left(suspects), failed):
            if not self._may_search():
                self._hunts.append((suspects, failed))
                return
            middle = max(1, len(suspects) // 2)
            half, rest = suspects[:middle], suspects[middle:]
            if (yield half):
                suspects = rest
            else:
                if rest:
                    self._deferred.append(rest)
                suspects = failed = self._sent

    def _settled(self, suspects: Places, failed: Places) -> bool:
        """Return whether the search is over, and note the line that failed alone."""
        if len(suspects) == 1 and suspects == failed:
            self._isolated += suspects
            return True
        return not suspects  # they fail in combination only, or one of them intermittently: all are in place

    def _merge(self) -> None:
        """Repack the deferred parts: at most as many batches as parts, as the parts are runs of one order."""
        rest = sorted(place for part in self._deferred for place in part)
        self._untried.extend(self._pack(self._left(tuple(rest))))
        self._deferred.clear()

    def _may_search(self) -> bool:
        """
        Return whether one more test is within the bound, leaving enough updates to send all untried lines once.

        If nothing has passed for the length of two bisections, the deferred parts are sent before the search
        goes on: if one passes, the lines are at fault; if none does, no number of updates would help.
        """
        test_and_part_deferred = 2
        reserved = len(self._untried) + len(self._deferred)
        within = self.updates + reserved + test_and_part_deferred <= self._bound
        return within and (self.passes > 0 or self.updates < self._wait)

    def _give_up(self) -> None:
        for suspects, failed in self._hunts:
            if not self._settled(left := self._left(suspects), failed):
                self._unresolved_groups.append(left)
        self._hunts.clear()

    def _left(self, places: Places) -> Places:
        if not self._in_place:
            return places
        return tuple(place for place in places if place not in self._in_place)

    def _pack(self, places: Iterable[int]) -> tuple[Places, ...]:
        sized = ((place, self._items[place][1]) for place in places)
        return tuple(batch.items for batch in pack(sized, self._limit))

    def _named(self, places: Iterable[int]) -> tuple[T, ...]:
        return tuple(self._items[place][0] for place in places)
