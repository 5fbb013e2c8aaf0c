"""Decode the `aws-chunked` encoding, which S3 clients use to send a checksum after the data."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.emulator.errors import ServiceError


def decode(headers: Mapping[str, str], body: bytes) -> bytes:
    """
    Return the data in *body*. Signatures and checksums of chunks are not verified.

    Raises:
        ServiceError: The chunks are malformed or incomplete.
    """
    streamed = headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
    encodings = [name.strip() for name in headers.get("content-encoding", "").split(",")]
    if not streamed and "aws-chunked" not in encodings:
        return body
    view, parts, length = memoryview(body), list[memoryview](), 0
    place = 0
    while True:
        end = body.find(b"\r\n", place)
        size = _size(body[place:end] if end >= 0 else b"")
        place = end + 2
        if size == 0:
            break
        if body[place + size : place + size + 2] != b"\r\n":
            raise _incomplete()
        parts.append(view[place : place + size])
        length += size
        place += size + 2
    if headers.get("x-amz-decoded-content-length", str(length)) != str(length):
        raise _incomplete()
    return b"".join(parts)


def _size(head: bytes) -> int:
    digits = head.partition(b";")[0]
    try:
        size = int(digits, 16)
    except ValueError as exc:
        raise _incomplete() from exc
    if size < 0:
        raise _incomplete()
    return size


def _incomplete() -> ServiceError:
    return ServiceError("IncompleteBody", "The request body terminated unexpectedly")
