"""The spec revision that a cycle works on, its digest, and when a newer one supersedes it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from reconciler.core.spec.choices import Mode
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.engine.log import bind, log
from reconciler.errors import Superseded
from reconciler.ports import LoadedDataset

MAX_REPLANS: Final = 3
"""How often a cycle replans for a newer commit before it sends its plan regardless."""

MAX_REVISIONS: Final = 10
"""How many newer revisions a cycle takes if the files of each are gone before it reads them."""

MAX_CUT_SHORT: Final = 2
"""How many consecutive applies newer commits may cut short; the next one is sent completely."""


# Part of every digest: raise it when what is compared changes, so that every dataset is observed again.
_FORMAT: Final = b"1"


class Assignment:
    """
    The spec revision that one cycle works on.

    A newer commit supersedes what is still to be sent; the observation stays in use. Replans and applies cut
    short are both limited, so that updates are sent however frequent the commits are.

    Attributes:
        loaded: The loaded spec of the dataset; None if it cannot be read.
        digest: Digest of the desired state; None if it is not known yet.
        generation: The generation of the dataset that the spec belongs to.
        observes: Whether applying is suspended: the spec is that of mode observe then.
    """

    def __init__(self, state: DatasetState, registry: Registry) -> None:
        self._state = state
        self._registry = registry
        self._replans = 0
        self._to_the_end = state.cut_short >= MAX_CUT_SHORT
        self._take()

    def _take(self) -> None:
        with self._registry.lock:
            state = self._state
            self.loaded: LoadedDataset | None = state.loaded
            self.digest = state.digest
            self.revision = state.revision
            self.generation = state.generation
            self.observes = state.suspension is not None
        if self.observes and self.loaded is not None:
            self.loaded = _observed_only(self.loaded)
            self.digest = self.digest and blake2b(self.digest).digest()

    @property
    def is_outdated(self) -> bool:
        """Return whether a newer commit has changed the spec of the dataset."""
        return self._state.generation != self.generation

    def give_way(self) -> None:
        """
        Abandon a listing that may wait, for a newer revision.

        Raises:
            Superseded: There is one.
        """
        if self.is_outdated:
            raise Superseded("a newer commit goes before a listing that may wait")

    def check(self, sent: int) -> None:
        """
        Check that the cycle may continue with its revision.

        Args:
            sent: Updates that the cycle has sent.

        Raises:
            Superseded: A newer revision takes over, or the dataset was suspended.
        """
        if self._state.suspension is not None and not self.observes:
            raise Superseded("the dataset was suspended; the rest is not sent")
        if not self.is_outdated or self._to_the_end:
            return
        if sent or self._replans < MAX_REPLANS:
            raise Superseded("a newer commit took over; the rest of this one is not sent")

    def take_newest(self) -> LoadedDataset:
        """
        Switch to the newest revision and return its spec.

        Raises:
            Superseded: The newest revision needs its own cycle: the dataset was removed, suspended, made
                invalid or given another target, or the cycle has switched too often.
        """
        before = self.loaded
        with self._registry.lock:
            newest = self._state.loaded
            gone = self._registry.states.get(self._state.name) is not self._state
            if gone or self._state.suspended or self._replans >= MAX_REVISIONS:
                raise Superseded("a newer commit took over; this one is not sent")
            if before is None or newest is None:
                raise Superseded("a newer commit took over, and its document cannot be read")
            if newest.target != before.target:
                raise Superseded("a newer commit names another target; nothing is sent to this one")
            self._take()
            self._replans += 1
            newest = self.loaded or newest  # in mode observe, if the dataset was suspended meanwhile
        bind(revision=self.revision)
        log.info("plan.superseded", replans=self._replans)
        return newest


def _observed_only(loaded: LoadedDataset) -> LoadedDataset:
    """Return a dataset in mode observe, whatever its policy says."""
    spec = loaded.spec.spec
    policy = spec.policy.model_copy(update={"mode": Mode.OBSERVE})
    dataset = loaded.spec.model_copy(update={"spec": spec.model_copy(update={"policy": policy})})
    return replace(loaded, spec=dataset)


def digest_of(loaded: LoadedDataset) -> bytes:
    """
    Return a digest of the desired entries and the spec, without labels, schedule and suspension.

    Reads every file once and parses none. For a file that is pinned by its digest, that digest stands.

    Raises:
        SourceError: A file is missing or was replaced.
    """
    total = blake2b(_FORMAT)
    aside = {"metadata": {"labels"}, "spec": {"schedule", "suspend"}}
    total.update(loaded.spec.model_dump_json(exclude=aside).encode())
    for problem in loaded.problems:
        total.update(problem.code.encode())
    for file in loaded.files:
        if file.pinned is None:
            with file.open() as stream:
                while piece := stream.read(1 << 20):
                    total.update(piece)
        total.update(f"{file.pinned}\0".encode())
    return total.digest()
