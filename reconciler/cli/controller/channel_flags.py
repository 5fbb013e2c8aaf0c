"""The flags of notification channels and commit states, and their values."""

from __future__ import annotations

import argparse
import re

from reconciler.cli import values
from reconciler.redact import know_url


def add_notifications(parser: argparse.ArgumentParser) -> None:
    """Add the channels that changes are reported to."""
    group = parser.add_argument_group("notifications, each change once (default: none)")
    group.add_argument(
        "--notify",
        type=_channel,
        action="append",
        default=[],
        metavar="URL",
        help="report failures, drift and recoveries to this address: cloudevents+https://HOST/PATH, or a URL of "
        "apprise (needs the extra notify); @FILE reads one a line; may be repeated",
    )
    group.add_argument(
        "--notify-quiet",
        type=_quiet_hours,
        action="append",
        default=[],
        metavar="WHEN",
        help="report nothing but failures at these times: five fields of cron, a duration and a time zone, "
        "such as '0 22 * * * 9h Europe/Berlin'; may be repeated",
    )
    _add_commit_status(group)


def _add_commit_status(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--commit-status",
        metavar="URL",
        help="post the state of each commit to this repository: https://api.github.com/repos/OWNER/NAME, or "
        "https://gitlab.com/api/v4/projects/ID",
    )
    group.add_argument(
        "--commit-status-token-file",
        type=values.readable_file,
        metavar="FILE",
        help="file with the token for that, read again for every request",
    )
    group.add_argument(
        "--commit-status-token-env",
        type=values.variable,
        metavar="NAME",
        help="the same, from an environment variable",
    )
    group.add_argument(
        "--commit-status-context",
        type=_context,
        default="reconciler",
        metavar="NAME",
        help="name of the state; those of datasets are NAME/DATASET (default: reconciler)",
    )


def _channel(text: str) -> str:
    """Accept the URL of a channel, which errors do not quote, or ``@FILE`` or ``file:FILE`` with one a line."""
    if text.startswith(("@", "file:")):
        return f"@{values.readable_file(text.removeprefix('@').removeprefix('file:'))}"
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://.", text):
        raise values.Wrong("it must be a URL such as cloudevents+https://HOST/PATH, or @FILE with one a line")
    know_url(text)
    return text


def _quiet_hours(text: str) -> str:
    """Accept CRON DURATION [TIME-ZONE]."""
    from reconciler.core.spec.policy import parse_window  # loads pydantic

    try:
        parse_window(text)
    except ValueError as exc:
        raise values.Wrong(f"{text!r}: {exc}, as in '0 22 * * * 9h Europe/Berlin'") from exc
    return text


def _context(text: str) -> str:
    """Accept the name of a commit status."""
    if not re.fullmatch(r"[\w./ -]{1,100}", text) or text != text.strip():
        raise values.Wrong(f"{text!r}: at most 100 letters, digits, spaces and _ . / -")
    return text
