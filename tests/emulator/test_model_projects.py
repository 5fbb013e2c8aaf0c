"""Projects, both their datasets, manifests, copies, distributions and tags, against dictionaries."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.http import Request
from reconciler.emulator.server import Emulator
from tests.emulator.builders import SIGNED, Direct, labelled, uri

PROJECTS = st.sampled_from(["p", "q"])
KINDS = st.sampled_from(["TRAIN", "TEST"])
KEYS = st.sampled_from(["one.manifest", "ü/two.manifest"])
# Images and their labels; None is an image without one.
CONTENTS = st.dictionaries(
    st.integers(0, 14).map(lambda i: uri(f"{i}.jpg")), st.sampled_from([None, "rose", "lily"]), min_size=1
)
TAGS = st.dictionaries(st.sampled_from(["team", "cost"]), st.text("abc", max_size=3), max_size=2)

SOME_TAGS = st.dictionaries(st.sampled_from(["team", "cost"]), st.text("abc", max_size=3), min_size=1)

Content = dict[str, str | None]


def manifest(content: Content) -> bytes:
    lines = (labelled(ref, label) if label else f'{{"source-ref":"{ref}"}}' for ref, label in content.items())
    return "\n".join(lines).encode()


class Projects(RuleBasedStateMachine):
    """Two projects by name; no operation takes time. A refusal must be the expected one, and change nothing."""

    @initialize()
    def start(self) -> None:
        self.direct = Direct(Emulator(clock=ManualClock()))
        self.projects: dict[str, str] = {}
        self.datasets: dict[tuple[str, str], str] = {}
        self.contents: dict[str, Content] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.objects: dict[str, Content] = {}
        self.given: set[str] = set()
        self.s3("PUT", "", b"")
        self.create_project("p", {})  # as a start from which everything is a step away
        self.create_empty("p", "TRAIN", {})
        self.create_empty("p", "TEST", {})
        self.update("p", "TRAIN", {uri(f"{i}.jpg"): "rose" if i < 10 else None for i in range(15)})

    def ask(self, operation: str, **params: Any) -> Any:
        return json.loads(self.direct.ask(operation, json.dumps(params).encode()).body)

    def s3(self, method: str, key: str, body: bytes) -> None:
        path = f"/manifests/{key}".rstrip("/")
        headers = {"authorization": SIGNED.replace("/rekognition/", "/s3/")}
        assert 300 > self.direct.emulator.handle(Request(method, path, {}, headers, body)).status

    def new(self, arn: str) -> str:
        assert arn not in self.given
        self.given.add(arn)
        return arn

    @rule(name=PROJECTS, tags=TAGS)
    def create_project(self, name: str, tags: dict[str, str]) -> None:
        answer = self.ask("CreateProject", ProjectName=name, Tags=tags)
        if name in self.projects:
            assert "ResourceInUseException" == answer["__type"]
            return
        self.projects[name] = self.new(answer["ProjectArn"])
        self.tags[answer["ProjectArn"]] = tags

    @rule(name=PROJECTS)
    def delete_project(self, name: str) -> None:
        answer = self.ask("DeleteProject", ProjectArn=self.projects.get(name, NO_PROJECT))
        if name not in self.projects:
            assert "ResourceNotFoundException" == answer["__type"]
        elif any(owner == name for owner, _ in self.datasets):
            assert "ResourceInUseException" == answer["__type"]
        else:
            assert {"Status": "DELETING"} == answer
            self.tags.pop(self.projects.pop(name))

    @rule(key=KEYS, content=CONTENTS)
    def put_manifest(self, key: str, content: Content) -> None:
        self.s3("PUT", key, manifest(content))
        self.objects[key] = content

    @rule(key=KEYS)
    def delete_manifest(self, key: str) -> None:
        self.s3("DELETE", key, b"")
        self.objects.pop(key, None)

    @rule(name=PROJECTS, kind=KINDS, tags=TAGS)
    def create_empty(self, name: str, kind: str, tags: dict[str, str]) -> None:
        self.create(name, kind, {}, None, Tags=tags)

    @rule(name=PROJECTS, kind=KINDS, key=KEYS)
    def create_from_manifest(self, name: str, kind: str, key: str) -> None:
        source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": key}}}
        wrong = None if key in self.objects else "InvalidS3ObjectException"
        self.create(name, kind, self.objects.get(key, {}), wrong, DatasetSource=source)

    @rule(name=PROJECTS, kind=KINDS, other=PROJECTS, other_kind=KINDS)
    def create_copy(self, name: str, kind: str, other: str, other_kind: str) -> None:
        source = self.datasets.get((other, other_kind), NO_DATASET)
        wrong = None if source in self.contents else "ResourceNotFoundException"
        self.create(name, kind, self.contents.get(source, {}), wrong, DatasetSource={"DatasetArn": source})

    def create(self, name: str, kind: str, content: Content, wrong: str | None, **params: Any) -> None:
        project = self.projects.get(name, NO_PROJECT)
        answer = self.ask("CreateDataset", ProjectArn=project, DatasetType=kind, **params)
        if name not in self.projects:
            wrong = "ResourceNotFoundException"
        elif (name, kind) in self.datasets:
            wrong = "ResourceAlreadyExistsException"
        if wrong is not None:
            assert wrong == answer["__type"]
            return
        arn = self.new(answer["DatasetArn"])
        self.datasets[name, kind] = arn
        self.contents[arn] = dict(content)
        self.tags[arn] = params.get("Tags", {})

    @rule(name=PROJECTS, kind=KINDS, content=CONTENTS)
    def update(self, name: str, kind: str, content: Content) -> None:
        arn = self.datasets.get((name, kind), NO_DATASET)
        blob = base64.b64encode(manifest(content)).decode()
        answer = self.ask("UpdateDatasetEntries", DatasetArn=arn, Changes={"GroundTruth": blob})
        if arn in self.contents:
            assert {} == answer
            self.contents[arn] |= content
        else:
            assert "ResourceNotFoundException" == answer["__type"]

    @rule(name=PROJECTS, other=PROJECTS)
    def distribute(self, name: str, other: str) -> None:
        train, test = self.datasets.get((name, "TRAIN")), self.datasets.get((other, "TEST"))
        pair = [{"Arn": train or NO_DATASET}, {"Arn": test or NO_DATASET}]
        answer = self.ask("DistributeDatasetEntries", Datasets=pair)
        if train is None or test is None:
            assert "ResourceNotFoundException" == answer["__type"]
        elif name != other or self.contents[test]:
            assert "InvalidParameterException" == answer["__type"]
        else:
            assert {} == answer
            source = self.contents[train]
            moved = self.listed(test)
            labels = Counter(label for label in source.values() if label)
            enough = bool(labels) and min(labels.values()) >= 2
            assert (round(len(source) / 5) if enough else 0) == len(moved)
            assert all(source[ref] == label for ref, label in moved.items())
            self.contents[train] = {ref: label for ref, label in source.items() if ref not in moved}
            self.contents[test] = moved

    @rule(name=PROJECTS, kind=KINDS)
    def delete_dataset(self, name: str, kind: str) -> None:
        arn = self.datasets.pop((name, kind), NO_DATASET)
        answer = self.ask("DeleteDataset", DatasetArn=arn)
        if arn in self.contents:
            assert {} == answer
            del self.contents[arn], self.tags[arn]
        for operation in ("DescribeDataset", "ListDatasetEntries", "ListDatasetLabels", "DeleteDataset"):
            assert "ResourceNotFoundException" == self.ask(operation, DatasetArn=arn)["__type"]

    @rule(data=st.data(), tags=SOME_TAGS)
    def tag_and_untag(self, data: Any, tags: dict[str, str]) -> None:
        if not self.tags:
            return
        arn, gone = (
            data.draw(st.sampled_from(sorted(self.tags))),
            data.draw(st.sampled_from(["team", "cost"])),
        )
        assert {} == self.ask("TagResource", ResourceArn=arn, Tags=tags)
        assert {} == self.ask("UntagResource", ResourceArn=arn, TagKeys=[gone])
        self.tags[arn] = {key: value for key, value in (self.tags[arn] | tags).items() if key != gone}

    def listed(self, arn: str) -> Content:
        lines = map(json.loads, self.ask("ListDatasetEntries", DatasetArn=arn)["DatasetEntries"])
        return {
            line["source-ref"]: line["sport0-metadata"]["class-name"] if "sport0" in line else None
            for line in lines
        }

    @invariant()
    def all_that_can_be_read_is_as_the_model_has_it(self) -> None:
        if not hasattr(self, "direct"):
            return
        described = self.ask("DescribeProjects")["ProjectDescriptions"]
        assert self.projects == {p["ProjectArn"].split("/")[1]: p["ProjectArn"] for p in described}
        found = {
            (p["ProjectArn"].split("/")[1], d["DatasetType"]): d["DatasetArn"]
            for p in described
            for d in p["Datasets"]
        }
        assert self.datasets == found
        for arn, content in self.contents.items():
            assert content == self.listed(arn)
            labels = self.ask("ListDatasetLabels", DatasetArn=arn)["DatasetLabelDescriptions"]
            counted = {label["LabelName"]: label["LabelStats"]["EntryCount"] for label in labels}
            assert Counter(label for label in content.values() if label) == counted
        for arn, tags in self.tags.items():
            assert {"Tags": tags} == self.ask("ListTagsForResource", ResourceArn=arn)


NO_PROJECT = "arn:aws:rekognition:us-east-1:111122223333:project/none/1"
NO_DATASET = "arn:aws:rekognition:us-east-1:111122223333:project/none/dataset/train/1"

TestProjects = Projects.TestCase
TestProjects.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
