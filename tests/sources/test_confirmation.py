"""What confirms that a checkout is the newest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.cli.controller.source import polling
from reconciler.cli.parser import build
from reconciler.errors import SourceError, UsageError
from reconciler.server.listening import listening
from reconciler.sources.confirmation import SyncMetrics, TouchedFile

# As git-sync writes them.
METRICS = """\
# HELP git_sync_count_total How many git syncs completed, partitioned by state (success, error, noop)
# TYPE git_sync_count_total counter
git_sync_count_total{{status="error"}} {error}
git_sync_count_total{{status="noop"}} {noop}
git_sync_count_total{{status="success"}} {success}
git_sync_duration_seconds_count{{status="noop"}} 7
"""


class Sidecar:
    def __init__(self) -> None:
        self.error, self.noop, self.success = 0, 0, 0

    async def answer(self, _request: Request) -> Response:
        return PlainTextResponse(METRICS.format(error=self.error, noop=self.noop, success=self.success))


@contextmanager
def serving() -> Iterator[tuple[Sidecar, SyncMetrics]]:
    sidecar = Sidecar()
    app = Starlette(routes=[Route("/metrics", sidecar.answer)])
    with listening(app, "127.0.0.1", 0) as url:
        yield sidecar, SyncMetrics(f"{url}/metrics")


def test_a_sync_confirms_be_there_news_or_not():
    """Its counters grow; errors alone confirm nothing, and neither does standing still."""
    with serving() as (sidecar, metrics):
        assert metrics.confirmed_at(10.0) is None
        sidecar.success = 1
        assert 20.0 == metrics.confirmed_at(20.0)
        sidecar.error = 5
        assert 20.0 == metrics.confirmed_at(30.0)
        sidecar.noop = 1
        assert 40.0 == metrics.confirmed_at(40.0)
        sidecar.success, sidecar.noop = 0, 0  # started anew, and not yet through its first sync
        assert 40.0 == metrics.confirmed_at(50.0)
        sidecar.success = 1
        assert 60.0 == metrics.confirmed_at(60.0)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/metrics", "http://127.0.0.1:9x/metrics"])
def test_a_sidecar_that_is_gone_confirms_nothing(url: str):
    """An error with the address, whatever the reason."""
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9"):
        SyncMetrics(url).confirmed_at(0.0)


def test_a_file_confirms_when_it_was_touched(tmp_path: Path):
    """And one that is not there is named."""
    file = tmp_path / "synced"
    with pytest.raises(SourceError, match="synced: No such file"):
        TouchedFile(file).confirmed_at(0.0)
    file.touch()
    os.utime(file, (5.0, 7.0))

    assert 7.0 == TouchedFile(file).confirmed_at(100.0)


@pytest.mark.parametrize(
    "flags",
    [
        ["--sync-file", "x", "--sync-metrics", "http://127.0.0.1/metrics"],
        ["--sync-file", "x", "--git", "https://git.example/a.git"],
        ["--sync-metrics", "127.0.0.1:9090/metrics"],
        ["--sync-metrics", "file:///etc/passwd"],
    ],
)
def test_a_witness_that_makes_no_sense_is_refused(flags: list[str]):
    """Before anything is read."""
    words = ["run", "specs", *flags]

    with pytest.raises(UsageError, match="--sync-"):
        polling(build(words, whole=True).parse_args(words))


@pytest.mark.parametrize(
    ("flags", "seconds"),
    [
        ([], 5.0),
        (["--git", "https://git.example/a.git"], 30.0),
        (["--git", "https://git.example/a.git", "--git-interval", "2m"], 120.0),
    ],
)
def test_each_kind_of_source_has_its_pace(flags: list[str], seconds: float):
    """A directory is cheap to look at; a repository is somebody else's machine."""
    words = ["run", "specs", *flags]

    assert seconds == polling(build(words, whole=True).parse_args(words)).interval_seconds
