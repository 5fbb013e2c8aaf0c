"""
Around every call that leaves this process: limit its rate and attempts, measure each attempt, and refuse answers
that are not from the service, such as that of a proxy, or do not have the shape that the API promises.

botocore's own limiter (retry mode ``adaptive``) starts only after AWS has throttled a call, and is one a client.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import orjson
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from reconciler import errors
from reconciler.core.runtime.backoff import Admission, CallWindow
from reconciler.core.spec.choices import Arn
from reconciler.rekognition.settings import on_the_way
from reconciler.rekognition.translate import ERRORS

# A place may become free before the time that is computed, when a call is answered: the interval of checks.
_CHECK_SECONDS: Final = 0.02


# A listing gives way to other calls no longer than this, so that it ends however many there are.
_MAX_YIELDED_SECONDS: Final = 2.0


class _Gate:
    """A call window, the queue of threads that wait for it, and how many of them do not give way to others."""

    def __init__(self, calls: int) -> None:
        self.window = CallWindow(calls)
        self.queue = threading.Lock()
        self.counting = threading.Lock()
        self.first = 0

    def enter(self, by: int) -> None:
        with self.counting:
            self.first += by


class Limiter:
    """
    Limit the calls per second for each account, Region and operation. Thread-safe; to be shared.

    Args:
        calls: Maximum calls per second, 1 to 5; None for no limit (an emulator in this process needs none).
        now: A monotonic clock, in seconds.
        sleep: Waits for a number of seconds.
    """

    def __init__(self, calls: int | None, now: Callable[[], float], sleep: Callable[[float], object]) -> None:
        self._calls = calls
        self._now = now
        self._sleep = sleep
        self._gates: dict[tuple[str, str, str], _Gate] = {}
        self._lock = threading.Lock()
        self._under_way = threading.local()

    def wait(self, account: str, region: str, operation: str) -> None:
        """Wait until the call may be sent; the thread reports its end by `record_answer`."""
        if self._calls is None:
            return
        with self._lock:
            gate = self._gates.setdefault((account, region, operation), _Gate(self._calls))
        if getattr(self._under_way, "yields", False):
            until: float | None = None
            while not self._queue(gate, gives_way=until is None or self._now() < until):
                until = until or self._now() + _MAX_YIELDED_SECONDS
                self._sleep(_CHECK_SECONDS)
            return
        gate.enter(1)
        try:
            self._queue(gate)
        finally:
            gate.enter(-1)

    def _queue(self, gate: _Gate, *, gives_way: bool = False) -> bool:
        """Wait for a turn and take it; return False, without one, if calls have come that are given way to."""
        with gate.queue:
            while not (gives_way and gate.first):
                delay = gate.window.wait(self._now())
                if delay <= 0:
                    self._under_way.admission = gate.window.record_call(self._now())
                    return True
                self._sleep(min(delay, _CHECK_SECONDS))
        return False

    @contextmanager
    def yielding(self) -> Iterator[None]:
        """Let the calls of this thread within the block give way to those of other threads."""
        self._under_way.yields = True
        try:
            yield
        finally:
            self._under_way.yields = False

    def record_answer(self) -> None:
        """Record that the call of this thread is over, with or without an answer."""
        admission: Admission | None = getattr(self._under_way, "admission", None)
        if admission is not None:
            admission.record_answer(self._now())
            self._under_way.admission = None


CallMeter = Callable[[str, str, float], object]
"""Called after each attempt with the operation, the code of its answer, and its seconds, from any thread."""

OK: Final = "OK"
NO_ANSWER: Final = "NoAnswer"
OTHER: Final = "Other"


def add_meter(events: Any, meter: CallMeter) -> None:
    """
    Register *meter* with the events of one client.

    An attempt begins and ends in one thread, so its start is stored thread-locally.
    """
    here = threading.local()

    def before(**_: Any) -> None:
        here.start = time.monotonic()

    def after(event_name: str, parsed_response: Any = None, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        seconds = time.monotonic() - getattr(here, "start", time.monotonic())
        code = NO_ANSWER if parsed_response is None else OK
        if parsed_response is not None and (error := parsed_response.get("Error")):
            found = str(error.get("Code", ""))
            code = found if found in ERRORS else OTHER
        meter(operation, code, seconds)

    events.register_last("before-send.rekognition", before)
    events.register("response-received.rekognition", after)


MAX_TIMED_OUT: Final = 2
"""Attempts of one call that may end by their read timeout: each of them takes a minute."""


def refuse_long_retry(attempts: int, caught_exception: Exception | None, **_: Any) -> None:
    """Keep the SDK from repeating a call that timed out again."""
    if attempts >= MAX_TIMED_OUT and isinstance(caught_exception, ReadTimeoutError):
        raise caught_exception


def refuse_blind_retry(
    response: tuple[Any, Mapping[str, Any]] | None, caught_exception: Exception | None, **_: Any
) -> None:
    """
    Keep the SDK from retrying an update that may have arrived; only a throttled one has not.

    The caller checks the dataset first: an update is not sent while another is in progress.
    """
    if caught_exception is not None:
        raise caught_exception
    answer = response[1] if response else {}
    code = answer.get("Error", {}).get("Code")
    if code is not None and ERRORS.get(code) is not errors.Throttled:
        raise ClientError(answer, "UpdateDatasetEntries")  # type: ignore[arg-type]  # botocore's own dictionary


_INTEGERS: Final = ("integer", "long")
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "boolean": bool,
    "double": (int, float),
    "float": (int, float),
    "integer": int,
    "list": list,
    "long": int,
    "map": dict,
    "string": str,
    "structure": dict,
    "timestamp": (int, float, str),
}


def refuse_garbage(
    model: OperationModel, answer: Mapping[str, Any] | None, parsed: Mapping[str, Any] | None
) -> None:
    """
    Raise for an answer of status 200 that is not a JSON object, such as a page of a proxy, or is of another shape.

    botocore takes the first for an answer without members: a listing would end there, and look complete. And it
    takes a text for a number, a number for a text, and the characters of a text or the keys of an object for
    a list.

    Args:
        answer: As it came.
        parsed: What botocore parsed from it; None if that failed.

    Raises:
        Unavailable: It is not a JSON object.
        UnknownAnswer: It is one of another shape.
    """
    if answer is None or parsed is None or answer["status_code"] >= 300:
        return
    if (raw := _object(answer["body"], model.name)) is None:
        garbled = errors.Unavailable(f"{model.name}: the answer is not a JSON object{on_the_way()}")
        garbled.garbled = True
        raise garbled
    if "__type" in raw:
        raise errors.UnknownAnswer(f"{model.name}: an error with the status of success: {raw['__type']!r}")
    if model.output_shape is not None and (place := _misfit(model.output_shape, raw)) is not None:
        raise errors.UnknownAnswer(f"{model.name}: {place.lstrip('.')} is not what the API promises")


def refuse_other_region(arn: str, region: str) -> None:
    """
    Raise for a project that lies in another Region than calls are signed for.

    Raises:
        OtherRegion: So it is: then no call for its datasets may be made.
    """
    if (found := Arn.parse(arn).region) != region:
        raise errors.OtherRegion(
            f"{arn} lies in Region {found}, and calls are signed for {region}: correct spec.target.region, "
            "--region or AWS_REGION, or the endpoint that AWS_ENDPOINT_URL names"
        )


def _object(body: bytes, operation: str) -> dict[str, Any] | None:
    """Return the JSON object of a body; None if it is not one."""
    if not body and operation == "UpdateDatasetEntries":
        return {}  # documented: "an HTTP 200 response with an empty HTTP body"
    try:
        found = orjson.loads(body)
    except ValueError:  # half characters and numbers of any size, which only the slower parser reads
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def _misfit(shape: Shape, value: object) -> str | None:
    """Return the place of the first value that is of another type than the model says; None if all fit."""
    expected = _TYPES.get(shape.type_name, object)
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        return ""
    if isinstance(value, int) and shape.type_name in _INTEGERS and not 0 <= value < 1 << 63:
        return ""  # counts and sizes, all of them
    children: list[tuple[str, Shape, object]] = []
    match shape:
        case StructureShape() if isinstance(value, dict):
            known = shape.members
            children = [  # null stands for a member that is missing
                (f".{key}", known[key], child)
                for key, child in value.items()
                if key in known and child is not None
            ]
        case ListShape() if isinstance(value, list):
            children = [(f".{number}", shape.member, child) for number, child in enumerate(value)]
        case MapShape() if isinstance(value, dict):
            children = [(f".{key}", shape.value, child) for key, child in value.items()]
    for name, inner, child in children:
        if (place := _misfit(inner, child)) is not None:
            return name + place
    return None
