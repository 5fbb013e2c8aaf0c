"""Scripts in the manner of the developer guide: they poll, and they read more than they need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.builders import labelled


@pytest.fixture(autouse=True)
def slow(emulator: Any) -> None:
    """Every operation is in progress for the first two looks."""
    emulator.settings = replace(emulator.settings, polls=2)


def wait(rekognition: Any, arn: str, phase: str) -> list[str]:
    """Poll until the phase is over. Any status outside of it is fatal, as the guide's scripts have it."""
    seen = []
    while True:
        description = rekognition.describe_dataset(DatasetArn=arn)["DatasetDescription"]
        assert description["StatusMessage"]
        assert description["StatusMessageCode"] in ("SUCCESS", "SERVICE_ERROR", "CLIENT_ERROR")
        seen.append(description["Status"])
        assert seen[-1] in {f"{phase}_IN_PROGRESS", f"{phase}_COMPLETE", f"{phase}_FAILED"}
        if not seen[-1].endswith("IN_PROGRESS"):
            return seen


def list_all(rekognition: Any, arn: str, *, errors: bool) -> list[str]:
    """Begin with an empty token, send HasErrors in any case, go on while the key is there."""
    entries: list[str] = []
    token = ""
    while True:
        page = rekognition.list_dataset_entries(
            DatasetArn=arn, HasErrors=errors, MaxResults=100, NextToken=token
        )
        entries += page["DatasetEntries"]
        if "NextToken" not in page:
            return entries
        token = page["NextToken"]


def list_labels(rekognition: Any, arn: str) -> dict[str, int]:
    """The same loop over labels, one a page."""
    counts: dict[str, int] = {}
    token = ""
    while True:
        page = rekognition.list_dataset_labels(DatasetArn=arn, MaxResults=1, NextToken=token)
        for label in page["DatasetLabelDescriptions"]:
            counts[label["LabelName"]] = label["LabelStats"]["EntryCount"]
        if "NextToken" not in page:
            return counts
        token = page["NextToken"]


def test_create_add_list_distribute_copy_and_delete(rekognition, s3):
    """The whole life of a project, each step waited for."""
    s3.create_bucket(Bucket="manifests")
    body = "\n".join(labelled(f"{i}.jpg", f"label{i % 3}") for i in range(230))
    s3.put_object(Bucket="manifests", Key="train.manifest", Body=body.encode())
    project = rekognition.create_project(ProjectName="flowers")["ProjectArn"]
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": "train.manifest"}}}
    train = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)[
        "DatasetArn"
    ]
    assert ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"] == wait(
        rekognition, train, "CREATE"
    )

    more = "\n".join(labelled(f"{i}.jpg", "new") for i in range(225, 240))
    rekognition.update_dataset_entries(DatasetArn=train, Changes={"GroundTruth": more})
    assert "UPDATE_COMPLETE" == wait(rekognition, train, "UPDATE")[-1]
    assert 240 == len(list_all(rekognition, train, errors=False))
    assert [] == list_all(rekognition, train, errors=True)
    assert {"label0": 75, "label1": 75, "label2": 75, "new": 15} == list_labels(rekognition, train)

    test = rekognition.create_dataset(ProjectArn=project, DatasetType="TEST")["DatasetArn"]
    wait(rekognition, test, "CREATE")
    rekognition.distribute_dataset_entries(Datasets=[{"Arn": train}, {"Arn": test}])
    assert "UPDATE_COMPLETE" == wait(rekognition, train, "UPDATE")[-1]
    assert "UPDATE_COMPLETE" == wait(rekognition, test, "UPDATE")[-1]
    assert (192, 48) == tuple(len(list_all(rekognition, arn, errors=False)) for arn in (train, test))

    other = rekognition.create_project(ProjectName="copy")["ProjectArn"]
    copy = rekognition.create_dataset(
        ProjectArn=other, DatasetType="TRAIN", DatasetSource={"DatasetArn": train}
    )["DatasetArn"]
    assert "CREATE_COMPLETE" == wait(rekognition, copy, "CREATE")[-1]
    assert list_all(rekognition, train, errors=False) == list_all(rekognition, copy, errors=False)

    for arn in (train, test):
        rekognition.delete_dataset(DatasetArn=arn)
        assert_gone(rekognition, arn)
    rekognition.delete_project(ProjectArn=project)
    assert [] == rekognition.describe_projects(ProjectNames=["flowers"])["ProjectDescriptions"]


def assert_gone(rekognition: Any, arn: str) -> None:
    for _ in range(3):
        try:
            assert (
                "DELETE_IN_PROGRESS"
                == (rekognition.describe_dataset(DatasetArn=arn)["DatasetDescription"]["Status"])
            )
        except ClientError as exc:
            assert "ResourceNotFoundException" == exc.response["Error"]["Code"]  # noqa: PT017
            return
    raise AssertionError(f"{arn} is still there")
