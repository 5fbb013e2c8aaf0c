"""What a plan does with orphans, and with what has failed before."""

from __future__ import annotations

import orjson
import pytest

from reconciler.core.planning.diff import Action
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from tests.builders import named, ref
from tests.engine.conftest import Lab

UNREADABLE = b'{"source-ref": "s3://b/bad.jpg", "x": 1}'


@pytest.mark.parametrize(
    ("bad", "blanked"), [([], ["d"]), ([UNREADABLE], [])], ids=["sound specs", "an unreadable line"]
)
def test_an_orphan_is_blanked_once_and_only_for_sound_specs(full: Lab, bad: list[bytes], blanked: list[str]):
    """An unreadable line may be about any image; one that is blank already needs no update."""
    full.emulator.console.put(full.arn, {"source-ref": ref("e")})
    full.write(*named("abc"), *bad, orphans="blank", limits="{maxChangeRatio: 1}")

    plan = full.plan()

    orphans = [item.source_ref for item in plan.changes if item.action is Action.ORPHAN]
    assert [ref("d"), ref("e")] == orphans
    assert (2, [ref(name) for name in blanked]) == (
        plan.counts.orphan,
        [item.source_ref for item in plan.sendable],
    )


def test_what_has_failed_before_is_sent_last(full: Lab):
    """Its failure must not hold up what is new; all else keeps its order."""
    full.write(*named("abcdexyz"))
    past = Quarantined(ref("x"), b"older", QuarantineReason.ISOLATED, "why", 1, 0.0, 9e9)
    full.context.memory.quarantine.put("train", [past], [])

    assert [ref("y"), ref("z"), ref("x")] == [item.source_ref for item in full.plan().sendable]


def test_an_orphan_that_is_labelled_again_is_set_back(full: Lab):
    """The first time it is blanked because git does not have it; from then on a label is drift."""
    full.write(*named("abcd"), orphans="blank")
    (first,) = full.plan().sendable
    full.apply()
    full.emulator.console.put(full.arn, orjson.loads(named("e")[0]))

    (again,) = full.plan().sendable

    assert ([ref("e")] * 2, [False, True]) == (
        [first.source_ref, again.source_ref],
        [first.reverts, again.reverts],
    )
