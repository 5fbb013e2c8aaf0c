"""What planning says of specs that match nothing."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import structlog
from msgspec import structs

from reconciler.core.entries.image_view import LabelBalance, LabelSummary, LabelTotal, Relabelling
from reconciler.core.planning.quarantine import ROUNDS, Quarantined, QuarantineReason
from reconciler.core.planning.withholding import ChangeSelection
from reconciler.engine.dataset import observe_and_plan
from reconciler.engine.dataset.context import NO_OVERRIDES
from reconciler.engine.dataset.listing import FileListing, pages_of
from reconciler.engine.dataset.make_plan import payload_of
from reconciler.errors import PlanOutdated, UnknownAnswer
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab
from tests.engine.images.test_check import Bucket


def test_a_glob_that_matches_nothing_in_aws_either_is_named(lab: Lab):
    """One that protects an orphan has its use; one with a typo protects nothing, and is logged with its place."""
    lab.write(classified("a"))
    lab.apply()
    lab.emulator.console.put(lab.arn, json.loads(classified("old")))
    spec = lab.specs / "train.yaml"
    globs = [ref("old"), ref("odl")]
    spec.write_text(f"{spec.read_text()}  protect: {json.dumps(globs)}\n")

    with structlog.testing.capture_logs() as events:
        lab.plan()

    (event,) = [event for event in events if event["event"] == "spec.unmatched"]
    assert str(event["place"]).endswith("train.yaml:10:31")
    assert ref("odl") in str(event["reason"])


def test_what_a_plan_does_to_each_label_is_counted(lab: Lab):
    """From AWS to git: a label that becomes another is neither lost nor gained; what is not sent counts not."""
    lab.write(classified("a", "old"), classified("b", "old"), classified("c", "same"))
    lab.apply()
    lab.emulator.console.put(lab.arn, json.loads(classified("stray", "same")))
    lab.write(
        classified("a", "new"), classified("b", "new"), classified("c", "same"), classified("d", "same")
    )

    labels = lab.plan().labels

    totals = LabelTotal("new", 0, 2), LabelTotal("old", 2, 0), LabelTotal("same", 2, 3)
    assert (
        LabelSummary(3, (LabelBalance("same", gained=1),), (Relabelling("old", "new", 2),), totals) == labels
    )


def quarantined(lab: Lab, name: str, kind: QuarantineReason) -> str:
    """Return the reason that a plan gives for the quarantine of an entry, as it would be sent now."""
    (item,) = (item for item in lab.plan().changes if item.source_ref == ref(name))
    now = lab.context.clock.now()
    held = Quarantined(ref(name), item.sent or b"", kind, "why", ROUNDS, now, now + 60)
    lab.context.memory.quarantine.put("train", [held], [])
    (item,) = (item for item in lab.plan().changes if item.source_ref == ref(name))
    assert item.quarantined is not None
    lab.context.memory.quarantine.put("train", [], [ref(name)])
    return item.quarantined.reason


def test_only_a_line_that_the_service_rewrites_gets_an_ignore_rule(full: Lab):
    """It names the fields that differ; a line that is not there yet differs in none."""
    full.write(classified("a", "tulip"), *named("bcdex"))

    assert "why" == quarantined(full, "a", QuarantineReason.ISOLATED)
    assert "why" == quarantined(full, "x", QuarantineReason.REWRITTEN_BY_SERVICE)
    rule = quarantined(full, "a", QuarantineReason.REWRITTEN_BY_SERVICE)
    assert rule.startswith('why: spec.ignore: [{"paths": ["/')
    assert json.loads(rule.partition("spec.ignore: ")[2])[0]["match"] == ref("a")


def test_a_rule_for_a_line_that_is_wholly_different_names_five_fields(full: Lab):
    """A person has to look at more than that."""
    more = orjson.loads(classified("a", "rose")) | {f"extra{number}": number for number in range(9)}
    full.emulator.console.put(full.arn, more)

    rule = quarantined(full, "a", QuarantineReason.REWRITTEN_BY_SERVICE)

    assert 5 == len(json.loads(rule.partition("spec.ignore: ")[2])[0]["paths"])


@pytest.mark.parametrize("counts", [False, True])
def test_what_is_not_selected_hides_nothing_behind_it(
    full: Lab, monkeypatch: pytest.MonkeyPatch, counts: bool
):
    """Every change stays in the plan; of the selected ones the first are drawn, and all updates explained."""
    monkeypatch.setattr(observe_and_plan, "MAX_VIEWS", 1)
    full.write(*named("abcde", "tulip"), *named("xy"))
    selection = ChangeSelection(source_refs=tuple(map(ref, "bcdy")))
    desired = full.desired(structs.replace(NO_OVERRIDES, selection=selection))
    with closing(observe_and_plan.observe_and_plan(desired, full.context, 60)) as seen:
        plan = observe_and_plan.explained(seen.plan, seen.composer, desired if counts else None)

    changes = {item.source_ref[7:8]: item for item in plan.changes}
    assert [*"abcdexy"] == list(changes)
    assert [*"bcd"] == [name for name, item in changes.items() if item.fields]
    assert [*"b"] == [name for name, item in changes.items() if item.view]


def test_a_plan_that_outlived_its_specs_is_not_sent(full: Lab):
    """The payload is that of the plan, or none."""
    full.write(classified("a", "tulip"), *named("bcde"))
    desired = full.desired()
    with closing(observe_and_plan.observe_and_plan(desired, full.context, 60)) as seen:
        (item,) = seen.plan.sendable
        other = structs.replace(item, sent=b"another")
        assert b"tulip" in payload_of([item], seen.composer)
        with pytest.raises(PlanOutdated, match=r"train.jsonl:1: changed since it was planned"):
            payload_of([other], seen.composer)


def test_a_plan_against_a_file_considers_no_freeze(full: Lab, tmp_path: Path):
    """It is made for no time: it shows what is needed."""
    full.write(*named("abcdex"), freeze='{until: "2999-12-31", reason: sale}')
    path = tmp_path / "listing.jsonl"
    path.write_bytes(b"\n".join(named("abcde")))

    with closing(FileListing(path)) as listing:
        plan = observe_and_plan.plan_against_listing(full.desired(), listing).plan

    assert full.plan().closed is not None
    assert (None, [ref("x")]) == (plan.closed, [item.source_ref for item in plan.sendable])


NAMELESS = '{"cl-errors":[{"code":"ERROR_INVALID_JSON_LINE","message":"no"}]}'


def test_a_line_that_was_found_by_its_name_has_one(full: Lab):
    """The answer to a search whose lines name no image is not understood; in a listing they may be marked so."""

    class Nameless:
        def pages(self, arn: str, contains: str | None = None) -> list[list[str]]:
            return [[NAMELESS]]

    context = replace(full.context, gateway=Nameless())  # type: ignore[arg-type]
    with pytest.raises(UnknownAnswer, match=r"found by a\.jpg names no image"):
        list(pages_of(full.arn, context, 5, ["a.jpg"]))
    assert [[NAMELESS]] == list(pages_of("arn", context, 5))


@pytest.mark.parametrize(("present", "expected"), [("abcde", []), ("abd", [2]), ("", [5])])
def test_what_is_wrong_with_the_images_of_a_plan_is_logged_by_its_code(
    full: Lab, present: str, expected: list[int]
):
    """Nothing, where all of them can be used."""
    full.write(*named("abcde", "tulip"), images="warn")
    bucket = Bucket(*(f"{name}.jpg" for name in present))
    full.context = replace(full.context, images=lambda _: bucket)

    with structlog.testing.capture_logs() as events:
        full.plan()

    found = [event for event in events if event["event"] == "plan.images"]
    assert expected == [event["images"] for event in found]
    assert [{"ERROR_INVALID_IMAGE": number} for number in expected] == [event["codes"] for event in found]


@pytest.mark.parametrize(("policy", "is_asked"), [("ignore", True), ("warn", False), ("ignore", False)])
def test_images_are_checked_only_if_the_policy_and_the_command_say_so(full: Lab, policy: str, is_asked: bool):
    """All of them are missing here."""
    full.write(*named("abcde", "tulip"), images=policy)
    full.context = replace(full.context, images=(lambda _: Bucket()) if is_asked else None)

    plan = full.plan()

    assert 5 == len(plan.changes)
    assert not any(change.image_problems for change in plan.changes)
