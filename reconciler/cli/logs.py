"""Structured logs on stderr: constant events, facts as keys."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import structlog

from reconciler.core.redact import REDACTED, redacted

# Nothing tells a secret key from other text, but its value is known.
_SECRET_VARIABLES: Final = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
# Those of AWS have 40 characters and more. An emulator is content with `x` or `test`, and replacing that
# everywhere would leave no word whole, the names of datasets and events included.
_MIN_SECRET_CHARS: Final = 8

Line = MutableMapping[str, Any]


def configure(log_format: str | None, log_level: str) -> None:
    """
    Set structlog up for this process.

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
            _redactor(
                [
                    found
                    for name in _SECRET_VARIABLES
                    if len(found := os.environ.get(name, "")) >= _MIN_SECRET_CHARS
                ]
            ),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _redactor(secrets: list[str]) -> Callable[[Any, str, Line], Line]:
    """Return the processor that lets no credential and no presigned URL through, whoever wrote it into a value."""

    def clean(value: Any) -> Any:
        match value:
            case str():
                for secret in secrets:
                    value = value.replace(secret, REDACTED)
                return redacted(value)
            case list() | tuple():
                return [clean(item) for item in value]
            case _:
                return value

    def redact(_logger: Any, _method: str, line: Line) -> Line:
        return {key: clean(value) for key, value in line.items()}

    return redact
