"""Requests and answers, independent of a server."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

# Buckets in the host name, and the names of AWS itself, to which a test may direct its resolver.
_LOCAL_NAMES: Final = (".localhost", ".amazonaws.com")


def is_local(host: str) -> bool:
    """
    Return whether a `Host` header names what no foreign web page can: an address, or a name without a domain.

    Otherwise a page of a domain that suddenly resolves to the loopback could use the emulator (DNS rebinding).
    """
    name = re.sub(r":\d+$", "", host).strip("[]").lower()
    try:
        ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(_LOCAL_NAMES)
    return True


def is_allowed(host: str, names: Collection[str]) -> bool:
    """Return whether a `Host` header is local, or one of *names*, or a name below one of them."""
    name = re.sub(r":\d+$", "", host).lower()
    return is_local(host) or any(name == each or name.endswith(f".{each}") for each in names)


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
