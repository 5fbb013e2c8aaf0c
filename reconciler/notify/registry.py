"""The kinds of channel, by the beginning of their URLs; apprise, of the extra ``notify``, knows many more."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from reconciler.core.status.notices import Notice
from reconciler.errors import UsageError
from reconciler.notify.apprise_service import AppriseService
from reconciler.notify.cloudevents import CloudEvents
from reconciler.ports import Channel

Maker = Callable[[str, str, str], Channel[Notice]]
"""Makes a channel of its name, its URL and the name of the source of the specs."""

CHANNELS: Final[Mapping[str, Maker]] = {
    "cloudevents+http://": CloudEvents,
    "cloudevents+https://": CloudEvents,
}
"""All others are URLs of apprise."""

FORMS: Final = f"{', '.join(f'{prefix}…' for prefix in CHANNELS)}, or a URL of apprise"
"""The URLs of channels, for people."""

_SCHEME: Final = re.compile(r"([a-z][a-z0-9]{0,30})[a-z0-9+.-]*://", re.IGNORECASE)


def kind_of(url: str) -> str | None:
    """Return the kind of channel by the scheme of its URL, which holds no secret; None if it is not a URL."""
    found = _SCHEME.match(url)
    return found and found[1].lower()


def channel(name: str, url: str, source: str) -> Channel[Notice]:
    """
    Return the channel of a URL.

    Raises:
        UsageError: It is not a URL or names no host, apprise does not know it, or the extra is not installed.
    """
    make = next((make for prefix, make in CHANNELS.items() if url.startswith(prefix)), AppriseService)
    try:
        url.encode()
        return make(name, url, source)
    except ValueError as exc:  # half a character, half an address, a port beyond all
        raise UsageError(f"--notify {name}: this is not a URL: {exc}") from exc
