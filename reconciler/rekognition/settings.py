"""Find unusable settings of the SDK before a call, or name them after an error."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config

from reconciler.redact import redacted
from reconciler.rekognition import NAME

_CREDENTIALS: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
)
_REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
_FILES: Final = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
_DETOURS: Final = frozenset({"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"})
_PROXIES: Final = frozenset({"HTTP_PROXY", "HTTPS_PROXY"})  # the SDK does not read ALL_PROXY
_CERTIFICATES: Final = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_YES_OR_NO: Final = ("true", "false")
# Settings of the SDK of which it takes any value, and for some of them falls back to another without a word.
_CHOICES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "retry_mode": ("AWS_RETRY_MODE", ("legacy", "standard", "adaptive")),
    "use_dualstack_endpoint": ("AWS_USE_DUALSTACK_ENDPOINT", _YES_OR_NO),
    "use_fips_endpoint": ("AWS_USE_FIPS_ENDPOINT", _YES_OR_NO),
    "ignore_configured_endpoint_urls": ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", _YES_OR_NO),
}
_USUAL: Final = re.compile(r"[!-~]*")
_CONTAINER: Final = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
# What the SDK says without a name, and the variables that it may be about.
_SIGNS: Final = (
    ("Auth token value", ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN")),
    ("Unsupported host", _CONTAINER),
    ("container-role", _CONTAINER),
    ("WebIdentityToken", ("AWS_WEB_IDENTITY_TOKEN_FILE",)),
    ("RoleArn", ("AWS_ROLE_ARN",)),
    ("codec can't decode", ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")),
)
# A shorter value occurs in a message by chance.
_MIN_CHARS: Final = 5


def sdk_config(
    *, attempts: int = 8, connect_seconds: float = 10, read_seconds: float = 60, **others: Any
) -> Config:
    """
    Return the settings of a client, without changing other defaults of the SDK.

    Args:
        attempts: Maximum attempts per call.
        others: As of `botocore.config.Config`.
    """
    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        user_agent_extra=NAME,
        **others,
    )


def unusable_setting(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return a message about a variable that cannot be a credential or Region, such as one with a line break."""
    for name in (*_CREDENTIALS, *_REGIONS):
        if not _USUAL.fullmatch(environ.get(name, "")):
            return f"{name} holds a space, the end of a line, or a character beyond ASCII"
    for name in _FILES:  # the SDK takes one that is not there for an empty one
        if (path := environ.get(name)) and Path(path).exists() and not _is_readable(path):
            return f"{name}: {path} is not a file that can be read"
    for name in _CERTIFICATES:
        if (path := environ.get(name)) and not Path(path).is_dir() and not _is_readable(path):
            return f"{name}: {path} is not a file that can be read"
    for name, value in environ.items():
        is_url = name.startswith("AWS_ENDPOINT_URL")
        if value and (is_url or name.upper() in _PROXIES) and not _is_url(value, needs_scheme=is_url):
            return f"{name}: {redacted(value)} is not a URL of HTTP"
    return None


def unusable_in(profile: Mapping[str, Any], name: str) -> str | None:
    """
    Return a message about a setting that the SDK accepts and cannot use, from a variable or the profile.

    Args:
        profile: The settings of the profile in use; a variable counts more.
        name: The name of this profile.
    """

    def found(setting: str, variable: str) -> tuple[str, str]:
        if value := os.environ.get(variable):
            return value, variable
        return str(profile.get(setting) or ""), f"{setting} of profile {name}"

    for setting, (variable, choices) in _CHOICES.items():
        value, where = found(setting, variable)
        if value and value.lower() not in choices:
            return f"{where}: {value} is not one of {', '.join(choices)}"
    value, where = found("max_attempts", "AWS_MAX_ATTEMPTS")
    if value and not (value.isdecimal() and int(value) > 0):
        return f"{where}: {value} is not a number above 0"
    value, where = found("ca_bundle", "AWS_CA_BUNDLE")
    if value and not Path(value).is_dir() and not _is_readable(value):
        return f"{where}: {value} is not a file that can be read"
    return None


def on_the_way() -> str:
    """Return which settings send calls elsewhere than to AWS, to end a sentence."""
    found = [name for name in os.environ if name.upper() in _DETOURS or name.startswith("AWS_ENDPOINT_URL")]
    return f" (perhaps a proxy answered; see {', '.join(sorted(found)) or 'the network'})"


def _is_readable(path: str) -> bool:
    # A device counts: /dev/null is the usual way to say that there is no such file.
    return (Path(path).is_file() or Path(path).is_char_device()) and os.access(path, os.R_OK)


def unusable_header(headers: Mapping[str, Any]) -> str | None:
    """Return a message about a credential that cannot be sent in a header, from any source, or None."""
    for name, what in (("Authorization", "the access key ID"), ("X-Amz-Security-Token", "the session token")):
        value = headers.get(name, "")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if not _USUAL.fullmatch(text.replace(" ", "")):
            return f"{what} holds the end of a line, or a character beyond ASCII"
    return None


def blamed(exc: Exception, environ: Mapping[str, str] = os.environ, *, of_credentials: bool = False) -> str:
    """
    Return the variable or setting that an error is about, as a prefix of a message; empty if unknown.

    Args:
        of_credentials: Whether it is about credentials that were read from somewhere.
    """
    text = f"{getattr(exc, 'filename', '')}\n{exc}"
    ours = {name: value for name, value in environ.items() if name.startswith("AWS_")}
    for sign, names in _SIGNS:
        if sign in text and (found := next((name for name in names if name in ours), None)):
            return f"{found}: "
    named = [name for name, value in ours.items() if _is_named(value, text)]
    named = named or [name for name, value in ours.items() if _is_broken_url(name, value)]
    if named:
        return f"{max(named, key=lambda name: len(ours[name]))}: "
    with suppress(Exception):  # the configuration may be what is broken
        session = botocore.session.get_session()
        if "credential_process" in session.get_scoped_config():
            return f"credential_process of profile {session.profile or 'default'}: "
    container = next((name for name in _CONTAINER if of_credentials and environ.get(name)), None)
    return f"{container}: " if container else ""


def _is_named(value: str, text: str) -> bool:
    """Return whether a text is about a value: it quotes it, as errors of files do, or the value is long enough."""
    return repr(value) in text or (len(value) >= _MIN_CHARS and value in text)


def _is_broken_url(name: str, value: str) -> bool:
    try:
        _ = urlsplit(value).port
    except ValueError:
        return name.endswith(("_URI", "_URL")) or "_ENDPOINT_URL_" in name
    return False


def _is_url(value: str, *, needs_scheme: bool) -> bool:
    try:
        parts = urlsplit(value if needs_scheme or "://" in value else f"http://{value}")
        # As a resolver does it; the SDK would repeat a call that fails so for 20 seconds.
        is_host = re.fullmatch(rb"\S+", (parts.hostname or "").encode("idna")) is not None
        return parts.scheme in ("http", "https") and is_host and (parts.port or 80) > 0
    except ValueError:
        return False
