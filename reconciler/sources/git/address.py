"""
What --git and --ref name: the URL of a repository with its password, and a ref in it.

A short name is a branch, or a tag if there is no such branch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from reconciler.core.spec.choices import COMMIT_ID
from reconciler.errors import SourceError, UsageError
from reconciler.redact import know, redacted
from reconciler.sources.git.runner import environment

# The credential helper. `printf` is a shell builtin: its arguments appear in no process list.
_HELPER: Final = (
    '!f() { test "$1" = get && '
    'printf "username=%s\\npassword=%s\\n" "$RECONCILER_GIT_USER" "$RECONCILER_GIT_PASSWORD"; }; f'
)
# Services that take a token as password accept any user name with it.
_ANY_USER: Final = "git"
_CONTROL: Final = r"[\x00-\x1f\x7f]"
_REFUSED: Final = ("ext::", "fd::")  # run a program, or read what the caller left open
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


class Address:
    """
    A URL that git fetches from; ssh and credential helpers are git's own business.

    Git gets a password in its environment, never in its arguments, which every process of the machine can read;
    and only for this host, not for those it redirects to.

    Args:
        url: May contain a user and a password.
        password: Returns the password instead; called for every fetch, as it may change.

    Attributes:
        url: Without the password.
        name: Without the user as well, for messages.

    Raises:
        UsageError: It is not a URL, starts with a dash, or takes no password.
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

    def environment(self, *config: tuple[str, str]) -> dict[str, str]:
        """
        Return the environment for a fetch.

        Args:
            config: Further settings of git.

        Raises:
            SourceError: The password cannot be read.
        """
        if self._password is None:
            return environment(*config)
        try:
            password = (self._password() or b"").decode()
        except (UsageError, UnicodeDecodeError) as exc:
            raise SourceError(f"{self.name}: the password cannot be read: {exc}") from exc
        parts = urlsplit(self.url)
        helper = f"credential.{parts.scheme}://{parts.netloc}.helper"
        helpers = (helper, ""), (helper, _HELPER)  # the first resets the helpers of the machine
        return environment(*config, *helpers) | {
            "RECONCILER_GIT_USER": unquote(self._user or _ANY_USER),
            "RECONCILER_GIT_PASSWORD": password,
        }


def _parts(url: str) -> SplitResult:
    """
    Split a URL or a path.

    Raises:
        UsageError: It cannot be parsed. Python's own message is not shown, as it may quote a password.
    """
    try:
        url.encode()
        parts = urlsplit(url)
        _ = parts.port
        if not _is_possible(url, parts):
            raise ValueError
    except ValueError:
        shown = redacted(re.sub(_CONTROL, " ", url.encode(errors="backslashreplace").decode()))
        hint = "a host, perhaps a port, then the path; / and @ in a password are written %2F and %40"
        raise UsageError(f"--git: {shown} is not a URL: {hint}") from None
    return parts


def _is_possible(url: str, parts: SplitResult) -> bool:
    """Return whether git can fetch from a URL: a host or a path, an allowed transport, and no line break."""
    scheme, separator, _ = url.partition("://")
    if not separator or re.search(r"[^A-Za-z0-9+.-]", scheme):
        return not url.startswith(_REFUSED)
    whole = not re.search(_CONTROL if scheme == "file" else r"\s", url) and parts.netloc.count("@") < 2
    return whole and scheme == scheme.lower() and bool(parts.path if scheme == "file" else parts.hostname)


def without_password(url: str) -> str:
    """Return a URL without user and password, for logs."""
    parts = urlsplit(url)
    if not parts.scheme or "@" not in parts.netloc:
        return re.sub(r"^[^@/]*:[^@/]*@", "", url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def candidates(ref: str) -> tuple[str, ...]:
    """Return the full names of a ref, in order of precedence."""
    if ref == "HEAD" or ref.startswith("refs/"):
        return (ref,)
    return (_HEADS + ref, _TAGS + ref, f"refs/{ref}")


def chosen(ref: str, found: Mapping[str, str], *, was_branch: bool) -> str:
    """
    Return the full name of a ref, or the commit itself.

    Args:
        found: Full name -> object id, for those of the `candidates` that exist.
        was_branch: Whether it has been a branch before: a tag never replaces a deleted branch.

    Raises:
        SourceError: It does not exist.
    """
    full = next((name for name in candidates(ref) if name in found), None)
    if full is None and re.fullmatch(COMMIT_ID, ref):
        return ref
    if full is None:
        what = "ref" if ref in candidates(ref) else "branch or tag"
        raise SourceError(f"there is no {what} {ref}")
    if full == _TAGS + ref and was_branch:
        raise SourceError(f"the branch {ref} is gone; if the tag of that name is meant, use --ref {full}")
    return full


def ambiguity(ref: str, full: str, found: Mapping[str, str]) -> str | None:
    """Return a warning if a short name is both a branch and a tag, or None."""
    if full != _HEADS + ref or _TAGS + ref not in found:
        return None
    return f"{ref} names a branch and a tag: the branch is followed; --ref {_TAGS}{ref} would follow the tag"
