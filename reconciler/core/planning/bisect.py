"""
Which lines make an update fail: told pass or fail, it says what to send next.

The service fails an update as a whole and names no line. What fails may be one line in any company,
several lines only in each other's company, or a line on some days only; and after a failure any part of the
update may have been stored. So a failure proves one thing alone: that this very set of lines failed once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Hashable, Iterable, Sequence
from enum import StrEnum
from typing import Final, Generic, TypeAlias, TypeVar

from reconciler.core.planning.batch import Batch, pack

T = TypeVar("T", bound=Hashable)

Places: TypeAlias = tuple[int, ...]
"""Lines by their place in the order of sending, ascending."""

Steps: TypeAlias = Generator[Places, bool, None]
"""A search: it yields what to send and receives whether that passed."""

# One culprit costs about a bisection and two updates more (its solo send, the merged rest).
CULPRITS_PER_BATCH: Final = 8


class Result(StrEnum):
    """What came of an update. A service error or a lost response is neither: the same batch goes again."""

    PASSED = "passed"
    FAILED = "failed"


class Dialogue:
    """Hold one question of a search until it is answered."""

    __slots__ = ("_answer", "_asked", "_question", "_steps")

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._question = next(steps, None)
        self._answer: bool | None = None
        self._asked = False

    def ask(self) -> Places | None:
        """Return what to send, or None at the end. An answer is used here, not before: facts may follow."""
        if self._answer is not None:
            answer, self._answer = self._answer, None
            try:
                self._question = self._steps.send(answer)
            except StopIteration:
                self._question = None
        self._asked = self._question is not None
        return self._question

    def answer(self, passed: bool) -> None:
        if not self._asked:
            raise RuntimeError("the result of an update was told, but no update was asked for")
        self._answer, self._asked = passed, False


class Isolation(Generic[T]):
    """
    Apply every line that can be applied, and convict those that fail alone.

    First every batch is sent as packed. Then each one that failed is bisected: one half is tested; if it
    passes, the culprit is in the other, which is halved without being sent whole; if it fails, the other half
    is deferred. At the end all deferred halves are merged and sent, and what fails of that is bisected again.
    One culprit of n costs log2(n) + 2.5 updates in the mean, the first included.

    No line goes again after an update with it has passed. Each bisection ends in a line sent alone: failed,
    it is convicted; passed, it is in place. Either way fewer lines are left, so that this ends whatever the
    service answers, and `allowance` bounds how late.

    Attributes:
        updates: How many results were told.
        passes: How many of them were good. With none, the fault may well not be in the lines.
    """

    def __init__(
        self,
        items: Iterable[tuple[T, int]],
        limit: int,
        *,
        allowance: int | None = None,
    ) -> None:
        """
        Pack the lines.

        Args:
            items: What is sent, in order, each with the bytes of its line, newline excluded.
            limit: Most bytes of one payload.
            allowance: Most updates beyond the first pass; by default enough for some eight culprits a batch.

        Raises:
            ValueError: A line is there twice, or alone is over the limit.
        """
        self._items = list(items)
        self._limit = limit
        self._places = {item: place for place, (item, _) in enumerate(self._items)}
        if len(self._places) < len(self._items):
            raise ValueError("a line must not be sent twice")
        first = self._pack(range(len(self._items)))
        bisection = max(map(halvings, first), default=0) + 2
        usual = CULPRITS_PER_BATCH * bisection * len(first)
        self._bound = len(first) + (usual if allowance is None else allowance)
        self._wait = len(first) + 2 * bisection
        self._untried = deque(first)  # sent whole, in turn
        self._hunts: deque[tuple[Places, Places]] = deque()  # suspects, and the failed update they are from
        self._deferred: deque[Places] = deque()
        self._in_place: set[int] = set()
        self._isolated: list[int] = []
        self._unresolved_groups: list[Places] = []
        self._together: list[Places] = []
        self._sent: Places = ()
        self.updates = 0
        self.passes = 0
        self._dialogue = Dialogue(self._isolate())

    @property
    def isolated(self) -> tuple[T, ...]:
        """Lines that failed when they were sent alone. Final, as all verdicts, once `next` gives None."""
        return self._named(self._isolated)

    @property
    def unresolved_groups(self) -> tuple[tuple[T, ...], ...]:
        """Groups that failed and were not searched to the end within the bound; they may hold good lines."""
        return tuple(self._named(places) for places in self._unresolved_groups)

    @property
    def together(self) -> tuple[tuple[T, ...], ...]:
        """
        Groups that failed as one update, although every line of each is now in place.

        Some lines of such a group fail in each other's company only, or some line fails only sometimes.
        Nothing is left to be applied; which lines they are could be told only by sending them again.
        """
        return tuple(self._named(places) for places in self._together)

    def next(self) -> Batch[T] | None:
        """Return what to send now, None when nothing is left; the same until a result or a fact is told."""
        while (wanted := self._dialogue.ask()) is not None:
            if left := self._left(wanted):
                self._sent = left
                return batch_of(self._items, left, self._limit)
            self._dialogue.answer(True)
        return None

    def tell(self, result: Result) -> None:
        """
        Take the result of the batch that `next` gave last.

        Raises:
            RuntimeError: No batch is waiting for a result.
        """
        passed = result is Result.PASSED
        self._dialogue.answer(passed)
        self.updates += 1
        self.passes += passed

    def known_in_place(self, items: Iterable[T]) -> None:
        """
        Take it that a look has shown these lines in place: they are not sent (again).

        To be called between two updates, never while one is in flight. Lines that are not ours are ignored.
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
                yield from self._hunt(*self._hunts.popleft())
            else:
                self._merge()

    def _try(self, places: Places) -> Steps:
        if not (yield places):
            self._hunts.append((self._sent, self._sent))

    def _hunt(self, suspects: Places, failed: Places) -> Steps:
        """
        Look for one culprit among the suspects.

        Args:
            suspects: Hold a culprit, unless it takes some of the others of `failed` as well.
            failed: The smallest update seen to fail that the suspects are from; its other lines passed since.
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
        """Pass judgement where nothing is left to search."""
        match suspects:
            case ():
                self._together.append(failed)
            case (place,) if suspects == failed:
                self._isolated.append(place)
            case _:
                return False
        return True

    def _merge(self) -> None:
        """Pack the deferred parts anew: at most as many batches as parts, for these are runs of one order."""
        rest = sorted(place for part in self._deferred for place in part)
        self._untried.extend(self._pack(self._left(tuple(rest))))
        self._deferred.clear()

    def _may_search(self) -> bool:
        """
        Say whether one more test is within the bound, with enough left to send all untried lines once.

        Where nothing has passed at all for two bisections, the parts come before the search: one that
        passes shows that the lines are at fault, and if none does, no number of updates would help.
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


def batch_of(items: Sequence[tuple[T, int]], places: Places, limit: int) -> Batch[T]:
    """Build the one batch of lines that went, or would go, into one update before."""
    (batch,) = pack((items[place] for place in places), limit)
    return batch


def halvings(places: Places) -> int:
    return max(0, len(places) - 1).bit_length()
