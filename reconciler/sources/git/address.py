"""Where a repository is, and what opens it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from reconciler.errors import SourceError, UsageError
from reconciler.redact import know, redacted
from reconciler.sources.git.runner import environment

# What git runs to ask for a password. `printf` is the shell's own: no list of processes shows what it is given.
_HELPER: Final = (
    '!f() { test "$1" = get && '
    'printf "username=%s\\npassword=%s\\n" "$RECONCILER_GIT_USER" "$RECONCILER_GIT_PASSWORD"; }; f'
)
# Of whoever takes a token for a password, all take any name for it.
_ANYBODY: Final = "git"


class Address:
    """
    A URL that git fetches from; ssh and credential helpers are git's own business.

    A password is given to git in its environment, never in its arguments, which every process of the machine can
    read; and for this host alone, wherever that may redirect to.

    Args:
        url: May hold a user and a password.
        password: Gives the password instead, whenever one is needed: it may be another one by then.

    Attributes:
        url: Without a password.
        name: The same without its user, for people.

    Raises:
        UsageError: It is no URL, could be taken for a flag, or has no place for a password.
    """

    def __init__(self, url: str, password: Callable[[], bytes | None] | None = None) -> None:
        if url.startswith("-"):
            raise UsageError("--git must not start with a dash")
        parts = _parts(url)
        self.name = redacted(without_password(url))
        takes_password, known = parts.scheme in {"http", "https"}, parts.password
        if password and not takes_password:
            raise UsageError(f"{self.name}: only a repository behind http or https takes a password")
        if password and known is not None:
            raise UsageError(f"{self.name}: the URL holds a password already")
        for secret in filter(None, (known, known and unquote(known))):
            know(secret)
        if takes_password and known is not None:
            password = unquote(known).encode
        self._user, self._password = parts.username, password
        self.url = without_password(url) if password else url

    def environment(self) -> dict[str, str]:
        """
        Return the environment for a git that fetches.

        Raises:
            SourceError: The password cannot be read.
        """
        if self._password is None:
            return environment()
        try:
            password = (self._password() or b"").decode()
        except (UsageError, UnicodeDecodeError) as exc:
            raise SourceError(f"{self.name}: the password cannot be read: {exc}") from exc
        parts = urlsplit(self.url)
        helper = f"credential.{parts.scheme}://{parts.netloc}.helper"
        return environment((helper, ""), (helper, _HELPER)) | {  # the first forgets those of the machine
            "RECONCILER_GIT_USER": unquote(self._user or _ANYBODY),
            "RECONCILER_GIT_PASSWORD": password,
        }


def _parts(url: str) -> SplitResult:
    """
    Split a URL, or the path that stands for one.

    Raises:
        UsageError: It is not one. What is wrong with it in Python's words may quote a password.
    """
    try:
        url.encode()
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        shown = redacted(url.encode(errors="backslashreplace").decode())
        hint = "a host, perhaps a port, then the path; / and @ in a password are written %2F and %40"
        raise UsageError(f"--git: {shown} is not a URL: {hint}") from None
    return parts


def without_password(url: str) -> str:
    """Return a URL as it may be logged."""
    parts = urlsplit(url)
    if not parts.scheme or "@" not in parts.netloc:
        return re.sub(r"^[^@/]*:[^@/]*@", "", url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
