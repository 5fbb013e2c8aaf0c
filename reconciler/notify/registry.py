"""The kinds of channel, by the beginning of their URLs; apprise, of the extra ``notify``, knows many more."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Final

from reconciler.answers import limit_answers
from reconciler.core.status.notices import Level, Notice
from reconciler.errors import UsageError
from reconciler.notify.cloudevents import CloudEvents
from reconciler.ports import Channel, Delivery, Receipt
from reconciler.redact import redacted

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
    make = next((make for prefix, make in CHANNELS.items() if url.startswith(prefix)), None)
    try:
        url.encode()
        return AppriseService(name, url) if make is None else make(name, url, source)
    except ValueError as exc:  # half a character, half an address, a port beyond all
        raise UsageError(f"--notify {name}: this is not a URL: {exc}") from exc


_MOST_CHARACTERS: Final = 200
_TYPES: Final = {Level.FAILURE: "failure", Level.DRIFT: "warning", Level.RECOVERY: "success"}


class AppriseService:
    """
    `ports.Channel` of one apprise URL.

    Raises:
        UsageError: The extra is not installed, or apprise does not know such a URL.
    """

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        try:
            from apprise import Apprise, AppriseAsset
        except ImportError as exc:
            raise UsageError(
                f"--notify {name}: it needs the extra notify: pip install 'rekognition-dataset-reconciler[notify]'"
            ) from exc
        limit_answers()
        logging.getLogger("apprise").propagate = False  # its lines are not log events; the result holds them
        logging.getLogger("apprise").addHandler(logging.NullHandler())
        # Nothing is stored beside the state, no redirect gets the secret, and the calling thread sends.
        asset = AppriseAsset(
            app_id="reconciler", app_desc="reconciler", app_url="", async_mode=False, storage_mode="memory",
            http_redirects=False,
        )  # fmt: skip
        self._service = Apprise(asset=asset)
        if not self._service.add(url):
            raise UsageError(
                f"--notify {name}: apprise knows no such address; its documentation lists the forms"
            )

    def send(self, message: Notice) -> Delivery:
        result = self._service.notify(
            title=message.title, body=message.text, body_format="text", notify_type=_TYPES[message.level]
        )
        if result:
            return Delivery(Receipt.SENT)
        text = "; ".join(" ".join(entry.message.split()) for entry in result.logs())
        return Delivery(Receipt.FAILED, redacted(text)[:_MOST_CHARACTERS] or "apprise gave no reason")
