"""The emulator against a model of twenty lines, through whatever order of calls hypothesis can think of."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.server import Emulator
from tests.emulator.builders import Direct, boxed, labelled

REFS = st.sampled_from([f"s3://bucket/{folder}/{i}.jpg" for folder in "xy" for i in range(6)])
LABELS = st.sampled_from(["rose", "Rose", "lily", "ü"])


@st.composite
def lines(draw: Any) -> tuple[str, str | None, dict[str, bool], bool]:
    """
    A line: its text, its source-ref (None if it will be dropped), its labels, whether it is in error.

    To each label belongs whether it stands on a box.
    """
    ref, kind = draw(REFS), draw(st.integers(0, 5))
    label = draw(LABELS)
    match kind:
        case 0:
            return f'{{"source-ref":"{ref}"}}', ref, {}, False
        case 1:
            return boxed(ref, (label, 1, 1, 9, 9), (label, 5, 5, 9, 9)), ref, {label: True}, False
        case 2:
            return boxed(ref, (label, -1, 1, 9, 9)), ref, {}, True
        case 3:
            return "no JSON " + ref, None, {}, False
        case _:
            return labelled(ref, label), ref, {label: False}, False


class Datasets(RuleBasedStateMachine):
    """One project with a TRAIN dataset that is updated, listed, waited for, deleted and made again."""

    @initialize()
    def start(self) -> None:
        self.direct = Direct(Emulator(clock=ManualClock()))
        self.project = self.direct.call("CreateProject", ProjectName="p")["ProjectArn"]
        self.arns: set[str] = set()
        self.create()

    @precondition(lambda self: self.arn is None)
    @rule()
    def create(self) -> None:
        made = self.direct.call("CreateDataset", ProjectArn=self.project, DatasetType="TRAIN")
        self.arn: str | None = made["DatasetArn"]
        assert self.arn not in self.arns
        self.arns.add(made["DatasetArn"])
        self.model: dict[str, tuple[dict[str, bool], bool, bool]] = {}
        self.pending: dict[str, tuple[dict[str, bool], bool, bool]] | None = None

    @precondition(lambda self: self.arn)
    @rule(sent=st.lists(lines(), min_size=1, max_size=8), seconds=st.sampled_from([0, 10]))
    def update(self, sent: list[Any], seconds: int) -> None:
        emulator = self.direct.emulator
        emulator.settings = replace(emulator.settings, update_seconds=seconds)
        blob = base64.b64encode("\n".join(text for text, *_ in sent).encode()).decode()
        answer = self.direct.ask(
            "UpdateDatasetEntries",
            json.dumps({"DatasetArn": self.arn, "Changes": {"GroundTruth": blob}}).encode(),
        )
        if self.pending is not None:
            assert "ResourceInUseException" == json.loads(answer.body)["__type"]
            return
        assert 200 == answer.status
        kept: dict[str, tuple[dict[str, bool], bool, bool]] = {}
        for _, ref, labels, error in sent:
            if ref is not None:
                kept.setdefault(ref, (labels, error, bool(labels) or error))
        effect = {**self.model, **kept} if (len(sent) - len(kept)) * 5 <= len(sent) else self.model
        if seconds:
            self.pending = effect
        else:
            self.model = effect

    @rule()
    def wait(self) -> None:
        self.direct.emulator.clock.advance(10)
        if self.pending is not None:
            self.model, self.pending = self.pending, None

    @precondition(lambda self: self.arn and self.pending is None)
    @rule(
        labels=st.none() | st.lists(LABELS, min_size=1, max_size=2),
        labeled=st.none() | st.booleans(),
        errors=st.none() | st.booleans(),
        contains=st.none() | st.sampled_from(["/x/", "3.jpg", "nothing"]),
        size=st.integers(1, 5),
    )
    def list(self, labels: Any, labeled: Any, errors: Any, contains: Any, size: int) -> None:
        filters = {
            "ContainsLabels": labels, "Labeled": labeled, "HasErrors": errors, "SourceRefContains": contains,
        }  # fmt: skip
        expected = [
            ref
            for ref, (found, error, is_labeled) in self.model.items()
            if (labels is None or found.keys() & set(labels))
            and labeled in (None, is_labeled)
            and (not errors or error)
            and (contains is None or contains in ref)
        ]
        assert expected == self.walk(size, {k: v for k, v in filters.items() if v is not None})

    def walk(self, size: int, filters: dict[str, Any]) -> list[str]:
        seen: list[str] = []
        token = ""
        while True:
            page = self.direct.call(
                "ListDatasetEntries", DatasetArn=self.arn, MaxResults=size, NextToken=token, **filters
            )
            seen += [json.loads(line)["source-ref"] for line in page["DatasetEntries"]]
            if "NextToken" not in page:
                return seen
            token = page["NextToken"]

    @precondition(lambda self: self.arn and self.pending is None)
    @rule()
    def delete(self) -> None:
        self.direct.call("DeleteDataset", DatasetArn=self.arn)
        self.arn = None

    @invariant()
    def statistics_fit(self) -> None:
        if not getattr(self, "arn", None):
            return
        described = self.direct.call("DescribeDataset", DatasetArn=self.arn)["DatasetDescription"]
        values = self.model.values()
        assert {
            "TotalEntries": len(values),
            "LabeledEntries": sum(labeled for _, _, labeled in values),
            "ErrorEntries": sum(error for _, error, _ in values),
            "TotalLabels": len(frozenset().union(*(labels for labels, _, _ in values))),
        } == described["DatasetStats"]
        assert (self.pending is not None) == (described["Status"] == "UPDATE_IN_PROGRESS")

    @invariant()
    def labels_fit(self) -> None:
        if not getattr(self, "arn", None) or self.pending is not None:
            return
        uses = [use for labels, _, _ in self.model.values() for use in labels.items()]
        entries, boxed = (
            Counter(label for label, _ in uses),
            Counter(label for label, on_box in uses if on_box),
        )
        expected = [
            (label, {"EntryCount": count} | ({"BoundingBoxCount": boxed[label]} if boxed[label] else {}))
            for label, count in sorted(entries.items())
        ]
        listed = self.direct.call("ListDatasetLabels", DatasetArn=self.arn)["DatasetLabelDescriptions"]
        assert expected == [(label["LabelName"], label["LabelStats"]) for label in listed]


TestDatasets = Datasets.TestCase
TestDatasets.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
