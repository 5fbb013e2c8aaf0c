"""How often the service is called, what it answers, and how long that takes: every attempt, by operation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from reconciler.rekognition.translate import ERRORS

Meter = Callable[[str, str, float], object]
"""Called with an operation, the code of its answer, and seconds. From many threads."""

OK: Final = "OK"
NO_ANSWER: Final = "NoAnswer"
OTHER: Final = "Other"


def metered(events: Any, meter: Meter) -> None:
    """
    Register *meter* with the events of one client.

    An attempt begins and ends in one thread, so that its start can wait there.
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
