"""
Finish operations that are due: a request finishes those of its own projects, a thread all others.

A request never works, nor waits, for a project that it does not name. What takes long, such as the import of
a large manifest, goes to the thread too, and its dataset is shown in progress until it is done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

from reconciler.emulator.api import finishing, lifecycle
from reconciler.emulator.api.lifecycle import Operation, Work
from reconciler.emulator.storage import bodies, contents, entries
from reconciler.emulator.storage.context import Context
from reconciler.emulator.training import work

# A request finishes up to one update of 5 MiB itself, or the copy of as many entries.
_QUICK_BYTES: Final = 5 * 1024 * 1024
_QUICK_ENTRIES: Final = 7_500

# How long work may pause for requests after each slice, so that it goes on under constant load.
_PAUSE_SECONDS: Final = 0.02

_log = logging.getLogger(__name__)


class Settler:
    """Finishes the due operations of one emulator; each is under way once at a time in a process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._guard = threading.Lock()
        self._idle = threading.Condition(self._guard)
        self._answering = 0
        self._claims: dict[int, threading.Event] = {}
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def settle(self, scope: Collection[str], left: Collection[int] | None = None) -> frozenset[int]:
        """
        Finish what is due in *scope*, and leave the rest to the thread.

        The caller must not hold the lock.

        Args:
            scope: Prefixes of the ARNs of datasets and projects, see `scope_of`.
            left: What an earlier call left to the thread. If given, whatever else is due in *scope* is finished
                however long it takes, since the caller has started it.

        Returns:
            The operations in *scope* that take long and that the thread carries out.
        """
        context, prefixes = self._context, tuple(scope)
        if not lifecycle.has_due(context):
            return frozenset(left or ())
        known = set(left or ())
        while True:
            due = lifecycle.due(context)
            own = next((op for op in due if op.id not in known and op.arn.startswith(prefixes)), None)
            if own is None:
                break
            if left is None and self._takes_long(own):
                known.add(own.id)
            else:
                self._finish(own.id, finishing.steps(context, own))
        for version in work.due(context, prefixes):
            if version["size"] <= _QUICK_BYTES:
                self._finish(-version["id"], work.steps(context, version))
        finishing.remove_projects(context, prefixes)
        self.wake()
        return frozenset(known)

    def settle_all(self) -> None:
        """Finish everything that is due in this thread, which may hold the lock."""
        while due := lifecycle.due(self._context):
            for _ in finishing.steps(self._context, due[0]):
                pass
        for version in work.due(self._context, ("",)):
            for _ in work.steps(self._context, version):
                pass
        finishing.remove_projects(self._context, ("",))

    def close(self) -> None:
        """Stop the thread after its slice. What it had begun is begun again by the next process."""
        self._closing.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _takes_long(self, op: Operation) -> bool:
        if op.kind is Work.COPY:
            return entries.stats(self._context.store, op.arguments["source"]).total > _QUICK_ENTRIES
        return op.size > _QUICK_BYTES

    def _finish(self, number: int, steps: Iterator[None]) -> None:
        """
        Carry out *steps*, or wait until the thread that carries them out is done.

        Args:
            number: Id of an operation; of a version, negative.
        """
        mine = threading.Event()
        with self._guard:
            claim = self._claims.setdefault(number, mine)
        if claim is not mine:
            claim.wait()
            return
        try:
            for _ in steps:
                if self._closing.is_set():
                    return
                self._give_way()
        finally:
            with self._guard:
                del self._claims[number]
            mine.set()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Let what takes long pause meanwhile, since each answer takes lock and interpreter a dozen times."""
        with self._guard:
            self._answering += 1
        try:
            yield
        finally:
            with self._idle:
                self._answering -= 1
                self._idle.notify_all()

    def _give_way(self) -> None:
        """Wait until no request is being answered, but not for long."""
        with self._idle:
            self._idle.wait_for(lambda: not self._answering, _PAUSE_SECONDS)

    def wake(self) -> None:
        """Start the thread if there is something to do and it does not run."""
        with self._guard:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._work, name="emulator-due", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        try:
            while not self._closing.is_set() and self._work_once():
                pass
        except Exception:  # noqa: BLE001  nothing waits for the thread; the next request tries again
            _log.exception("what is due could not be finished")
        finally:
            with self._guard:
                self._thread = None

    def _work_once(self) -> bool:
        """Finish one operation, or free one slice of what was dropped; return whether there was any."""
        store = self._context.store
        with self._guard:
            claimed = set(self._claims)
        op = next((op for op in lifecycle.due(self._context) if op.id not in claimed), None)
        if op is not None:
            self._finish(op.id, finishing.steps(self._context, op))
            return True
        versions = (row for row in work.due(self._context, ("",)) if -row["id"] not in claimed)
        version = next(versions, None)
        if version is not None:
            self._finish(-version["id"], work.steps(self._context, version))
            return True
        finishing.remove_projects(self._context, ("",))
        return contents.sweep(store) or bodies.sweep(store)


def scope_of(account: str, region: str, params: Any) -> set[str]:
    """Return the prefixes of the ARNs that a request concerns: its projects, else its whole account."""
    return {_project(arn) for arn in _arns(params)} or {f"arn:aws:rekognition:{region}:{account}:"}


def _arns(value: Any) -> set[str]:
    """Return the ARNs in the parameters of a request, wherever they stand."""
    match value:
        case str():
            return {value} if value.startswith("arn:") else set()
        case dict():
            return {arn for inner in value.values() for arn in _arns(inner)}
        case list():
            return {arn for inner in value for arn in _arns(inner)}
        case _:
            return set()


def _project(arn: str) -> str:
    """Return the prefix of the ARNs of a project and of its datasets."""
    return "/".join(arn.split("/", 2)[:2]) + "/"
