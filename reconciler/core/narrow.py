"""Which lines of a failed group fail only together: a diagnosis made with lines that are already in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic

from reconciler.core.batch import Batch
from reconciler.core.bisect import Dialogue, Places, Result, Steps, T, batch_of, halvings

MEMBERS_PER_GROUP: Final = 3


class Narrowing(Generic[T]):
    """
    Name the lines of a failed group that fail only together.

    All of them are in place already: this sends them again, to be able to say which. First the whole group,
    as it may not fail twice; then, for one member after the other, the shortest beginning of the group that
    still fails with the members found so far. Two of n cost at most 2·log2(n) + 5 updates.
    """

    def __init__(self, items: Sequence[tuple[T, int]], limit: int, *, max_updates: int | None = None) -> None:
        """
        Take a group that failed as one update.

        Args:
            items: The group, each with the bytes of its line, newline excluded.
            limit: Most bytes of one payload.
            max_updates: By default enough to name three lines.
        """
        self._items = items
        self._limit = limit
        self._group: Places = ()
        self._sent: Places = ()
        everything = tuple(range(len(items)))
        bisection = halvings(everything) + 2
        self._bound = MEMBERS_PER_GROUP * bisection if max_updates is None else max_updates
        self.updates = 0
        self._dialogue = Dialogue(self._narrow(everything))

    @property
    def group(self) -> tuple[T, ...]:
        """The smallest group seen to fail again; empty if it did not: then something fails only sometimes."""
        return tuple(self._items[place][0] for place in self._group)

    def next(self) -> Batch[T] | None:
        """Return what to send now, None when nothing is left to learn; the same until a result is told."""
        if self.updates >= self._bound:
            return None
        self._sent = self._dialogue.ask() or ()
        return batch_of(self._items, self._sent, self._limit) if self._sent else None

    def tell(self, result: Result) -> None:
        """
        Take the result of the batch that `next` gave last.

        Raises:
            RuntimeError: No batch is waiting for a result.
        """
        self._dialogue.answer(result is Result.PASSED)
        self.updates += 1
        if result is Result.FAILED:
            self._group = self._sent  # a part of the group before

    def _narrow(self, candidates: Places) -> Steps:
        members: Places = ()
        if (yield candidates):
            return
        while candidates:
            passing, failing = 0, len(candidates)  # lengths of beginnings, each taken with the members
            while failing - passing > 1:
                middle = (passing + failing) // 2
                if (yield candidates[:middle] + members):
                    passing = middle
                else:
                    failing = middle
            members = (candidates[failing - 1], *members)
            candidates = candidates[: failing - 1]
            if candidates and not (yield members):
                return
