"""The reconciler under every setting of the emulator's switches for undocumented behaviour."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, get_type_hints

import orjson
import pytest

from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.behaviour.switches import Switches
from tests.builders import boxed, classified, line, ref
from tests.engine.conftest import Lab

SIZES: dict[str, tuple[int, ...]] = {"max_blob_bytes": (5_242_880, 5_000_000), "max_label_chars": (256, 255)}


def settings() -> Iterator[tuple[str, Any]]:
    """Yield every value of every switch, one at a time."""
    for name, kind in get_type_hints(Switches).items():
        if name == "missing_images":
            continue  # the images of these tests are nowhere, and AWS would be right to refuse them
        values = list(kind) if issubclass(kind, StrEnum) else SIZES.get(name, (False, True))
        yield from ((name, value) for value in values)


def shown(part: Any) -> str:
    return str(part)


def turn(lab: Lab, name: str, value: Any, **others: Any) -> None:
    switches = dataclasses.replace(Switches(), **{name: value})
    lab.emulator.settings = dataclasses.replace(lab.emulator.settings, switches=switches, **others)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), list(settings()), ids=shown)
def test_a_dataset_of_sound_lines_converges_and_stays(lab: Lab, name: str, value: Any):
    """
    Whatever the service answers, a created, edited, drifted or interrupted dataset converges.

    Updates are slow, another client has one in progress, and the first of ours fails.
    """
    turn(lab, name, value, create_seconds=20, update_seconds=20)
    lab.write(
        *(classified(i, "rose") for i in "abcdef"),
        boxed("g", ("tulip", 1, 2, 30, 40)),
        classified("h", "x" * 255),
    )
    first = lab.apply()
    lab.emulator.console.put(lab.arn, orjson.loads(classified("a", "daisy")))
    lab.write(
        *(classified(i, "rose", "lily") for i in "abcdef"),
        boxed("g", ("tulip", 5, 2, 30, 40)),
        limits="{maxChangeRatio: 1.0}",
    )
    lab.context.gateway.update(lab.arn, classified("z", "rose") + b"\n")
    lab.emulator.faults.add(Fault(kind=Kind.FAIL_SERVICE, operations=frozenset({"UpdateDatasetEntries"})))

    second, third = lab.apply(), lab.apply()

    assert [Verdict.CONVERGED] * 3 == [first.verdict, second.verdict, third.verdict]
    assert 0 == third.updates
    desired = set(map(ref, "abcdefg"))
    assert not desired & {change.source_ref for change in lab.plan().changes}


# The one line that is named, by the answer that causes it. Under every other answer all are in place.
MINDED = {
    ("bare_line", "error"): "bare",
    ("floats", "error"): "float",
    ("floats", "round"): "float",
    ("string_label", "error"): "text",
    ("unknown_keys", "removed"): "key",
}
OF_LINES = ("bare_line", "floats", "string_label", "unknown_keys", "rewriting")


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, value in settings() if name in OF_LINES], ids=shown
)
def test_a_line_that_the_service_may_mind_is_in_place_or_named(lab: Lab, name: str, value: Any):
    """A doubtful line is in place or named: floats, text for a number, stray keys, no label."""
    turn(lab, name, value)
    lab.write(
        *(classified(i, "rose") for i in "abcdef"),
        boxed("float", ("rose", 1.4, 2, 30, 40)),  # type: ignore[arg-type]
        orjson.dumps(orjson.loads(classified("key", "rose")) | {"customer": "acme"}),
        classified("text", "rose").replace(b'"rose":1', b'"rose":"0"'),
        line("bare"),
    )
    minded = {ref(MINDED[name, value])} if (name, value) in MINDED else set()

    for number, result in enumerate((lab.apply(), lab.apply())):
        named = {
            entry_problem.source_ref
            for entry_problem in (*result.dropped, *result.rejected, *result.quarantined)
        }
        assert (Verdict.PARTIAL if minded else Verdict.CONVERGED, minded) == (result.verdict, named)
        assert number == 0 or {sent for update in lab.updates()[1:] for sent in update} <= minded
