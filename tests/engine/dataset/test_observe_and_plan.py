"""What planning says of specs that match nothing."""

from __future__ import annotations

import json

import structlog

from reconciler.core.entries.image_view import LabelBalance, LabelSummary, LabelTotal, Relabelling
from tests.builders import classified, ref
from tests.engine.conftest import Lab


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
