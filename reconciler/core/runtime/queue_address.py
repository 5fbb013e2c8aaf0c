"""The address of a queue of SQS on a command line: ``sqs://`` and its ARN or URL."""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Self

SCHEME: Final = "sqs://"

_NAME: Final = r"(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
_ARN: Final = re.compile(
    rf"arn:(?P<partition>aws[a-z-]*):sqs:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{{12}}):{_NAME}"
)
_URL: Final = re.compile(
    rf"(?P<scheme>https?://)?(?P<host>[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?)/(?P<account>[0-9]{{12}})/{_NAME}"
)
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")
_OF_AWS: Final = re.compile(r"sqs\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?")


class QueueAddress(NamedTuple):
    """
    One queue.

    Attributes:
        region: None if the URL does not say.
        url: None if the ARN was given: then SQS is asked for it.
        endpoint: Where to send calls; None for the usual endpoint of the Region.
    """

    account: str
    name: str
    region: str | None
    url: str | None = None
    endpoint: str | None = None
    partition: str = "aws"

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``sqs://ARN``, ``sqs://HOST/ACCOUNT/NAME`` or ``sqs://https://HOST/ACCOUNT/NAME``.

        Raises:
            ValueError: The text is none of these.
        """
        address = text.removeprefix(SCHEME)
        if (found := _ARN.fullmatch(address)) and text.startswith(SCHEME):
            return cls(found["account"], found["name"], found["region"], partition=found["partition"])
        found = _URL.fullmatch(address)
        if not found or not text.startswith(SCHEME):
            raise ValueError(
                f"{text[:200]!r} is not sqs://arn:aws:sqs:REGION:ACCOUNT:NAME or sqs://HOST/ACCOUNT/NAME"
            )
        root = f"{found['scheme'] or 'https://'}{found['host']}"
        region = _REGION.search(found["host"])
        return cls(
            found["account"],
            found["name"],
            region[0] if region else None,
            f"{root}/{found['account']}/{found['name']}",
            None if _OF_AWS.fullmatch(found["host"]) else root,
            "aws-cn" if found["host"].endswith(".cn") else "aws",
        )

    @property
    def arn(self) -> str:
        """Return the ARN, with ``*`` for a Region that is not known."""
        return f"arn:{self.partition}:sqs:{self.region or '*'}:{self.account}:{self.name}"
