"""
HTTP endpoint to control faults, switches, clock and console user, under a path that no AWS client uses.

=======  =====================  ====================================================================
GET      /_emulator             switches, settings, faults and the time; to a browser, a page
GET      /_emulator/health      {"status": "ok"}
GET      /_emulator/calls       the log of calls; ?operation=NAME restricts it
DELETE   /_emulator/calls       clear the log
GET      /_emulator/state       all projects, datasets, buckets and objects
POST     /_emulator/state       add the content of such a document
POST     /_emulator/reset       forget everything but what was given at the start
POST     /_emulator/faults      arm a fault; answers its id
DELETE   /_emulator/faults      disarm all; ?id=N disarms one
POST     /_emulator/switches    {"name": "value"}: set switches
POST     /_emulator/settings    {"update_seconds": 5}: durations and limits
POST     /_emulator/clock       {"advance": seconds}: advance the clock
POST     /_emulator/console     {"do": "move_box", ...}: act as the console user
=======  =====================  ====================================================================

Bodies must have the type application/json, which web pages cannot send cross-origin without a preflight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

import orjson

from reconciler.emulator.api.settling import Settler
from reconciler.emulator.behaviour.faults import Fault
from reconciler.emulator.behaviour.settings import PLAIN_NAMES
from reconciler.emulator.control import page, state
from reconciler.emulator.control.console import Console
from reconciler.emulator.http import Answer, Request
from reconciler.emulator.storage.context import Context

Given = Mapping[str, Any]

_HTML: Final = MappingProxyType(
    {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "Cache-Control": "no-store",
    }
)


class Control:
    """Answers the control requests."""

    ROOT: Final = "/_emulator"

    def __init__(self, context: Context, console: Console, settler: Settler) -> None:
        self._context = context
        self._console = console
        self._settler = settler

    def handle(self, request: Request) -> Answer:
        """Answer one request; an answer with status 400 explains the error."""
        act = self._acts().get((request.method, request.path.removeprefix(self.ROOT).strip("/")))
        if act is None:
            return _json(404, {"error": f"no such control: {request.method} {request.path}"})
        if request.method == "POST" and not _is_json(request):
            return _json(415, {"error": "the body must be application/json"})
        if act == self._show and "text/html" in request.headers.get("accept", ""):
            with self._context.store.snapshot():
                return Answer(200, page.render(self._context), _HTML)
        try:
            given = _body(request) if request.method == "POST" else request.query
            self._settler.settle([""])
            with self._context.store.turn:
                answer = act(given)
        except (ValueError, TypeError) as exc:
            return _json(400, {"error": str(exc)})
        return _json(200, answer)

    def _acts(self) -> Mapping[tuple[str, str], Callable[[Given], Any]]:
        return {
            ("GET", ""): self._show,
            ("GET", "calls"): self._calls,
            ("DELETE", "calls"): lambda _: self._context.calls.clear(),
            ("GET", "health"): lambda _: {"status": "ok"},
            ("GET", "state"): lambda _: state.dump(self._context),
            ("POST", "state"): lambda given: state.seed(self._context, given),
            ("POST", "reset"): self._reset,
            ("POST", "faults"): self._arm,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "switches"): self._switch,
            ("POST", "settings"): self._set,
            ("POST", "clock"): self._jump,
            ("POST", "console"): self._console.do,
        }

    def _show(self, _: Given) -> Any:
        settings = self._context.settings
        return {
            "now": self._context.clock.now(),
            "switches": asdict(settings.switches),
            "settings": self._plain_settings(),
            "faults": [
                {"id": number, "hit": hit, **fault.plain()}
                for number, fault, hit in self._context.faults.armed()
            ],
        }

    def _calls(self, given: Given) -> Any:
        wanted = given.get("operation")
        return [asdict(call) for call in self._context.calls if wanted in (None, call.operation)]

    def _reset(self, _: Given) -> None:
        self._context.reset()
        self._settler.wake()

    def _arm(self, given: Given) -> Any:
        number = self._context.faults.add(Fault.parse(given), persistent=True)
        self._context.keep_faults()
        return {"id": number}

    def _clear_faults(self, given: Given) -> None:
        self._context.faults.clear(int(given["id"]) if "id" in given else None)
        self._context.keep_faults()

    def _switch(self, given: Given) -> Any:
        self._context.change_switches(given)
        return asdict(self._context.settings.switches)

    def _set(self, given: Given) -> Any:
        self._context.change_settings(given)
        return self._plain_settings()

    def _plain_settings(self) -> Any:
        return {name: getattr(self._context.settings, name) for name in PLAIN_NAMES}

    def _jump(self, given: Given) -> Any:
        self._context.clock.advance(float(given.get("advance", 0)))
        return {"now": self._context.clock.now()}


def failure(_: Exception) -> Answer:
    """Return the answer to a request that made the emulator fail, without details."""
    code = "InternalFailure"
    return _json(500, {"__type": code, "Code": code, "Message": "The emulator failed."})


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"


def _body(request: Request) -> Given:
    given = orjson.loads(request.body)
    if not isinstance(given, dict):
        raise ValueError("the body must be a JSON object")
    return given


def _json(status: int, content: Any) -> Answer:
    return Answer(status, orjson.dumps(content), {"Content-Type": "application/json"})
