"""Verification while others write, and bisection while the service fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest

from reconciler.core.planning.quarantine import SERVICE_TRIES
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.engine.dataset import make_plan, send
from reconciler.ports import Gateway
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab

MANY = [f"n{number:03}" for number in range(250)]  # three pages, so that a filter is cheaper


class Disturbed:
    """A gateway on which another client writes once, during a filtered listing."""

    def __init__(self, lab: Lab, line: bytes) -> None:
        self._gateway: Gateway = lab.context.gateway
        self._lab, self._line = lab, line
        self.filtered = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        yield from self._gateway.pages(arn, contains)
        if contains is not None:
            self.filtered += 1
            if self.filtered == 1:
                self._lab.clock.sleep(1.0)
                self._lab.emulator.console.put(arn, orjson.loads(self._line))


@pytest.mark.parametrize(
    ("theirs", "quarantined"),
    [(classified("n007", "daisy"), [(ref("n007"), ("OVERTAKEN",))]), (classified("n200", "daisy"), [])],
)
def test_another_writer_during_a_read_back_makes_it_start_again(
    lab: Lab, theirs: bytes, quarantined: list[tuple[str, tuple[str, ...]]]
):
    """A read-back starts again when another client wrote during it, so that it never mixes two states."""
    lab.write(*named(MANY))
    lab.apply()
    lab.write(*(classified(name, "tulip" if name == "n007" else "rose") for name in MANY))
    gateway = Disturbed(lab, theirs)
    lab.context = dataclasses.replace(lab.context, gateway=gateway, full=True)

    result = lab.apply()

    assert quarantined == [(entry.source_ref, entry.codes) for entry in result.quarantined]
    assert 2 == gateway.filtered


def test_a_service_that_goes_down_after_a_pass_is_not_searched_for_bad_lines(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    """When batches fail by the service's fault, only a few lines are tried one by one."""
    for module in (make_plan, send):
        monkeypatch.setattr(module, "MAX_UPDATE_BYTES", 900)  # four lines
    lab.write(*named("abcdefgh"))
    lab.emulator.faults.add(
        Fault(kind=Kind.FAIL_SERVICE, operations=frozenset({"UpdateDatasetEntries"}), after=1, times=0)
    )

    result = lab.apply()

    assert (Verdict.PARTIAL, 7) == (result.verdict, result.exit_code)
    assert {("LEFT",)} == {entry.codes for entry in result.quarantined}
    assert {ref(name) for name in "efgh"} == {entry.source_ref for entry in result.quarantined}
    assert {} == lab.context.memory.quarantine.of("train")
    assert [4, *[4] * SERVICE_TRIES, 1, 1, 1] == [len(refs) for refs in lab.updates()]
