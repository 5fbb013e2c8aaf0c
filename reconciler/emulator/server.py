"""The complete emulator, and a server for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.emulator.access import Sts
from reconciler.emulator.api import lifecycle
from reconciler.emulator.api.settling import Settler
from reconciler.emulator.behaviour.calls import READS, Calls
from reconciler.emulator.behaviour.faults import Faults
from reconciler.emulator.behaviour.settings import ACCOUNT, Clock, Settings, SystemClock
from reconciler.emulator.control.console import Console
from reconciler.emulator.control.endpoint import Control, failure
from reconciler.emulator.http import Answer, Request
from reconciler.emulator.rekognition import Rekognition
from reconciler.emulator.s3.front import S3
from reconciler.emulator.sqs import TARGET_PREFIX, Sqs
from reconciler.emulator.storage.context import Context
from reconciler.emulator.storage.store import Store

_log = logging.getLogger(__name__)


class Emulator:
    """
    An emulated account: state, clock, faults, console user and log. `serve` serves it on a port.

    Requests take turns at the data, each for a few milliseconds. Clock, faults, console and settings may be used
    from any thread at any time; hold `lock` to make several changes between two requests.
    """

    def __init__(
        self,
        data: Path | None = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
        account: str = ACCOUNT,
        hosts: Collection[str] = (),
        s3_endpoint: str | None = None,
    ) -> None:
        """
        Open or create the state.

        Args:
            data: Directory for the state; None keeps it in memory.
            account: Account of callers whose access key does not identify another.
            hosts: Names under which clients may call it, beside those that `http.is_local` allows.
            s3_endpoint: URL of another S3, which manifests are read from with the credentials of this process.

        Raises:
            OSError, sqlite3.Error: The directory cannot be used.
        """
        self._context = Context(
            Store(data), clock or SystemClock(), settings or Settings(), account, s3_endpoint
        )
        self._context.restore()
        self.hosts = frozenset(hosts)
        self.console = Console(self._context)
        self._settler = Settler(self._context)
        self._context.store.drop_leftovers()
        self._tidy()
        self._rekognition = Rekognition(self._context, self.console, self._settler)
        self._s3 = S3(self._context)
        self._sts = Sts(self._context)
        self._sqs = Sqs(self._context)
        self._control = Control(self._context, self.console, self._settler)

    @property
    def lock(self) -> threading.RLock:
        return self._context.store.turn

    @property
    def clock(self) -> Clock:
        return self._context.clock

    @property
    def faults(self) -> Faults:
        return self._context.faults

    @property
    def calls(self) -> Calls:
        return self._context.calls

    @property
    def max_object_bytes(self) -> int:
        return self._context.settings.max_object_bytes

    @property
    def settings(self) -> Settings:
        return self._context.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._context.settings = settings

    def handle(self, request: Request) -> Answer:
        """Answer one request of any kind."""
        try:
            answer = self._front(request)(request)
            if request.method != "GET":
                self._tidy()
            return answer
        except Exception as exc:  # noqa: BLE001  a failed request must not stop the server
            return self._failed(request, exc)

    def _failed(self, request: Request, exc: Exception) -> Answer:
        _log.error("request failed: %s %s", request.method, request.path, exc_info=exc)
        return failure(exc)

    def answer_at_once(self, request: Request) -> Answer | None:
        """Answer a request that only reads; None if that would have to wait for something."""
        target = request.headers.get("x-amz-target", "").rpartition(".")[2]
        if ("rekognition", target) not in READS or not self.lock.acquire(blocking=False):
            return None
        try:
            armed = bool(self._context.faults.armed())
            if armed or lifecycle.has_due(self._context):
                return None
            return self._rekognition.handle(request, settled=True)
        except Exception as exc:  # noqa: BLE001
            return self._failed(request, exc)
        finally:
            self.lock.release()

    def _front(self, request: Request) -> Callable[[Request], Answer]:
        """Return the handler of the service that a request is for; all services share one port."""
        if request.path.startswith(Control.ROOT):
            return self._control.handle
        if request.headers.get("x-amz-target", "").startswith(TARGET_PREFIX):
            return self._sqs.handle
        if "x-amz-target" in request.headers:
            return self._rekognition.handle
        form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        if request.method == "POST" and request.path == "/" and form:
            return self._sts.handle
        return self._s3.handle

    def act(self, action: Mapping[str, Any]) -> None:
        """
        Run an action of the console user, see `Console.do`.

        Raises:
            ValueError: The action is unknown or impossible.
        """
        with self.lock:
            self._settler.settle_all()
            self.console.do(action)

    def _tidy(self) -> None:
        if self._context.store.has_dropped():
            self._settler.wake()

    def reset(self) -> None:
        """Forget everything but the settings and faults that were given at the start, and the time."""
        self._context.reset()
        self._settler.wake()

    def close(self) -> None:
        """Close the database. The emulator cannot be used afterwards."""
        self._sqs.close()
        self._settler.close()
        with self.lock:
            self._context.store.close()


@dataclass(frozen=True, slots=True)
class Running:
    """
    A running server.

    Attributes:
        url: Endpoint for the clients of all services and Regions.
    """

    emulator: Emulator
    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@contextmanager
def serve(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[Running]:
    """
    Serve *emulator* from a thread until the block exits; port 0 selects a free port.

    Raises:
        OSError: The address cannot be bound.
    """
    from reconciler.emulator.port import listening  # importing uvicorn takes 30 ms

    with listening(emulator, host, port) as number:
        yield Running(emulator, host, number)
