"""
Send notices as CloudEvents 1.0, in structured mode over HTTP.

An event is one small JSON document, so that the SDK of CloudEvents is not needed.
Sources: the specification 1.0.2, its JSON format and its HTTP protocol binding (github.com/cloudevents/spec).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from urllib3.util import make_headers

from reconciler.core.moments import moment
from reconciler.core.status.notices import Notice
from reconciler.errors import UsageError
from reconciler.notify.http import post
from reconciler.ports import Delivery

PREFIX: Final = "cloudevents+"
_TYPE: Final = "dev.reconciler.notice."


class CloudEvents:
    """
    `ports.Channel` of one HTTP address.

    Args:
        url: The address, with the scheme ``cloudevents+https`` or ``cloudevents+http``; user and password are sent
            as basic authentication.
        source: Name of the source of the specs.

    Raises:
        UsageError: The URL names no host.
        ValueError: It is not a URL.
    """

    def __init__(self, name: str, url: str, source: str) -> None:
        self.name = name
        parts = urlsplit(url.removeprefix(PREFIX))
        user, _, host = parts.netloc.rpartition("@")
        if not parts.hostname or parts.port == 0:  # a port that cannot be parsed is a ValueError
            raise UsageError(f"--notify {name}: it must look like cloudevents+https://HOST/PATH")
        self._url = parts._replace(netloc=host, fragment="").geturl()
        self._headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
        if user:
            self._headers |= make_headers(basic_auth=unquote(user))
        self._source = source

    def send(self, message: Notice) -> Delivery:
        return post(self._url, event(message, self._source), self._headers)


def event(notice: Notice, source: str) -> Mapping[str, Any]:
    """Return the event: one for each notice, with the same id whenever it is sent."""
    about = {"subject": notice.datasets[0]} if notice.number == 1 else {}
    return {
        "specversion": "1.0",
        "id": notice.id,
        "source": f"/reconciler/{quote(source, safe='')}",
        "type": f"{_TYPE}{notice.level}",
        "time": moment(notice.at),
        **about,
        "datacontenttype": "application/json",
        "data": {
            "level": notice.level.value,
            "cause": notice.cause,
            "title": notice.title,
            "text": notice.text,
            "datasets": list(notice.datasets),
            "number": notice.number,
        },
    }
