"""Create what reports to notification channels and to the git host from the command line."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import RLock
from typing import Final

from reconciler.cli.clock import SystemClock
from reconciler.cli.controller.source import secret
from reconciler.core.spec.policy import parse_window
from reconciler.core.status.commit_states import CommitState
from reconciler.core.status.notices import Notice
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.reporting.notifier import Notifier
from reconciler.engine.controller.reporting.outbox import DeliveryTally, Outbox
from reconciler.errors import UsageError
from reconciler.ports import Notified
from reconciler.redact import know_url

_TOKEN: Final = "commit_status_token"  # noqa: S105  the beginning of a flag


def notifier(
    args: argparse.Namespace, registry: Registry, stored: Notified, tally: DeliveryTally
) -> Notifier | None:
    """
    Return the notifier of --notify and --commit-status; None without either flag.

    Raises:
        UsageError: A URL or a token cannot be used, or the extra is not installed.
    """
    urls = [*_urls(args.notify)]
    _refuse_misuse(args, urls)
    if not urls and args.commit_status is None:
        return None
    from reconciler.notify.commit_status import commit_status
    from reconciler.notify.registry import channel

    clock, lock = SystemClock(), RLock()
    outboxes = [
        Outbox(channel(name, url, registry.source_name), Notice, stored, lock, tally, clock)
        for name, url in _named(urls)
    ]
    commit = None
    if args.commit_status is not None:
        host = commit_status(
            args.commit_status,
            args.commit_status_context,
            lambda: (secret(args, _TOKEN) or b"").decode("latin-1"),
        )
        commit = Outbox(host, CommitState, stored, lock, tally, clock)
    whole = args.lease is None and args.shard is None and not (args.dataset or args.selector)
    quiet = [parse_window(text) for text in args.notify_quiet]
    return Notifier(registry, stored, lock, outboxes, commit, quiet, whole=whole)


def _refuse_misuse(args: argparse.Namespace, urls: list[str]) -> None:
    if args.notify_quiet and not urls:
        raise UsageError("--notify-quiet needs --notify")
    has_token = args.commit_status_token_file is not None or args.commit_status_token_env is not None
    if args.commit_status is None and has_token:
        raise UsageError("a token for the commit status needs --commit-status URL")
    if args.commit_status is not None:
        if not has_token:
            raise UsageError("--commit-status needs --commit-status-token-file or --commit-status-token-env")
        secret(args, _TOKEN)


def _urls(given: list[str]) -> Iterator[str]:
    """
    Yield the URLs, those in files too: one a line, without blank lines and those that begin with #.

    Raises:
        UsageError: A file cannot be read, or holds something else.
    """
    from reconciler.notify.registry import FORMS, kind_of

    for text in given:
        if not text.startswith("@"):
            yield text
            continue
        try:
            lines = Path(text[1:]).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
            raise UsageError(f"--notify {text}: {reason}") from exc
        urls = {number: line.strip() for number, line in enumerate(lines, 1)}
        urls = {number: url for number, url in urls.items() if url and not url.startswith("#")}
        if not urls:
            raise UsageError(f"--notify {text}: the file holds no URL")
        for number, url in urls.items():
            know_url(url)
            if kind_of(url) is None:
                raise UsageError(f"--notify {text}:{number}: this is not a URL of a channel: {FORMS}")
            yield url


def _named(urls: list[str]) -> Iterator[tuple[str, str]]:
    """Name each channel by its kind, and number those of one kind; a URL that is given twice is one channel."""
    from reconciler.notify.registry import kind_of

    known: Counter[str] = Counter()
    for url in dict.fromkeys(urls):
        kind = kind_of(url) or "unknown"
        known[kind] += 1
        yield (kind if known[kind] == 1 else f"{kind}-{known[kind]}"), url
