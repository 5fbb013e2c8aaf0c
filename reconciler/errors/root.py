"""The base of every error that this package raises on purpose."""

from __future__ import annotations

from reconciler.errors.exits import Exit
from reconciler.redact import redacted


class ReconcilerError(Exception):
    """
    Base of every error that this package raises on purpose. Its text is for people: place, what, why.

    Attributes:
        outlasted: Whether retries were exhausted, so that an outer retry need not wait as long again.
    """

    code = "RKD5000"
    retryable = False
    exit_code: Exit = Exit.UNEXPECTED
    outlasted = False

    def __str__(self) -> str:
        return redacted(super().__str__())
