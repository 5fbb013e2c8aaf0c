"""Datasets through boto3: creating, updating, listing, and the statuses on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from reconciler.emulator.server import Emulator
from tests.emulator.builders import boxed, dataset, describe, labelled, listed, refs, update


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_an_update_adds_new_images_and_replaces_known_ones_whole(rekognition):
    """The source-ref is the key; nothing of the former line is merged into the new one."""
    arn = dataset(rekognition, labelled("a.jpg", "rose", "red"), labelled("b.jpg", "rose"))
    update(rekognition, arn, labelled("a.jpg", "lily"), labelled("c.jpg", "lily"))

    lines = listed(rekognition, arn)

    assert ["a.jpg", "b.jpg", "c.jpg"] == refs(lines)
    assert ["source-ref", "sport0", "sport0-metadata", "cl-metadata"] == list(lines[0])
    assert "lily" == lines[0]["sport0-metadata"]["class-name"]


def test_a_listed_line_is_the_sent_line_with_the_services_key_at_its_end(rekognition):
    """Key order is kept and separators are compact; an earlier listing's keys are replaced."""
    sent = labelled("a.jpg", "rose")
    arn = dataset(rekognition, sent[:-1] + ',"cl-metadata":{"is_labeled":false}}')

    (line,) = rekognition.list_dataset_entries(DatasetArn=arn)["DatasetEntries"]

    assert sent[:-1] + ',"cl-metadata":{"is_labeled":true}}' == line


def test_the_status_flips_with_the_call_and_the_effect_shows_when_it_is_done(rekognition, emulator):
    """What AWS's own sample relies on: the first look after an update sees one of the three UPDATE states."""
    arn = dataset(rekognition)
    emulator.settings = replace(emulator.settings, update_seconds=60)
    update(rekognition, arn, labelled("a.jpg", "rose"))

    assert "UPDATE_IN_PROGRESS" == describe(rekognition, arn)["Status"]
    emulator.clock.advance(59)
    assert 0 == describe(rekognition, arn)["DatasetStats"]["TotalEntries"]
    emulator.clock.advance(1)
    after = describe(rekognition, arn)
    assert ("UPDATE_COMPLETE", "SUCCESS", 1) == (
        after["Status"],
        after["StatusMessageCode"],
        after["DatasetStats"]["TotalEntries"],
    )


def test_polls_may_count_instead_of_seconds(rekognition, emulator):
    """The operation is over after so many looks, whatever the clock says."""
    arn = dataset(rekognition)
    emulator.settings = replace(emulator.settings, polls=2)
    update(rekognition, arn, labelled("a.jpg", "rose"))

    seen = [describe(rekognition, arn)["Status"] for _ in range(3)]

    assert ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"] == seen


def test_every_completed_operation_moves_the_timestamp(rekognition, emulator):
    """Even if the clock stands still: it is what cheap change detection hangs on."""
    arn = dataset(rekognition)
    stamps = [describe(rekognition, arn)["LastUpdatedTimestamp"]]
    for _ in range(3):
        update(rekognition, arn, labelled("a.jpg", "rose"))
        stamps.append(describe(rekognition, arn)["LastUpdatedTimestamp"])

    assert sorted(set(stamps)) == stamps


def test_statistics_count_entries_labels_and_errors(rekognition):
    """Labels are counted once however many images use them; an errored entry is still labelled."""
    arn = dataset(
        rekognition,
        labelled("a.jpg", "rose", "red"),
        boxed("b.jpg", ("rose", 1, 1, 20, 20)),
        boxed("c.jpg", ("rose", 1, 1, 2000, 20), ("lily", 1, 1, 20, 20)),
        '{"source-ref":"s3://bucket/d.jpg"}',
    )

    stats = describe(rekognition, arn)["DatasetStats"]

    assert {"LabeledEntries": 3, "TotalEntries": 4, "TotalLabels": 3, "ErrorEntries": 1} == stats


def test_labels_count_images_not_boxes(rekognition):
    """BoundingBoxCount is left out where no box has the label, as in the official example."""
    arn = dataset(
        rekognition,
        boxed("a.jpg", ("rose", 1, 1, 20, 20), ("rose", 30, 30, 20, 20)),
        labelled("b.jpg", "rose", "red"),
    )

    labels = rekognition.list_dataset_labels(DatasetArn=arn)["DatasetLabelDescriptions"]

    assert [
        {"LabelName": "red", "LabelStats": {"EntryCount": 1}},
        {"LabelName": "rose", "LabelStats": {"EntryCount": 2, "BoundingBoxCount": 1}},
    ] == labels


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({}, ["x/a.jpg", "x/b.jpg", "y/c.jpg", "y/d.jpg"]),
        ({"ContainsLabels": ["red"]}, ["x/a.jpg"]),
        ({"ContainsLabels": ["red", "lily"]}, ["x/a.jpg", "y/c.jpg"]),
        ({"ContainsLabels": ["Red"]}, []),
        ({"Labeled": True}, ["x/a.jpg", "x/b.jpg", "y/c.jpg"]),
        ({"Labeled": False}, ["y/d.jpg"]),
        ({"SourceRefContains": "bucket/y/"}, ["y/c.jpg", "y/d.jpg"]),
        ({"SourceRefContains": "%"}, []),
        ({"HasErrors": True}, ["x/b.jpg"]),
        ({"HasErrors": False}, ["x/a.jpg", "x/b.jpg", "y/c.jpg", "y/d.jpg"]),
        ({"ContainsLabels": ["rose", "lily"], "SourceRefContains": "x/", "Labeled": True}, ["x/a.jpg"]),
    ],
    ids=str,
)
def test_filters_are_joined_by_and_and_labels_by_or(rekognition, filters, shown):
    """HasErrors=False does not filter: AWS's own sample lists everything with it."""
    arn = dataset(
        rekognition,
        labelled("x/a.jpg", "rose", "red"),
        boxed("x/b.jpg", ("rose", -5, 1, 20, 20)),
        labelled("y/c.jpg", "lily"),
        '{"source-ref":"s3://bucket/y/d.jpg"}',
    )

    assert shown == refs(listed(rekognition, arn, PaginationConfig={"PageSize": 2}, **filters))


def test_the_last_page_has_no_token_key_and_an_empty_token_is_the_first_page(rekognition):
    """AWS's own sample goes on for as long as the key is there, and begins with an empty token."""
    arn = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(5)))
    first = rekognition.list_dataset_entries(DatasetArn=arn, MaxResults=4, NextToken="")
    last = rekognition.list_dataset_entries(DatasetArn=arn, MaxResults=4, NextToken=first["NextToken"])

    assert (4, 1) == (len(first["DatasetEntries"]), len(last["DatasetEntries"]))
    assert "NextToken" not in last


def test_a_token_belongs_to_one_listing(rekognition):
    """Neither made-up tokens nor those of other filters or other datasets are taken."""
    arn = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(5)))
    other = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(5)), kind="TEST")
    token = rekognition.list_dataset_entries(DatasetArn=arn, MaxResults=2)["NextToken"]

    for call in (
        {"DatasetArn": arn, "NextToken": "made-up"},
        {"DatasetArn": arn, "NextToken": "2.abc"},
        {"DatasetArn": arn, "NextToken": token, "Labeled": True},
        {"DatasetArn": other, "NextToken": token},
    ):
        with pytest.raises(rekognition.exceptions.InvalidPaginationTokenException):
            rekognition.list_dataset_entries(**call)


def test_a_project_has_one_dataset_of_each_type(rekognition):
    """A second TRAIN is refused; after deletion the next has another ARN, even within one millisecond."""
    first = dataset(rekognition)
    project = rekognition.describe_projects()["ProjectDescriptions"][0]["ProjectArn"]
    with pytest.raises(rekognition.exceptions.ResourceAlreadyExistsException):
        rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN")

    rekognition.delete_dataset(DatasetArn=first)

    with pytest.raises(rekognition.exceptions.ResourceNotFoundException):
        describe(rekognition, first)
    assert first != dataset(rekognition)


def test_too_many_dropped_lines_fail_the_whole_update(rekognition):
    """One line in five may vanish without a word; one in four is too many, and nothing is applied."""
    good = [labelled(f"{i}.jpg", "rose") for i in range(4)]
    arn = dataset(rekognition, *good, "not json")
    assert 4 == len(listed(rekognition, arn))

    update(rekognition, arn, *(line.replace("rose", "lily") for line in good[:3]), "not json")

    after = describe(rekognition, arn)
    assert ("UPDATE_FAILED", "CLIENT_ERROR", "The manifest file has too many terminal errors.") == (
        after["Status"],
        after["StatusMessageCode"],
        after["StatusMessage"],
    )
    assert [] == listed(rekognition, arn, ContainsLabels=["lily"])


def test_another_account_or_region_sees_nothing(rekognition_emulator, rekognition):
    """An ARN is found only by its owner, in its Region."""
    from reconciler.emulator.testing import client

    arn = dataset(rekognition, labelled("a.jpg", "rose"))

    for stranger in (
        client(rekognition_emulator, access_key="999988887777"),
        client(rekognition_emulator, region="eu-west-1"),
    ):
        assert [] == stranger.describe_projects()["ProjectDescriptions"]
        with pytest.raises(stranger.exceptions.ResourceNotFoundException):
            stranger.list_dataset_entries(DatasetArn=arn)


def test_calls_are_written_down(rekognition, emulator: Emulator):
    """With the source-refs that updates carried, and the errors that were answered."""
    arn = dataset(rekognition, labelled("a.jpg", "rose"), labelled("b.jpg", "rose"))
    with pytest.raises(ClientError) as error:
        rekognition.list_dataset_entries(DatasetArn=arn, NextToken="x")

    assert ["CreateProject", "CreateDataset", "UpdateDatasetEntries"] == [
        call.operation for call in emulator.calls.writes()
    ]
    (sent,) = emulator.calls.of("UpdateDatasetEntries")
    assert ("s3://bucket/a.jpg", "s3://bucket/b.jpg") == sent.source_refs
    assert (code(error), arn) == [(c.error, c.resource) for c in emulator.calls][-1]
