"""The queue and the rule that `run --events` reads from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from reconciler.core.drift.cloudtrail import CHANGES
from reconciler.emulator.server import Emulator, serve
from reconciler.emulator.testing import client
from tests.core.drift.records import envelope

TEMPLATE = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "events" / "queue.yaml").read_text())
RESOURCES = TEMPLATE["Resources"]
PATTERN = RESOURCES["ChangeRule"]["Properties"]["EventPattern"]


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether a rule of this pattern passes an event on: each member has one of the values listed."""
    return all(
        matches(wanted, event.get(key, {})) if isinstance(wanted, dict) else event.get(key) in wanted
        for key, wanted in pattern.items()
    )


def test_the_rule_passes_on_exactly_the_calls_that_are_read():
    """A call that the rule left out would be found by the schedule alone."""
    passed = {name for name in (*CHANGES, "DetectLabels") if matches(PATTERN, envelope(eventName=name))}

    assert passed == CHANGES
    assert not matches(PATTERN, envelope() | {"source": "aws.s3"})


def test_the_rule_passes_on_what_the_emulator_records():
    """What is tried without AWS is what the rule would deliver."""
    emulator = Emulator()
    with serve(emulator) as running:
        sqs = client(running, "sqs")
        url = sqs.create_queue(QueueName="changes")["QueueUrl"]
        client(running).create_project(ProjectName="flowers")
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    emulator.close()

    assert matches(PATTERN, json.loads(message["Body"]))


def test_only_the_rule_may_send():
    """The queue policy names the service and the rule: any other sender could put names into reports."""
    (statement,) = RESOURCES["ChangesPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    assert {"Service": "events.amazonaws.com"} == statement["Principal"]
    assert "sqs:SendMessage" == statement["Action"]
    assert {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["ChangeRule", "Arn"]}}} == statement["Condition"]
    (target,) = RESOURCES["ChangeRule"]["Properties"]["Targets"]
    assert statement["Resource"] == target["Arn"] == {"Fn::GetAtt": ["Changes", "Arn"]}
