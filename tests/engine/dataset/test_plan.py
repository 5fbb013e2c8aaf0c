"""What planning says of specs that match nothing."""

from __future__ import annotations

import json

import structlog

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
