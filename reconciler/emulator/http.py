"""Requests, answers and errors, independent of a server."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
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
        query: The last value of each key, decoded.
        headers: Lower-case name -> value.
    """

    method: str
    path: str
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


class ServiceError(Exception):
    """
    An error answer.

    Attributes:
        code: Error code for clients, such as ``ResourceInUseException``.
        message: Text for humans.
        status: HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = int(status)


def invalid_parameter() -> ServiceError:
    return ServiceError("InvalidParameterException", "Request has invalid parameters.")


def in_use() -> ServiceError:
    return ServiceError("ResourceInUseException", "Specified resource is in use.")


def not_found(arn: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"The resource {arn} was not found.")


def not_ready() -> ServiceError:
    return ServiceError("ResourceNotReadyException", "The requested resource isn't ready.")


def already_exists(what: str) -> ServiceError:
    return ServiceError("ResourceAlreadyExistsException", f"{what} already exists.")


def limit_exceeded(what: str) -> ServiceError:
    return ServiceError("LimitExceededException", what)


def bad_token() -> ServiceError:
    return ServiceError("InvalidPaginationTokenException", "Invalid Pagination Token")


def bad_s3_object() -> ServiceError:
    return ServiceError(
        "InvalidS3ObjectException",
        "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
    )


def serialization(message: str) -> ServiceError:
    return ServiceError("SerializationException", message)


def validation(violations: Sequence[str]) -> ServiceError:
    """Return the error that states each violated constraint."""
    errors = "1 validation error" if len(violations) == 1 else f"{len(violations)} validation errors"
    return ServiceError("ValidationException", f"{errors} detected: {'; '.join(violations)}")
