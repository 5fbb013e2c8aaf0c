"""What nobody may read in a log, a status or a report: credentials, and links that carry a signature."""

from __future__ import annotations

import re
from typing import Final

REDACTED: Final = "[redacted]"

# AWS repeats what it was sent in some of its error messages: a key, a token, the URL that it was asked with.
_SECRETS: Final = re.compile(
    r"""
      \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                                     # access keys
    | \b(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=]{32,}                           # session tokens
    | (?<=://)[^/@\s]+(?=@)                                             # user:password@ of a URL
    | (?P<name>\b(?:X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Credential|Signature)=)
      [^&,\s"'<>]+                                                      # of a presigned URL, and of a header
    """,
    re.VERBOSE | re.IGNORECASE,
)


def redacted(text: str) -> str:
    """Return a text without what looks like a credential or a signature; all else stays as it is."""
    return _SECRETS.sub(lambda found: (found["name"] or "") + REDACTED, text)
