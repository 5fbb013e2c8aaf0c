"""Models through boto3: what a training needs, how it fails, and what it leaves behind."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from typing import Any

import pytest

from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.behaviour.switches import Switches
from reconciler.emulator.server import Emulator
from tests.emulator.builders import Direct, boxed, dataset, error_of, labelled, update

OUT = {"S3Bucket": "out", "S3KeyPrefix": "results"}
TEN = [labelled(f"{i}.jpg", ("rose", "lily")[i % 2]) for i in range(10)]
BOXES = [boxed(f"box{i}.jpg", ("rose", 1, 1, 20, 20)) for i in range(10)]


@pytest.fixture(autouse=True)
def bucket(s3: Any) -> None:
    """The bucket for what trainings leave behind."""
    s3.create_bucket(Bucket="out")


def project(rekognition: Any) -> str:
    return str(rekognition.describe_projects()["ProjectDescriptions"][0]["ProjectArn"])


def train(rekognition: Any, name: str = "v1", **params: Any) -> str:
    made = rekognition.create_project_version(
        ProjectArn=project(rekognition), VersionName=name, OutputConfig=OUT, **params
    )
    return str(made["ProjectVersionArn"])


def trained(rekognition: Any, training: list[str], testing: list[str]) -> dict[str, Any]:
    """Train with these lines; return the description of the version."""
    dataset(rekognition, *training)
    dataset(rekognition, *testing, kind="TEST")
    train(rekognition)
    return described(rekognition)


def described(rekognition: Any, name: str = "v1") -> dict[str, Any]:
    versions = rekognition.describe_project_versions(ProjectArn=project(rekognition), VersionNames=[name])
    (found,) = versions["ProjectVersionDescriptions"]
    return dict(found)


def read(s3: Any, place: dict[str, Any]) -> bytes:
    """Read the object that a description names."""
    if "Assets" in place:
        place = place["Assets"][0]["GroundTruthManifest"]
    found = s3.get_object(Bucket=place["S3Object"]["Bucket"], Key=place["S3Object"]["Name"])
    return bytes(found["Body"].read())


def lines(s3: Any, place: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in read(s3, place).splitlines()]


def test_a_completed_training_is_described_as_in_the_official_example(rekognition):
    """Member by member, with the names of its six files."""
    found = trained(rekognition, TEN, TEN)

    def place(name: str) -> dict[str, Any]:
        return {"S3Object": {"Bucket": "out", "Name": f"results/{name}-flowers-v1.json"}}

    def manifest(name: str) -> dict[str, Any]:
        return {"Assets": [{"GroundTruthManifest": place(name)}]}

    assert ("TRAINING_COMPLETED", "The model is ready to run.") == (found["Status"], found["StatusMessage"])
    assert OUT == found["OutputConfig"]
    assert place("ManifestSummary") == found["ManifestSummary"]
    assert place("EvaluationResultSummary") == found["EvaluationResult"]["Summary"]
    assert {
        "Input": {},
        "Output": manifest("TrainingGroundTruth"),
        "Validation": manifest("TrainingManifestWithValidation"),
    } == found["TrainingDataResult"]
    assert {
        "Input": {"AutoCreate": False},
        "Output": manifest("TestingGroundTruth") | {"AutoCreate": False},
        "Validation": manifest("TestingManifestWithValidation"),
    } == found["TestingDataResult"]
    assert 0 <= found["EvaluationResult"]["F1Score"] <= 1
    assert found["TrainingEndTimestamp"] >= found["CreationTimestamp"]


def test_a_training_takes_its_time_and_uses_what_the_datasets_were_when_it_began(rekognition, emulator, s3):
    """The service copies them."""
    emulator.settings = replace(emulator.settings, training_seconds=600)
    assert ("TRAINING_IN_PROGRESS", None) == (
        (found := trained(rekognition, TEN, TEN))["Status"],
        found.get("TrainingDataResult"),
    )
    emulator.clock.advance(599)
    update(rekognition, rekognition.describe_projects()["ProjectDescriptions"][0]["Datasets"][0]["DatasetArn"],
           labelled("late.jpg", "rose"))  # fmt: skip
    assert "TRAINING_IN_PROGRESS" == described(rekognition)["Status"]
    emulator.clock.advance(1)

    found = described(rekognition)
    assert ("TRAINING_COMPLETED", 600) == (found["Status"], found["BillableTrainingTimeInSeconds"])
    assert 10 == len(lines(s3, found["TrainingDataResult"]["Output"]))


def test_the_waiter_of_the_sdk_ends(rekognition):
    """As the guide's script uses it."""
    trained(rekognition, TEN, TEN)
    waiter = rekognition.get_waiter("project_version_training_completed")

    waiter.wait(ProjectArn=project(rekognition), VersionNames=["v1"])


def test_both_datasets_are_needed_and_neither_may_be_busy(rekognition, emulator):
    """InvalidParameterException without one, ResourceInUseException while one is updated."""
    arn = dataset(rekognition, *TEN)
    assert "InvalidParameterException" == error_of(lambda: train(rekognition))
    dataset(rekognition, *TEN, kind="TEST")
    emulator.settings = replace(emulator.settings, update_seconds=60)
    update(rekognition, arn, *TEN)

    assert "ResourceInUseException" == error_of(lambda: train(rekognition))


def broken(count: int) -> list[str]:
    return [boxed(f"broken{i}.jpg", ("rose", -1, 1, 20, 20)) for i in range(count)]


@pytest.mark.parametrize(
    ("training", "testing", "section", "code", "message"),
    [
        (
            [*TEN, *broken(3)],
            TEN,
            "training",
            "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST",
            "The manifest file contains too many invalid rows.",
        ),
        (
            TEN,
            [*TEN, *broken(3)],
            "testing",
            "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST",
            "The manifest file contains too many invalid rows.",
        ),
        (
            [labelled("a.jpg", "rose")],
            TEN,
            "training",
            "ERROR_MANIFEST_TOO_FEW_LABELS",
            "The manifest file has too few labels.",
        ),
        (
            [*TEN[:9:2], boxed("a.jpg", ("lily", 1, 1, 20, 20))],
            TEN,
            "training",
            "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS",
            "The manifest file has too few usable labels.",
        ),
        (
            [labelled(f"{i}.jpg", f"label{i}") for i in range(251)],
            TEN,
            "training",
            "ERROR_MANIFEST_TOO_MANY_LABELS",
            "The manifest file has too many labels.",
        ),
        (
            [*TEN, labelled("s3://another/a.jpg", "rose")],
            TEN,
            "training",
            "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS",
            "The manifest file contains images from multiple S3 buckets.",
        ),
        (
            TEN,
            [labelled("a.jpg", "tulip"), labelled("b.jpg", "daisy")],
            None,
            "ERROR_INSUFFICIENT_LABEL_OVERLAP",
            "Less than 50% label overlap between the training and testing manifest files.",
        ),
        (
            [*TEN, boxed("a.jpg", ("tulip", 1, 1, 9, 9)), boxed("b.jpg", ("daisy", 1, 1, 9, 9))],
            [*BOXES[:1], boxed("b.jpg", ("lily", 1, 1, 9, 9)), boxed("c.jpg", ("tulip", 1, 1, 9, 9))],
            None,
            "ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP",
            "Less than 50% usable label overlap between the training and testing manifest files.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("ERROR") else "",
)
def test_a_training_fails_with_the_documented_errors_of_content(
    rekognition, emulator, s3, training, testing, section, code, message
):
    """The message is the status message; the code stands in the manifest summary; nothing was trained."""
    emulator.settings = replace(emulator.settings, max_labels=1000)
    arns = {}
    for kind, given in (("TRAIN", training), ("TEST", testing)):
        arns[kind] = dataset(rekognition, kind=kind)
        for line in given:  # put, not updated: an update would refuse some of these
            emulator.console.put(arns[kind], line)
    emulator.settings = replace(emulator.settings, max_labels=250)
    train(rekognition)
    found = described(rekognition)

    assert ("TRAINING_FAILED", message) == (found["Status"], found["StatusMessage"])
    summary = json.loads(read(s3, found["ManifestSummary"]))
    place = summary["statistics"][section] if section else summary
    assert {"code": code, "message": message} in place["errors"]
    assert "Output" not in found["TrainingDataResult"]
    assert "EvaluationResult" not in found
    assert len(training) == len(lines(s3, found["TrainingDataResult"]["Validation"]))


def external(name: str) -> dict[str, Any]:
    source = {"S3Object": {"Bucket": "out", "Name": name}}
    return {"Assets": [{"GroundTruthManifest": source}]}


@pytest.mark.parametrize(
    ("training", "testing", "out", "message"),
    [
        ("t.manifest", "gone.manifest", "out", "The manifest file extension or contents are invalid."),
        ("t", "t.manifest", "out", "The manifest file extension or contents are invalid."),
        ("empty.manifest", "t.manifest", "out", "The manifest file is empty."),
        ("t.manifest", "t.manifest", "nowhere", "Unable to write to output S3 bucket."),
    ],
)
def test_errors_of_files_prevent_validation(rekognition, s3, training, testing, out, message):
    """There are no files then."""
    rekognition.create_project(ProjectName="flowers")
    for name, body in (("t.manifest", "\n".join(TEN)), ("t", "\n".join(TEN)), ("empty.manifest", "")):
        s3.put_object(Bucket="out", Key=name, Body=body.encode())
    rekognition.create_project_version(
        ProjectArn=project(rekognition),
        VersionName="v1",
        OutputConfig={"S3Bucket": out},
        TrainingData=external(training),
        TestingData=external(testing),
    )
    found = described(rekognition)

    assert ("TRAINING_FAILED", message) == (found["Status"], found["StatusMessage"])
    assert "ManifestSummary" not in found
    assert {"Input": external(training)} == found["TrainingDataResult"]


def test_external_manifests_are_validated_line_by_line(rekognition, s3):
    """Lines that a dataset drops in silence have errors here; the manifest may be deleted meanwhile."""
    rekognition.create_project(ProjectName="flowers")
    bad = ["no JSON", '{"a":1}', '{"source-ref":"https://a/b"}']
    s3.put_object(Bucket="out", Key="t.manifest", Body="\n".join([*TEN, *TEN, *bad]).encode())
    train(rekognition, TrainingData=external("t.manifest"), TestingData=external("t.manifest"))

    found = described(rekognition)
    assert "TRAINING_COMPLETED" == found["Status"]
    assert [
        "ERROR_INVALID_JSON_LINE",
        "ERROR_MISSING_SOURCE_REF",
        "ERROR_INVALID_SOURCE_REF_FORMAT",
    ] == [line["errors"][0]["code"] for line in lines(s3, found["TrainingDataResult"]["Validation"])[20:]]
    summary = json.loads(read(s3, found["ManifestSummary"]))["statistics"]["training"]
    assert [21, 22, 23] == summary["error_json_line_indices"]


def test_external_manifests_need_a_project_without_datasets_and_each_other(rekognition):
    """As the API reference says."""
    dataset(rekognition, *TEN)
    both = {"TrainingData": external("t.manifest"), "TestingData": external("t.manifest")}

    assert "InvalidParameterException" == error_of(lambda: train(rekognition, **both))
    rekognition.delete_dataset(
        DatasetArn=rekognition.describe_projects()["ProjectDescriptions"][0]["Datasets"][0]["DatasetArn"]
    )
    assert "InvalidParameterException" == error_of(
        lambda: train(rekognition, TrainingData=external("t.manifest"))
    )
    train(rekognition, **both)


def test_a_test_dataset_is_split_off_on_request(rekognition, s3):
    """20 % of an external manifest, disjoint from the rest."""
    rekognition.create_project(ProjectName="flowers")
    many = [labelled(f"{i}.jpg", ("rose", "lily")[i % 2]) for i in range(50)]
    s3.put_object(Bucket="out", Key="t.manifest", Body="\n".join(many).encode())
    train(rekognition, TrainingData=external("t.manifest"), TestingData={"AutoCreate": True})

    found = described(rekognition)
    parts = [
        {line["source-ref"] for line in lines(s3, found[f"{part}DataResult"]["Output"])}
        for part in ("Training", "Testing")
    ]
    assert [40, 10, 0] == [len(parts[0]), len(parts[1]), len(parts[0] & parts[1])]


@pytest.mark.parametrize("value", ["errors", "as-listed"])
def test_validation_manifest(rekognition, emulator, s3, value):
    """Errors and warnings at their documented places, or as ListDatasetEntries has them."""
    emulator.settings = replace(
        emulator.settings, switches=Switches().with_changes({"validation_manifest": value})
    )
    bare = '{"source-ref":"s3://bucket/bare.jpg"}'
    found = trained(rekognition, [*TEN, *broken(1), bare, boxed("empty.jpg")], TEN)
    *_, broken_line, bare_line, empty_line = lines(s3, found["TrainingDataResult"]["Validation"])
    key = "errors" if value == "errors" else "cl-errors"

    assert "ERROR_INVALID_BOUNDING_BOX" == broken_line["BB"]["annotations"][0][key][0]["code"]
    assert "ERROR_NO_VALID_ANNOTATIONS" == broken_line["BB"][key][0]["code"]
    assert [{"code": "WARNING_UNANNOTATED_RECORD", "message": "Record is unannotated."}] == bare_line[
        "warnings"
    ]
    assert "WARNING_NO_ANNOTATIONS" == empty_line["warnings"][0]["code"]
    assert "WARNING_NO_ATTRIBUTE_ANNOTATIONS" == empty_line["BB"]["warnings"][0]["code"]
    assert (value == "as-listed") == ("cl-metadata" in broken_line)
    summary = json.loads(read(s3, found["ManifestSummary"]))["statistics"]["training"]
    assert {
        "use_case": "IMAGE_LEVEL_LABELS",
        "total_json_lines": 13,
        "valid_json_lines": 10,
        "invalid_json_lines": 1,
        "ignored_json_lines": 2,
        "error_json_line_indices": [11],
        "errors": [],
    } == summary


@pytest.mark.parametrize("given", [TEN, BOXES], ids=["labels", "boxes"])
def test_training_output(rekognition, emulator, s3, given):
    """Predictions beside the ground truth as the guide prints them, or the lines as they were."""
    found = trained(rekognition, given, given)
    first = lines(s3, found["TestingDataResult"]["Output"])[0]
    ours, theirs = "rekognition-custom-labels-training-0", "rekognition-custom-labels-evaluation"
    theirs += "-0" if given is TEN else ""
    meta = first[f"{theirs}-metadata"]
    details = (meta if given is TEN else meta["objects"][0])["rekognition-custom-labels-evaluation-details"]

    assert {"source-ref", ours, f"{ours}-metadata", theirs, f"{theirs}-metadata"} <= first.keys()
    assert "rekognition-custom-labels-training-job" == first[f"{ours}-metadata"]["job-name"]
    assert ("yes", "no") == (first[f"{ours}-metadata"]["human-annotated"], meta["human-annotated"])
    assert 1 == sum(details[f"is-{kind}"] for kind in KINDS)
    assert details["is-present-in-ground-truth"]

    emulator.settings = replace(
        emulator.settings, switches=Switches().with_changes({"training_output": "lines"})
    )
    train(rekognition, "v2")
    assert [json.loads(line) for line in given] == lines(
        s3, described(rekognition, "v2")["TestingDataResult"]["Output"]
    )


KINDS = ("true-positive", "true-negative", "false-positive", "false-negative")


def test_the_summary_follows_from_the_snapshot(rekognition, s3):
    """Precision and recall of each label, counted again from the predictions."""
    many = [labelled(f"{i}.jpg", ("rose", "lily", "tulip")[i % 3]) for i in range(450)]
    found = trained(rekognition, many, many)
    summary = json.loads(read(s3, found["EvaluationResult"]["Summary"]))
    counts: dict[str, dict[str, int]] = {}
    for line in lines(s3, found["TestingDataResult"]["Output"]):
        for key, meta in line.items():
            if key.startswith("rekognition-custom-labels-evaluation") and key.endswith("-metadata"):
                details = meta["rekognition-custom-labels-evaluation-details"]
                label = counts.setdefault(meta["class-name"], dict.fromkeys(KINDS, 0))
                for kind in KINDS:
                    label[kind] += details[f"is-{kind}"]

    assert 0 < sum(label["false-positive"] for label in counts.values())
    assert 0 < sum(label["false-negative"] for label in counts.values())
    for result in summary["LabelEvaluationResults"]:
        label = counts[result["Label"]]
        right = label["true-positive"]
        assert right / (right + label["false-positive"]) == result["Metrics"]["Precision"]
        assert right / (right + label["false-negative"]) == result["Metrics"]["Recall"]
        assert 150 == result["NumberOfTestingImages"]
    scores = [result["Metrics"]["F1Score"] for result in summary["LabelEvaluationResults"]]
    assert pytest.approx(sum(scores) / 3) == found["EvaluationResult"]["F1Score"]


def test_versions_are_listed_latest_first_in_pages(rekognition, emulator):
    """With the trainings that the console user has started before them."""
    trained(rekognition, TEN, TEN)
    train(rekognition, "v2")
    emulator.console.start_training(project(rekognition), "by-hand")
    pages = rekognition.get_paginator("describe_project_versions").paginate(
        ProjectArn=project(rekognition), PaginationConfig={"PageSize": 2}
    )
    found = [each for page in pages for each in page["ProjectVersionDescriptions"]]

    assert [
        ("by-hand", "TRAINING_IN_PROGRESS"),
        ("v2", "TRAINING_COMPLETED"),
        ("v1", "TRAINING_COMPLETED"),
    ] == [(each["ProjectVersionArn"].split("/")[3], each["Status"]) for each in found]


def test_names_are_unique_and_trainings_at_once_are_limited(rekognition, emulator):
    """ResourceInUseException, and LimitExceededException for a third training."""
    emulator.settings = replace(emulator.settings, training_seconds=60)
    trained(rekognition, TEN, TEN)

    assert "ResourceInUseException" == error_of(lambda: train(rekognition))
    train(rekognition, "v2")
    assert "LimitExceededException" == error_of(lambda: train(rekognition, "v3"))
    emulator.clock.advance(60)
    train(rekognition, "v3")


def test_a_model_holds_its_project_until_it_is_deleted(rekognition, emulator):
    """A training cannot be deleted; a model goes after DELETING, and its tags with it."""
    emulator.settings = replace(emulator.settings, training_seconds=60, delete_seconds=5)
    dataset(rekognition, *TEN)
    dataset(rekognition, *TEN, kind="TEST")
    arn = train(rekognition, Tags={"team": "a"})
    assert {"team": "a"} == rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert "ResourceInUseException" == error_of(
        lambda: rekognition.delete_project_version(ProjectVersionArn=arn)
    )
    emulator.clock.advance(60)
    for each in rekognition.describe_projects()["ProjectDescriptions"][0]["Datasets"]:
        rekognition.delete_dataset(DatasetArn=each["DatasetArn"])
    emulator.clock.advance(5)
    assert "ResourceInUseException" == error_of(
        lambda: rekognition.delete_project(ProjectArn=project(rekognition))
    )

    assert "DELETING" == rekognition.delete_project_version(ProjectVersionArn=arn)["Status"]
    assert "DELETING" == described(rekognition)["Status"]
    emulator.clock.advance(5)
    assert "ResourceNotFoundException" == error_of(
        lambda: rekognition.delete_project_version(ProjectVersionArn=arn)
    )
    assert "ResourceNotFoundException" == error_of(
        lambda: rekognition.list_tags_for_resource(ResourceArn=arn)
    )
    rekognition.delete_project(ProjectArn=project(rekognition))


def test_a_copy_has_the_results_of_its_source_in_a_place_of_its_own(rekognition, emulator, s3):
    """A copy takes its time, too; what is still in training cannot be copied."""
    source = trained(rekognition, TEN, TEN)
    s3.create_bucket(Bucket="elsewhere")
    target = rekognition.create_project(ProjectName="target")["ProjectArn"]
    emulator.settings = replace(emulator.settings, training_seconds=60)
    request = {
        "SourceProjectArn": project(rekognition),
        "SourceProjectVersionArn": source["ProjectVersionArn"],
        "DestinationProjectArn": target,
        "VersionName": "copied",
        "OutputConfig": {"S3Bucket": "elsewhere"},
    }
    rekognition.copy_project_version(**request)

    def versions() -> list[dict[str, Any]]:
        answer = rekognition.describe_project_versions(ProjectArn=target)
        return list(answer["ProjectVersionDescriptions"])

    assert ["COPYING_IN_PROGRESS"] == [version["Status"] for version in versions()]
    copying = versions()[0]["ProjectVersionArn"]
    again = request | {"SourceProjectArn": target, "SourceProjectVersionArn": copying, "VersionName": "x"}
    assert "InvalidParameterException" == error_of(lambda: rekognition.copy_project_version(**again))
    emulator.clock.advance(60)
    (copy,) = versions()
    assert ("COPYING_COMPLETED", source["ProjectVersionArn"]) == (
        copy["Status"],
        copy["SourceProjectVersionArn"],
    )
    assert source["EvaluationResult"]["F1Score"] == copy["EvaluationResult"]["F1Score"]
    output = copy["TestingDataResult"]["Output"]
    assert (
        "TestingGroundTruth-target-copied.json"
        == output["Assets"][0]["GroundTruthManifest"]["S3Object"]["Name"]
    )
    assert read(s3, source["TestingDataResult"]["Output"]) == read(s3, output)


def test_faults_slow_a_training_or_fail_it(rekognition, emulator):
    """A failure of the service has its documented words."""
    emulator.faults.add(Fault(kind=Kind.SLOW, operations=frozenset({"CreateProjectVersion"}), seconds=30))
    emulator.faults.add(Fault(kind=Kind.FAIL_SERVICE, operations=frozenset({"CreateProjectVersion"})))
    assert "TRAINING_IN_PROGRESS" == trained(rekognition, TEN, TEN)["Status"]
    emulator.clock.advance(30)

    found = described(rekognition)
    assert ("TRAINING_FAILED", "Amazon Rekognition experienced a service issue.") == (
        found["Status"],
        found["StatusMessage"],
    )


def test_images_that_are_missing_are_errors_if_they_count(rekognition, emulator, s3):
    """ERROR_INVALID_IMAGE, as the guide lists it for trainings alone."""
    s3.create_bucket(Bucket="bucket")
    for i in range(9):
        s3.put_object(Bucket="bucket", Key=f"{i}.jpg", Body=b"jpg")
    emulator.settings = replace(
        emulator.settings, switches=Switches().with_changes({"missing_images": "counted"})
    )
    found = trained(rekognition, TEN, TEN)

    last = lines(s3, found["TrainingDataResult"]["Validation"])[9]
    assert ("TRAINING_COMPLETED", ["ERROR_INVALID_IMAGE"]) == (
        found["Status"],
        [each["code"] for each in last["errors"]],
    )


def test_a_training_is_finished_by_the_next_process(tmp_path):
    """It survives a restart, with the manifests that it began with."""
    clock = ManualClock()
    first = Emulator(tmp_path, clock=clock)
    first.settings = replace(first.settings, training_seconds=60)
    direct = Direct(first)
    arn = direct.call("CreateProject", ProjectName="p")["ProjectArn"]
    for kind in ("TRAIN", "TEST"):
        made = direct.call("CreateDataset", ProjectArn=arn, DatasetType=kind)["DatasetArn"]
        for line in TEN:
            first.console.put(made, line)
    direct.call("CreateProjectVersion", ProjectArn=arn, VersionName="v", OutputConfig={"S3Bucket": "out"})
    first.close()
    clock.advance(60)
    second = Emulator(tmp_path, clock=clock)

    (found,) = Direct(second).call("DescribeProjectVersions", ProjectArn=arn)["ProjectVersionDescriptions"]
    assert "Unable to write to output S3 bucket." == found["StatusMessage"]
    second.close()


def test_the_manifests_of_a_finished_training_are_freed(rekognition, emulator):
    """What is stored afterwards are the objects in S3."""
    trained(rekognition, TEN, TEN)
    store = emulator._context.store

    stored = store.all("SELECT id FROM bodies WHERE state = 'live' ORDER BY id")
    assert [row["body"] for row in store.all("SELECT body FROM objects ORDER BY body")] == [
        row["id"] for row in stored
    ]


def test_a_reset_forgets_models(rekognition, rekognition_emulator):
    """Also one that is in training: nothing is finished for a project that is gone."""
    dataset(rekognition, *TEN)
    dataset(rekognition, *TEN, kind="TEST")
    train(rekognition)
    post_json(f"{rekognition_emulator.url}/_emulator/reset")
    dataset(rekognition, *TEN)

    versions = rekognition.describe_project_versions(ProjectArn=project(rekognition))
    assert [] == versions["ProjectVersionDescriptions"]


def post_json(url: str) -> None:
    request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"})  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310
