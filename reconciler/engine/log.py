"""
The entry point of logging. Imports structlog lazily, with the first event.

It brings asyncio, and rich where that is installed: together they take longer to import than many a command
runs, and `validate`, or a `plan` against a file, says nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from structlog.types import FilteringBoundLogger

_lock: Final = Lock()
_waiting: Final[list[Callable[[], None]]] = []


@contextmanager
def set_up_by(configure: Callable[[], None]) -> Iterator[None]:
    """Within this block, call *configure* before the first line is written, and not at all without one."""
    _waiting[:] = [configure]
    try:
        yield
    finally:
        _waiting.clear()


@contextmanager
def bound(**facts: object) -> Iterator[None]:
    """Within this block, add *facts* to every line."""
    from structlog.contextvars import bound_contextvars

    with bound_contextvars(**facts):
        yield


def bind(**facts: object) -> None:
    """Add *facts* to every line from here on, or until the `bound` block ends that binds the same names."""
    from structlog.contextvars import bind_contextvars

    bind_contextvars(**facts)


class _Log:
    """What modules write with: the name of an event of `engine.events`, and its facts."""

    def debug(self, event: str, **facts: Any) -> None:
        _logger().debug(event, **facts)

    def info(self, event: str, **facts: Any) -> None:
        _logger().info(event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        _logger().warning(event, **facts)

    def exception(self, event: str, **facts: Any) -> None:
        """The same at the level of errors, with the exception that is being handled."""
        _logger().exception(event, **facts)


def _logger() -> FilteringBoundLogger:
    import structlog

    with _lock:  # no thread may log before it is done
        if _waiting:
            _waiting[0]()
            _waiting.clear()
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


log: Final = _Log()
