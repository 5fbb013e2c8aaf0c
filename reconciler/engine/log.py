"""
The entry point of logging. Imports structlog lazily, with the first event.

structlog imports asyncio, and rich if installed, which takes longer than many commands run; `validate` and a
`plan` against a file often log nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from structlog.types import FilteringBoundLogger

_lock: Final = Lock()
_waiting: Final[list[Callable[[], None]]] = []


@contextmanager
def set_up_by(configure: Callable[[], None]) -> Iterator[None]:
    """Call *configure* before the first line that is logged within this block; never if there is none."""
    _waiting[:] = [configure]
    try:
        yield
    finally:
        _waiting.clear()


@contextmanager
def bound(**facts: object) -> Iterator[None]:
    """Add *facts* to every line that is logged within this block."""
    from structlog.contextvars import bound_contextvars

    with bound_contextvars(**facts):
        yield


def bind(**facts: object) -> None:
    """Add *facts* to every later line, until a `bound` block that binds the same names ends."""
    from structlog.contextvars import bind_contextvars

    bind_contextvars(**facts)


class _Log:
    def __getattr__(self, level: str) -> Any:
        return getattr(_logger(), level)


def _logger() -> FilteringBoundLogger:
    import structlog

    with _lock:  # no thread may log before logging is configured
        if _waiting:
            _waiting[0]()
            _waiting.clear()
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


log: Final = cast("FilteringBoundLogger", _Log())
"""Logs the events of `docs/logs.md`, each with its facts."""
