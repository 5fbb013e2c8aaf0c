"""Requests and answers, independent of a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Disposition(StrEnum):
    """How the connection treats an answer."""

    SENT = "sent"
    CUT = "cut"
    CUT_INSIDE = "cut-inside"


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request.

    Attributes:
        path: Decoded, with its leading slash.
        raw_path: As sent, still encoded.
        query: The last value of each key, decoded.
        headers: Lower-case name -> value.
    """

    method: str
    path: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One answer.

    Attributes:
        delay: Seconds to wait before it is sent.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    disposition: Disposition = Disposition.SENT
    delay: float = 0.0
