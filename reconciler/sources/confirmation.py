"""Confirm that the specs in a directory are current: by a touched file, or by the metrics of git-sync."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Final

from reconciler.errors import SourceError

TIMEOUT_SECONDS: Final = 3.0
_MOST_BYTES: Final = 1 << 20
_SYNCS: Final = re.compile(
    r'^git_sync_count_total\{[^}]*status="(?:success|noop)"[^}]*\}\s+([0-9.eE+]+)', re.MULTILINE
)


class TouchedFile:
    """`ports.Witness`: the modification time of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return str(self._path)

    def confirmed_at(self, now: float) -> float | None:
        del now
        try:
            return self._path.stat().st_mtime
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else None
            raise SourceError(f"{self._path}: {reason or exc}") from exc


class SyncMetrics:
    """
    `ports.Witness`: the counter of git-sync, which grows with every successful sync, changed or not.

    Its ``--touch-file`` does not serve: git-sync touches it only when something changed.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._count = 0.0
        self._grew_at: float | None = None
        # A proxy of the environment cannot reach this pod's loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @property
    def name(self) -> str:
        return self._url

    def confirmed_at(self, now: float) -> float | None:
        count = self._read_count()
        if count not in (0.0, self._count):  # smaller after a restart of git-sync
            self._grew_at = now
        self._count = count
        return self._grew_at

    def _read_count(self) -> float:
        try:
            with self._opener.open(self._url, timeout=TIMEOUT_SECONDS) as answer:
                text = answer.read(_MOST_BYTES).decode(errors="replace")
        except (OSError, HTTPException, ValueError) as exc:
            reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
            raise SourceError(f"{self._url}: {reason}") from exc
        return sum(float(number) for number in _SYNCS.findall(text))
