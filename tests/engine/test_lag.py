"""A listing may lag behind an update: entries that look unchanged are listed again before any verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from reconciler.core.status.result import Verdict
from reconciler.ports import Gateway
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab


class Stale:
    """
    A gateway whose first listings after each update show the state before it.

    Args:
        times: At least so many listings are stale.
        lag_seconds: Listings are stale for at least this time.
    """

    def __init__(self, lab: Lab, times: int = 0, lag_seconds: float = 0.0) -> None:
        self._gateway: Gateway = lab.context.gateway
        self._clock = lab.clock
        self._times, self._lag = times, lag_seconds
        self._left, self._until = 0, 0.0
        self._before: list[str] = []
        self.updated_at = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def update(self, arn: str, payload: bytes) -> None:
        self._before = [line for page in self._gateway.pages(arn) for line in page]
        self._gateway.update(arn, payload)
        self.updated_at = self._clock.now()
        self._left, self._until = self._times, self.updated_at + self._lag

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        if self._left <= 0 and self._clock.now() >= self._until:
            yield from self._gateway.pages(arn, contains)
            return
        self._left -= 1
        yield [line for line in self._before if contains is None or contains in line]


def stale(lab: Lab, times: int = 0, **options: Any) -> Stale:
    gateway = Stale(lab, times, **options)
    lab.context = dataclasses.replace(lab.context, gateway=gateway)
    return gateway


@pytest.mark.parametrize("times", [1, 4, 5])
@pytest.mark.parametrize("edited", ["c", "abcde"])
def test_stale_listings_after_an_update_drop_nothing(full: Lab, times: int, edited: str):
    """An update is verified despite stale listings, whether verification lists one entry or all."""
    full.write(*(classified(name, "tulip" if name in edited else "rose") for name in "abcde"))
    stale(full, times)

    result = full.apply()

    assert (Verdict.CONVERGED, len(edited), True) == (result.verdict, result.updated, result.complete)
    assert {} == full.context.memory.quarantine.of("train")
    assert () == full.plan().changes


@pytest.mark.parametrize("lag", [3.0, 20.0, 40.0])
def test_new_entries_that_show_late_are_not_dropped(full: Lab, lag: float):
    """New entries are counted before they are listed, and are not sent again meanwhile."""
    full.write(*named("abcdefgh"))
    stale(full, lag_seconds=lag)

    result = full.apply()

    assert (Verdict.CONVERGED, 3, True) == (result.verdict, result.added, result.complete)


def test_a_first_apply_that_shows_late_is_not_dropped(lab: Lab):
    lab.write(*named("abc"))
    stale(lab, 4)

    assert (Verdict.CONVERGED, 3) == ((result := lab.apply()).verdict, result.added)


def test_what_stays_absent_is_dropped_within_a_minute(full: Lab):
    """An entry that stays absent is reported as dropped within a minute, and not at once."""
    full.write(*named("abcdefgh"))
    gateway = stale(full, lag_seconds=1_000.0)

    result = full.apply()

    assert [ref("f"), ref("g"), ref("h")] == [entry.source_ref for entry in result.dropped]
    assert 30.0 < full.clock.now() - gateway.updated_at < 75.0


def test_what_another_writer_changed_is_reported_at_once(full: Lab):
    """Content that is neither the old nor the sent one is no lag and is reported at once."""
    full.write(*named("abd", label="tulip"), classified("c", "tulip"), classified("e", "tulip"))
    gateway = stale(full)
    real = gateway.update

    def update(arn: str, payload: bytes) -> None:
        real(arn, payload)
        gateway._gateway.update(arn, classified("c", "daisy"))
        gateway.updated_at = full.clock.now()

    gateway.update = update  # type: ignore[method-assign]

    result = full.apply()

    assert [(ref("c"), ("OVERTAKEN",))] == [(e.source_ref, e.codes) for e in result.quarantined]
    assert full.clock.now() - gateway.updated_at < 5.0
