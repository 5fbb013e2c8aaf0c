"""Configure structured logs on stderr: constant events, facts as keys."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from reconciler.redact import redacted

Line = MutableMapping[str, Any]


def configure(log_format: str | None, log_level: str) -> None:
    """
    Configure structlog for this process.

    Args:
        log_format: ``console`` or ``json``; None for console on a terminal, else JSON.
    """
    console = log_format == "console" or (log_format is None and sys.stderr.isatty())
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _redact(_logger: Any, _method: str, line: Line) -> Line:
    """Remove credentials and presigned URLs from every value of a line."""
    return {key: _clean(value) for key, value in line.items()}


def _clean(value: Any) -> Any:
    match value:
        case str():
            return redacted(value)
        case list() | tuple():
            return [_clean(item) for item in value]
        case _:
            return value
