"""
The parts that several JSON documents share, as types; each document's own are in the `shape` of its folder.

mypy holds the renderers to them, and the JSON Schemas are made from them.

In every document, ``errors`` beside ``datasets`` is why the command failed as a whole; absent if it did not.
Documents are versioned by ``format``. Within one version keys may be added, never taken away or changed.
"""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict  # the standard one tells pydantic enough from Python 3.12 on only

from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.validation.problem import Severity


class ErrorDoc(TypedDict):
    """What could not be used or seen. ``origin`` is ``file:line``, where there is one."""

    code: str
    message: str
    origin: NotRequired[str]


class FieldDoc(TypedDict):
    """One field that differs, by JSON Pointer; null where there is nothing on that side."""

    path: str
    before: object
    after: object


class ProblemDoc(TypedDict):
    """
    One thing that is wrong, or suspicious.

    ``code`` is AWS's own where AWS has one, else RKD and four digits.
    """

    severity: Severity
    code: str
    message: str
    file: str | None
    line: int | None
    column: int | None
    source_ref: str | None


class QuarantinedDoc(TypedDict):
    """Why, since and until when a line is not sent."""

    kind: QuarantineReason
    reason: str
    rounds: int
    since: str
    until: str
