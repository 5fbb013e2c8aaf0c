"""The revision of its specs that a cycle works on, and when a newer one takes over."""

from __future__ import annotations

from typing import Final

from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.engine.log import bind, log
from reconciler.errors import Superseded
from reconciler.ports import LoadedDataset

MOST_REPLANS: Final = 3
"""How often a cycle plans again for a newer commit before it sends what it has planned."""

MOST_REVISIONS: Final = 10
"""How many revisions a cycle works on whose files are gone before they are read."""

MOST_CUT_SHORT: Final = 2
"""How many applies in a row a newer commit may cut short; the next one is sent to its end."""


class Assignment:
    """
    What one cycle works on.

    A newer commit takes over what is still to be sent, and never costs what was observed. Both kinds of takeover
    have a limit, so that updates go out however often somebody commits.

    Attributes:
        loaded: The specs of the dataset; None if they cannot be read.
        digest: Of what is desired; None if it is not known yet.
        generation: Which state of the dataset they are.
    """

    def __init__(self, state: DatasetState, registry: Registry) -> None:
        self._state = state
        self._registry = registry
        self._replans = 0
        self._to_the_end = state.cut_short >= MOST_CUT_SHORT
        self._take()

    def _take(self) -> None:
        with self._registry.lock:
            state = self._state
            self.loaded: LoadedDataset | None = state.loaded
            self.digest = state.digest
            self.revision = state.revision
            self.generation = state.generation

    @property
    def is_outdated(self) -> bool:
        """Tell whether a newer commit has changed the dataset since."""
        return self._state.generation != self.generation

    def check(self, sent: int) -> None:
        """
        Let the cycle go on with the revision that it has.

        Args:
            sent: Updates that it has sent.

        Raises:
            Superseded: A newer one takes over.
        """
        if not self.is_outdated or self._to_the_end:
            return
        if sent or self._replans < MOST_REPLANS:
            raise Superseded("a newer commit took over; the rest of this one is not sent")

    def take_newest(self) -> LoadedDataset:
        """
        Go on with the newest revision, and return its specs.

        Raises:
            Superseded: It needs a cycle of its own: the dataset is gone from the specs, suspended, invalid, or
                another one in AWS.
        """
        before = self.loaded
        with self._registry.lock:
            newest = self._state.loaded
            gone = self._registry.states.get(self._state.name) is not self._state
            if gone or self._state.suspended or self._replans >= MOST_REVISIONS:
                raise Superseded("a newer commit took over; this one is not sent")
            if before is None or newest is None:
                raise Superseded("a newer commit took over, and its document cannot be read")
            if newest.target != before.target:
                raise Superseded("a newer commit names another target; nothing is sent to this one")
            self._take()
            self._replans += 1
        bind(revision=self.revision)
        log.info("plan.superseded", replans=self._replans)
        return newest
