"""
Redact credentials and signed links from logs, statuses, pages and reports.

Error messages are redacted when read (`errors.ReconcilerError`), texts from AWS other than entries when they
arrive, and stderr when written. Entries and specs are data and are never changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final
from urllib.parse import unquote

REDACTED: Final = "[redacted]"

# Names whose values are secret, in a URL query, a header, a setting or JSON.
_NAMES: Final = r"""
    (?:aws_?)?(?:secret_?(?:access_?)?key|session_?token|access_?key_?id)
  | (?:x-amz-)?(?:signature|credential|security-token)
  | (?:access|auth|private|refresh|id|api|bearer|job|oauth|web_?identity)[_-]?(?:token|key) | client_?secret
  | (?:proxy-)?authorization | x-api-key | set-cookie | cookie | sig | key-pair-id | code_verifier
  | passphrase | password | passwd | pwd | secret
"""
_VALUE: Final = r"""[^\s"'\\,;&<>)\]}\[]+"""  # stops at a quotation mark, so that JSON stays JSON

_QUOTED: Final = r"""[^"\\]{1,512}"""
_PROSE: Final = r"(?-i:[a-z]+\ [a-z])"  # after a colon: a message about the secret, not the secret

# Backtracking is bounded in every alternative, since a text from AWS may be of any size.
_SECRETS: Final = rf"""
      \b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16,32}}\b                        # access keys
    | \b(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=_%-]{{32,}}                        # session tokens
    | \b(?:gh[oprsu]_|github_pat_|glpat-|xox[abprs]-)[\w-]{{10,}}         # tokens of GitHub, GitLab, Slack
    | \beyJ[\w-]{{8,2000}}\.[\w-]{{8,2000}}\.[\w-]*                       # signed tokens: web identities
    | -----BEGIN[ A-Z]{{0,40}}PRIVATE\ KEY-----[^-]*(?:-----END[ A-Z]{{0,40}}-----)?
    | (?<=://)[^\s/@:"'<>]{{0,256}}:[^\s"'<>]{{0,512}}(?=@)               # user:password@, slashes in it
    | (?<=://)[^/@\s]{{1,256}}(?=@)                                       # user@ of a URL: often a token alone
    | (?P<bearer>\bbearer\s{{1,3}})(?=[^\s"']{{0,64}}[0-9])[\w.~+/=-]{{12,}}
    | (?P<quoted>(?<![A-Za-z0-9])(?:{_NAMES})"\s?:\s?"){_QUOTED}
    | (?P<name>(?<![A-Za-z0-9])(?:{_NAMES})\\?["']?(?:\s?=\s?|>|\s?:\s?(?!{_PROSE}))\\?["']?)
      (?:(?:Basic|Bearer|Digest|Token|AWS4-HMAC-SHA256)\s+(?!Credential=))?{_VALUE}
    | (?P<token>(?:[?&]|(?<![\w-]))token["']?=["']?|"token":\s?"){_VALUE}
    | (?<![^\s"'=:,(])(?-i:(?=\S{{0,39}}[A-Z])(?=\S{{0,39}}[a-z])(?=\S{{0,39}}[0-9]))
      [A-Za-z0-9/+]{{40}}(?=[\s"',;)]|\.?\Z|\.\s)                         # secret keys
"""

# Environment variables. Paths and names are excluded, so that messages about them stay readable.
_SECRET_VARIABLE: Final = re.compile(
    r"(?:.*_)?(?:SECRET|TOKEN|PASSWORD|PASSWD)|(?:.*_)?ACCESS_KEY(?:_ID)?|.*_(?:SECRET|TOKEN|PASSWORD)_.*"
)
_NO_SECRET_VARIABLE: Final = re.compile(r".*_(?:FILE|ENV|URI|URL|PATH|DIR|NAME|ARN|REGION)")
# Emulators accept secrets such as `x` or `test`, and replacing those everywhere would garble all text.
_MIN_CHARS: Final = 8
# Emulators accept an account ID as access key ID. It is not secret, and messages about accounts contain it.
_ACCOUNT: Final = re.compile(r"[0-9]{12}")

# Parts of a URL that are not secret: words, names and addresses of hosts, and ports.
_ORDINARY: Final = re.compile(r"[a-z_+-]*|(?:[a-z0-9-]+\.)+[a-z]{2,}|[0-9.]*")

_known: set[str] = set()


def know(secret: str) -> None:
    """Redact this exact text from now on, since no pattern recognizes every secret."""
    if len(secret) >= _MIN_CHARS and not _ACCOUNT.fullmatch(secret):
        _known.add(secret)


def know_url(url: str) -> None:
    """Redact a URL that holds secrets from now on, and each part of it that could be one."""
    know(url)
    for part in re.split(r"[/?#&=@:;,]+", url):
        for text in {part, unquote(part)}:
            if not _ORDINARY.fullmatch(text):
                know(text)


def know_those_of(environ: Mapping[str, str]) -> None:
    """Redact the values of the secret variables of an environment from now on."""
    for name, value in environ.items():
        if _SECRET_VARIABLE.fullmatch(name) and not _NO_SECRET_VARIABLE.fullmatch(name):
            know(value)


def redacted(text: str) -> str:
    """Replace in a text whatever is or looks like a credential or a signature."""
    for secret in sorted(_known, key=len, reverse=True):  # one may be part of another
        if secret in text:
            text = text.replace(secret, REDACTED)
    return _pattern().sub(_named, text)


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(_SECRETS, re.VERBOSE | re.IGNORECASE)  # takes 20 ms, which `--version` is spared


def _named(found: re.Match[str]) -> str:
    return (found["name"] or found["quoted"] or found["bearer"] or found["token"] or "") + REDACTED
