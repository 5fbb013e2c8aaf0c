"""Verification while others write, and bisection while the service fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import orjson
import pytest
from msgspec import structs
from structlog.testing import capture_logs

from reconciler.core.entries.entry import digest
from reconciler.core.planning.diff import Action, Change, Diff, blank
from reconciler.core.planning.quarantine import SERVICE_TRIES
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.engine.dataset import make_plan, observe, send
from reconciler.engine.dataset.make_plan import NOTHING
from reconciler.engine.dataset.observe_and_plan import observe_and_plan
from reconciler.engine.dataset.send import SentUpdates
from reconciler.engine.dataset.verify import _behind, _blame, prove
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


class Hiding:
    """A gateway that leaves an entry out of the first *times* listings after an update."""

    def __init__(self, lab: Lab, hidden: str, times: int) -> None:
        self._gateway: Gateway = lab.context.gateway
        self._hidden, self._times, self._left = hidden, times, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def update(self, arn: str, payload: bytes) -> None:
        self._gateway.update(arn, payload)
        self._left = self._times

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        self._left, hides = self._left - 1, self._left > 0
        for page in self._gateway.pages(arn, contains):
            yield [line for line in page if not (hides and f'"{self._hidden}"' in line)]


@pytest.mark.parametrize(("times", "verdict"), [(4, Verdict.CONVERGED), (1_000, Verdict.UNKNOWN)])
def test_a_listing_that_is_too_short_to_prove_anything_is_made_again_for_a_minute(
    full: Lab, monkeypatch: pytest.MonkeyPatch, times: int, verdict: Verdict
):
    """What it lacks may be there; then nothing is known of the apply."""
    monkeypatch.setattr(observe, "MAX_QUERIES", 0)
    full.write(*named("abcde", label="tulip"), limits="{maxChangeRatio: 1}")
    full.context = dataclasses.replace(full.context, gateway=Hiding(full, ref("b"), times), full=True)
    begun = full.clock.now()

    with capture_logs() as events:
        result = full.apply()

    assert (verdict, 1) == (result.verdict, result.updates)
    assert full.clock.now() - begun < 90
    if verdict is Verdict.UNKNOWN:
        assert "is not known" in result.errors[-1].message
        assert full.clock.now() - begun > 30
        reason = "entries are as before their update"
        waits = [event["delay_seconds"] for event in events if event.get("reason") == reason]
        # Half of each is drawn: 1 s at first, and 15 s at most.
        assert [0.75, 1.5, 3.0, 6.0, 11.25, 11.25, 11.25] == waits
        assert waits == [seconds for seconds in full.clock.slept if seconds != 2.0][-7:]


def test_only_what_looks_as_before_its_update_may_lag_behind_it(full: Lab):
    """Not what holds other content by now, is blank as it should be, or was to blame for a failed update."""
    full.write(*named("abc", label="tulip"), *named("x"), orphans="blank", limits="{maxChangeRatio: 1}")
    items = {item.source_ref[7]: item for item in full.plan().changes}
    changes = {name: item.change for name, item in items.items()}
    blanked = structs.replace(changes["e"], before=digest(blank(ref("e"))))
    moved = structs.replace(changes["b"], before=b"other")
    after = structs.replace(NOTHING, changes=(changes["a"], moved, changes["d"], blanked, changes["x"]))

    def behind(sent: SentUpdates) -> set[str]:
        return {source_ref[7] for source_ref in _behind(items.values(), after, sent)}

    assert set("adx") == behind(SentUpdates())
    assert set("dx") == behind(SentUpdates(isolated={ref("a"): "line 1 is bad"}))


SENT = SentUpdates(
    isolated={ref("a"): "line 1 is bad"},
    unresolved_groups={ref("a"): "too large", ref("b"): "too large"},
    left={ref("a"): "down", ref("c"): "down"},
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", ("its update failed although it held nothing else: line 1 is bad", ("CONVICTED",))),
        ("b", ("in the smallest group found whose update fails: too large", ("PARKED",))),
        ("c", ("left for later, the service failed: down", ("LEFT",))),
        ("d", None),
    ],
)
def test_an_entry_is_not_in_place_for_the_most_certain_reason(name: str, expected: object):
    assert expected == _blame(ref(name), SENT)


def test_the_proof_sorts_every_entry_by_what_was_seen_of_it_afterwards(full: Lab):
    """Those that were sent, and those that others changed meanwhile."""
    full.write(*named("abc", label="tulip"), *named("de"), *named("xyz"))
    desired = full.desired()
    with closing(observe_and_plan(desired, full.context, 60)) as seen:
        items = {item.source_ref[7]: item for item in seen.plan.changes}

        def after(*changes: Change, errored: str = "") -> Diff:
            return structs.replace(
                seen.diff, changes=changes, errored=tuple((ref(name), ("E",)) for name in errored)
            )

        a, x = items["a"].change, items["x"].change
        moved = structs.replace(a, source_ref=ref("d"))
        orphan = structs.replace(a, source_ref=ref("q"), action=Action.ORPHAN, desired=None)
        found = prove(
            list(items.values()),
            seen.diff,
            after(a, items["b"].change, x, moved, orphan, errored="cz"),
            SentUpdates(left={ref("b"): "down"}),
            desired,
        )

    def names(entries: Sequence[Any]) -> str:
        return "".join(entry.source_ref[7] for entry in entries)

    assert "y" == names(found.in_place)
    assert ("b", "x", "a", "d") == tuple(
        names(part) for part in (found.failed, found.dropped, found.overtaken, found.changed_meanwhile)
    )
    assert ("cz", {("E",)}) == (names(found.rejected), {entry.codes for entry in found.rejected})
    assert {("OVERTAKEN",)} == {entry.codes for entry in (*found.overtaken, *found.changed_meanwhile)}
    assert all(str(entry.origin).rpartition("/")[2].startswith("train.jsonl:") for entry in found.rejected)
