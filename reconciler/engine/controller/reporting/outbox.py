"""Deliver the messages of one channel in a thread of its own, in order, until each is accepted or given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from reconciler.core.runtime.backoff import backoff
from reconciler.engine.log import log
from reconciler.errors import StateError
from reconciler.ports import Channel, Clock, Delivery, Notified, Receipt

MAX_MESSAGES: Final = 100
"""How many messages wait at most; of more, the oldest are dropped."""

MAX_SECONDS: Final = 86_400.0
"""The age at which a message is dropped."""

FIRST_SECONDS: Final = 2.0
LONGEST_SECONDS: Final = 900.0
"""The shortest and the longest wait after a failure."""


class Dated(Protocol):
    @property
    def at(self) -> float:
        """When it was decided, in seconds since the epoch."""
        ...


MessageT = TypeVar("MessageT", bound=Dated)


class DeliveryTally(Protocol):
    """Counts what became of messages."""

    def notification(self, channel: str, result: str) -> None: ...

    def waiting(self, channel: str, messages: int) -> None: ...


class Outbox(Generic[MessageT]):
    """
    The messages that wait for one channel. They outlive the process.

    A message is sent again if the process was killed before it could note that it was accepted.

    Args:
        kind: The type of the messages, as they are stored.
        lock: Held while documents of *stored* are made and written, by all that write there.
    """

    def __init__(
        self,
        channel: Channel[MessageT],
        kind: type[MessageT],
        stored: Notified,
        lock: threading.RLock,
        tally: DeliveryTally,
        clock: Clock,
    ) -> None:
        self.channel = channel
        self._name = f"outbox {channel.name}"
        self._stored = stored
        self._tally = tally
        self._clock = clock
        self._failures = 0
        self._lock = lock
        self._ending, self._filled = threading.Event(), threading.Event()
        self._waiting = _restored(stored.read(self._name), kind)
        self._thread = threading.Thread(target=self._run, name=f"notify {channel.name}", daemon=True)

    def start(self) -> None:
        self._tally.waiting(self.channel.name, len(self._waiting))
        self._filled.set()
        self._thread.start()

    def end(self) -> None:
        """Begin no further attempt; the next process sends the messages that wait."""
        self._ending.set()
        self._filled.set()

    def join(self, seconds: float) -> None:
        """Wait for the message that is being sent."""
        self._thread.join(seconds)

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def add(self, messages: Iterable[MessageT]) -> dict[str, str]:
        """Append messages, and return the document to be stored, by name; the caller holds the lock until then."""
        with self._lock:
            waiting = [*self._waiting, *messages]
            dropped = len(waiting) - MAX_MESSAGES
            self._waiting = waiting[-MAX_MESSAGES:]
            document = self._document()
        if dropped > 0:
            self._drop(dropped, f"more than {MAX_MESSAGES} messages wait")
        self._tally.waiting(self.channel.name, len(self._waiting))
        self._filled.set()
        return document

    def step(self) -> float | None:
        """Send the oldest message; return the seconds until the next may be sent, None if there is none."""
        with self._lock:
            message = self._waiting[0] if self._waiting else None
            if message is None:
                self._filled.clear()
                return None
        if self._clock.now() - message.at > MAX_SECONDS:
            self._remove(message)
            self._drop(1, "it waited for more than a day")
            return 0.0
        result = self._try_to_send(message)
        self._tally.notification(self.channel.name, result.receipt.value)
        if result.receipt is Receipt.FAILED:
            return self._note_failure(result)
        self._remove(message)
        if result.receipt is Receipt.REFUSED:
            self._drop(1, result.reason)
        elif self._failures:
            log.info("notify.recovered", channel=self.channel.name, failures=self._failures)
            self._failures = 0
        return 0.0

    def _run(self) -> None:
        while not self._ending.is_set():
            wait = self.step()
            if wait is None:
                self._filled.wait()
            else:
                self._ending.wait(wait)

    def _try_to_send(self, message: MessageT) -> Delivery:
        try:
            return self.channel.send(message)
        except Exception as exc:  # noqa: BLE001  a channel is foreign code, and must not end the thread
            return Delivery(Receipt.FAILED, type(exc).__name__)

    def _note_failure(self, result: Delivery) -> float:
        if not self._failures:
            log.warning("notify.failing", channel=self.channel.name, reason=result.reason)
        self._failures += 1
        wait = backoff(self._failures, self._clock.draw(), first=FIRST_SECONDS, most=LONGEST_SECONDS)
        return max(wait, min(result.retry_after_seconds or 0.0, LONGEST_SECONDS))

    def _remove(self, message: MessageT) -> None:
        with self._lock:
            self._waiting = [one for one in self._waiting if one is not message]
            document = self._document()
            try:
                self._stored.write(document)
            except StateError as exc:
                log.warning("status.unsaved", reason=str(exc))
        self._tally.waiting(self.channel.name, len(self._waiting))

    def _drop(self, number: int, reason: str) -> None:
        log.warning("notify.dropped", channel=self.channel.name, messages=number, reason=reason)
        for _ in range(number):
            self._tally.notification(self.channel.name, "dropped")

    def _document(self) -> dict[str, str]:
        return {self._name: msgspec.json.encode(self._waiting).decode()}


def _restored(body: str | None, kind: type[MessageT]) -> list[MessageT]:
    return decoded(body, list[kind], list)  # type: ignore[valid-type]  # mypy knows no types of types


Value = TypeVar("Value")


def decoded(body: str | None, kind: type[Value], default: Callable[[], Value]) -> Value:
    """Return a stored document; the default if there is none, or another version wrote it."""
    try:
        return default() if body is None else msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:
        return default()
