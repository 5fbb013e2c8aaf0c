"""Page tokens: a position in a listing, signed together with that listing."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from reconciler.emulator.errors import bad_token


def write(secret: bytes, listing: Any, place: int) -> str:
    """Return a token for *place* in *listing*, whose repr must include the filters."""
    return f"{place:x}.{_signature(secret, listing, place)}"


def read(secret: bytes, listing: Any, token: str | None) -> int:
    """
    Return the position where a page starts; an empty token means the start, as AWS's samples expect.

    Raises:
        ServiceError: The token is invalid, or belongs to another listing.
    """
    if not token:
        return 0
    digits, _, signature = token.partition(".")
    try:
        place = int(digits, 16)
    except ValueError as exc:
        raise bad_token() from exc
    if signature != _signature(secret, listing, place):
        raise bad_token()
    return place


def _signature(secret: bytes, listing: Any, place: int) -> str:
    text = f"{listing!r}#{place}".encode(errors="surrogatepass")
    return blake2b(text, key=secret, digest_size=24).hexdigest()
