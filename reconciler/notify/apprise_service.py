"""Send notices to Slack, Teams, mail and the hundred other services of apprise, of the extra ``notify``."""

from __future__ import annotations

import logging
from typing import Final

from reconciler.answers import limit_answers
from reconciler.core.status.notices import Level, Notice
from reconciler.errors import UsageError
from reconciler.ports import Delivery, Receipt
from reconciler.redact import redacted

_MAX_CHARACTERS: Final = 200
_TYPES: Final = {Level.FAILURE: "failure", Level.DRIFT: "warning", Level.RECOVERY: "success"}


class AppriseService:
    """
    `ports.Channel` of one apprise URL.

    Raises:
        UsageError: The extra is not installed, or apprise does not know such a URL.
    """

    def __init__(self, name: str, url: str, _source: str) -> None:
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
        return Delivery(Receipt.FAILED, redacted(text)[:_MAX_CHARACTERS] or "apprise gave no reason")
