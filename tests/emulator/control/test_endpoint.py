"""The control endpoint, STS, and the console user."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reconciler.emulator.behaviour.calls import Call, Calls
from reconciler.emulator.behaviour.faults import ANSWERS, Kind
from reconciler.emulator.behaviour.settings import Throttling
from reconciler.emulator.server import Running
from reconciler.emulator.testing import client
from tests.emulator.builders import boxed, dataset, describe, labelled, listed, refs, update

IMAGE = "s3://bucket/a.jpg"


def control(
    running: Running, path: str, body: Any = None, method: str = "", kind: str = "application/json"
) -> Any:
    """Return (status, parsed answer)."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310
        f"{running.url}/_emulator{path}", data, {"Content-Type": kind}, method=method or None
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.loads(exc.read())


def test_faults_are_armed_shown_and_cleared(rekognition_emulator, rekognition):
    """Over HTTP, for whoever is not in the same process."""
    status, answer = control(
        rekognition_emulator, "/faults", {"kind": "throttle", "operations": ["DescribeProjects"], "times": 2}
    )
    with pytest.raises(ClientError):
        rekognition.describe_projects()

    (fault,) = control(rekognition_emulator, "")[1]["faults"]
    assert (200, answer["id"], 1, ["DescribeProjects"]) == (
        status,
        fault["id"],
        fault["hit"],
        fault["operations"],
    )
    control(rekognition_emulator, f"/faults?id={answer['id']}", method="DELETE")
    assert [] == rekognition.describe_projects()["ProjectDescriptions"]


def test_switches_settings_and_the_clock_are_turned(rekognition_emulator, rekognition, emulator):
    """Each answers with what is now set."""
    assert "round" == control(rekognition_emulator, "/switches", {"floats": "round"})[1]["floats"]
    assert 5 == control(rekognition_emulator, "/settings", {"update_seconds": 5})[1]["update_seconds"]
    before = emulator.clock.now()
    assert before + 60 == control(rekognition_emulator, "/clock", {"advance": 60})[1]["now"]


@pytest.mark.parametrize("form", list(Throttling))
def test_the_form_of_throttling_is_chosen_over_http(rekognition_emulator, rekognition, form):
    """What a call beyond the rate gets, in each of the three ways that AWS documents."""
    chosen = {"calls_per_second": 1, "throttling": form}
    assert form == control(rekognition_emulator, "/settings", chosen)[1]["throttling"]
    rekognition.describe_projects()
    with pytest.raises(ClientError) as error:
        rekognition.describe_projects()

    code, message, status = ANSWERS[Kind(form)]
    response = error.value.response
    assert (code, message, status) == (
        response["Error"]["Code"],
        response["Error"]["Message"],
        response["ResponseMetadata"]["HTTPStatusCode"],
    )


def test_calls_are_shown_and_forgotten(rekognition_emulator, rekognition):
    """With what updates carried."""
    arn = dataset(rekognition, labelled("a.jpg", "rose"))
    (call,) = control(rekognition_emulator, "/calls?operation=UpdateDatasetEntries")[1]

    assert (arn, [IMAGE], None) == (call["resource"], call["source_refs"], call["error"])
    control(rekognition_emulator, "/calls", method="DELETE")
    assert [] == control(rekognition_emulator, "/calls")[1]


def test_the_log_of_calls_does_not_grow_with_what_they_carry():
    """It keeps the last calls, as many as carry a million source-refs, and cuts what no name is as long as."""
    calls = Calls()
    update = Call(0, "rekognition", "UpdateDatasetEntries", "1", "r", source_refs=(IMAGE,) * 300_000)
    for number in range(5):
        calls.add(replace(update, time=number))
    assert [2, 3, 4] == [call.time for call in calls]

    calls.add(replace(update, time=5, source_refs=(IMAGE,) * 2_000_000))
    assert [5] == [call.time for call in calls]

    calls.clear()
    for number in range(50_001):
        calls.add(Call(number, "rekognition", "x" * 4_000, "1", "r"))
    assert (1, 50_000, 2_048) == (next(iter(calls)).time, len(calls), len(calls.names()[0]))


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/faults", {"kind": "nonsense"}, 400, "nonsense"),
        ("/faults", {"kind": "throttle", "tims": 1}, 400, "no such field of a fault: tims"),
        ("/faults", {"kind": "throttle", "every": 0}, 400, "every"),
        ("/switches", {"x": 1}, 400, "no such switch"),
        ("/settings", {"update_seconds": "x"}, 400, "not a number"),
        ("/settings", {"polls": 0.5}, 400, "whole number"),
        ("/settings", {"polls": -1}, 400, "from 0 up"),
        ("/settings", {"update_seconds": -1}, 400, "from 0 up"),
        ("/settings", {"max_entries": True}, 400, "whole number"),
        ("/settings", {"max_entries": None}, 400, "whole number"),
        ("/settings", {"calls_per_second": 0}, 400, "null is no limit"),
        ("/settings", {"throttling": "slowly"}, 400, "one of throttle, throttle-400, throttle-500"),
        ("/clock", {"advance": "nan"}, 400, "1970"),
        ("/clock", {"advance": 1e300}, 400, "1970"),
        ("/faults", {"kind": "throttle", "resource": 5}, 400, "text"),
        ("/faults", {"kind": "throttle", "operations": [5]}, 400, "text"),
        ("/faults", {"kind": "latency", "seconds": "inf"}, 400, "finite"),
        ("/faults", {"kind": "console-before", "action": "x"}, 400, "an object"),
        ("/faults", {"kind": "throttle", "times": 2**63}, 400, "none above"),
        ("/console", {"do": "put", "dataset": 5, "lines": []}, 400, "dataset: 5"),
        ("/console", {"do": "move_box", "dataset": "x", "source_ref": {}}, 400, "source_ref"),
        ("/console", {"do": "move_box", "dataset": "x", "source_ref": IMAGE, "dx": "a"}, 400, "dx"),
        ("/console", {"do": "start_training", "project": [], "version": "1"}, 400, "project"),
        ("/settings", {"roles": 1}, 400, "no such setting"),
        ("/console", {"do": "dance"}, 400, "no such action"),
        ("/console", {"do": "add_image", "dataset": "x", "source_ref": IMAGE}, 400, "no dataset x"),
        ("/console", {"do": "add_image", "cat": 1}, 400, "add_image"),
        ("/clock", [], 400, "JSON object"),
        ("/nothing", {}, 404, "no such control"),
    ],
    ids=str,
)
def test_errors_are_explained_in_words(rekognition_emulator, path, body, status, words):
    """So that a typing error does not pass for a setting, nor spoils the calls of others."""
    assert status == (answer := control(rekognition_emulator, path, body))[0]
    assert words in answer[1]["error"]
    assert [] == client(rekognition_emulator).describe_projects()["ProjectDescriptions"]


def test_a_body_must_say_that_it_is_json(rekognition_emulator):
    """A web page can post a form to the loopback, but not this."""
    assert 415 == control(rekognition_emulator, "/clock", {}, kind="text/plain")[0]


def test_the_console_user_edits_at_once_and_moves_the_timestamp(rekognition, emulator):
    """Behind the back of every client."""
    arn = dataset(rekognition, boxed("a.jpg", ("rose", 1, 2, 20, 20)), labelled("b.jpg", "rose", "red"))
    before = describe(rekognition, arn)["LastUpdatedTimestamp"]
    console = emulator.console

    console.move_box(arn, IMAGE, dx=5, dy=-1)
    console.relabel(arn, "s3://bucket/b.jpg", "red", "blue")
    console.rename_label(arn, "rose", "Rosa")
    console.add_image(arn, "s3://bucket/c.jpg")
    console.add_label(arn, "s3://bucket/c.jpg", "Rosa")
    console.add_image(arn, "s3://bucket/d.jpg")
    console.remove_labels(arn, "s3://bucket/b.jpg")

    first, second, third, _ = listed(rekognition, arn)
    assert (6, 1) == (first["BB"]["annotations"][0]["left"], first["BB"]["annotations"][0]["top"])
    assert {"0": "Rosa"} == first["BB-metadata"]["class-map"]
    assert {"source-ref", "cl-metadata"} == set(second)
    assert "Rosa" == third["train_Rosa-metadata"]["class-name"]
    assert ["d.jpg", "b.jpg"] == sorted(refs(listed(rekognition, arn, Labeled=False)), reverse=True)
    assert before < describe(rekognition, arn)["LastUpdatedTimestamp"]


def test_a_label_may_be_declared_that_no_image_uses(rekognition, emulator):
    """TotalLabels counts declared labels."""
    arn = dataset(rekognition, labelled("a.jpg", "rose"))
    emulator.console.declare_label(arn, "tulip")

    assert 2 == describe(rekognition, arn)["DatasetStats"]["TotalLabels"]
    assert ["rose", "tulip"] == [
        label["LabelName"]
        for label in rekognition.list_dataset_labels(DatasetArn=arn)["DatasetLabelDescriptions"]
    ]


def test_the_console_splits_a_fifth_into_the_test_dataset(rekognition, emulator):
    """As starting a training without one does."""
    train = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(20)))
    test = dataset(rekognition, kind="TEST")
    emulator.console.split(train, test)

    moved, kept = set(refs(listed(rekognition, test))), set(refs(listed(rekognition, train)))
    assert (4, 16, set()) == (len(moved), len(kept), moved & kept)
    assert (
        4
        == rekognition.list_dataset_labels(DatasetArn=test)["DatasetLabelDescriptions"][0]["LabelStats"][
            "EntryCount"
        ]
    )


def test_distribution_moves_a_fifth_and_passes_through_updating(rekognition, emulator):
    """Both datasets, and an empty TEST is required."""
    train = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(10)))
    test = dataset(rekognition, kind="TEST")
    emulator.settings = replace(emulator.settings, update_seconds=10)
    pair = [{"Arn": train}, {"Arn": test}]
    rekognition.distribute_dataset_entries(Datasets=pair)

    assert ["UPDATE_IN_PROGRESS"] * 2 == [describe(rekognition, arn)["Status"] for arn in (train, test)]
    emulator.clock.advance(10)
    assert ["UPDATE_COMPLETE"] * 2 == [describe(rekognition, arn)["Status"] for arn in (train, test)]
    assert (8, 2) == (len(listed(rekognition, train)), len(listed(rekognition, test)))
    with pytest.raises(rekognition.exceptions.InvalidParameterException):
        rekognition.distribute_dataset_entries(Datasets=pair)


def test_too_few_images_to_distribute_fail_both(rekognition):
    """In the guide's own words."""
    train, test = dataset(rekognition, labelled("a.jpg", "rose")), dataset(rekognition, kind="TEST")
    rekognition.distribute_dataset_entries(Datasets=[{"Arn": train}, {"Arn": test}])

    message = "The manifest file doesn't have enough labeled images to distribute the dataset."
    assert [("UPDATE_FAILED", message)] * 2 == [
        (d["Status"], d["StatusMessage"]) for d in (describe(rekognition, arn) for arn in (train, test))
    ]


def test_a_dataset_may_be_copied_from_another_project(rekognition):
    """All entries, labels too; the copy goes its own way."""
    source = dataset(rekognition, labelled("a.jpg", "rose"), boxed("b.jpg", ("lily", 1, 1, 9, 9)))
    project = rekognition.create_project(ProjectName="copy")["ProjectArn"]
    arn = rekognition.create_dataset(
        ProjectArn=project, DatasetType="TEST", DatasetSource={"DatasetArn": source}
    )["DatasetArn"]
    update(rekognition, source, labelled("a.jpg", "tulip"))

    assert ["a.jpg", "b.jpg"] == refs(listed(rekognition, arn))
    assert ["a.jpg"] == refs(listed(rekognition, arn, ContainsLabels=["rose"]))


def test_a_copy_of_what_was_deleted_meanwhile_fails(rekognition, emulator):
    """It is not empty and complete, which would look like the copy of an empty dataset."""
    source = dataset(rekognition, labelled("a.jpg", "rose"))
    project = rekognition.create_project(ProjectName="copy")["ProjectArn"]
    emulator.settings = replace(emulator.settings, create_seconds=60)
    arn = rekognition.create_dataset(
        ProjectArn=project, DatasetType="TRAIN", DatasetSource={"DatasetArn": source}
    )["DatasetArn"]
    rekognition.delete_dataset(DatasetArn=source)
    emulator.clock.advance(60)

    described = describe(rekognition, arn)
    assert ("CREATE_FAILED", "CLIENT_ERROR") == (described["Status"], described["StatusMessageCode"])


def test_tags_stay_with_projects_and_datasets(rekognition):
    """Given at creation or later."""
    project = rekognition.create_project(ProjectName="p", Tags={"team": "botany"})["ProjectArn"]
    arn = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN", Tags={"a": "1"})["DatasetArn"]
    rekognition.tag_resource(ResourceArn=arn, Tags={"b": "2"})
    rekognition.untag_resource(ResourceArn=arn, TagKeys=["a"])

    assert {"team": "botany"} == rekognition.list_tags_for_resource(ResourceArn=project)["Tags"]
    assert {"b": "2"} == rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"]


def test_the_access_key_says_who_calls(rekognition_emulator, emulator):
    """The default account, an account as key, and a key of a known account."""
    emulator.settings = replace(emulator.settings, accounts={"AKIAOTHER": "222233334444"})

    def account(key: str) -> str:
        return client(rekognition_emulator, "sts", access_key=key).get_caller_identity()["Account"]

    assert ["111122223333", "999988887777", "222233334444"] == [
        account(key) for key in ("anything", "999988887777", "AKIAOTHER")
    ]


def test_an_assumed_role_acts_in_its_account_until_it_expires(rekognition_emulator, rekognition, emulator):
    """Its projects are that account's."""
    sts = client(rekognition_emulator, "sts")
    answer = sts.assume_role(
        RoleArn="arn:aws:iam::444455556666:role/ci/labels", RoleSessionName="run", DurationSeconds=900
    )
    key = answer["Credentials"]["AccessKeyId"]
    other = client(rekognition_emulator, access_key=key)
    arn = other.create_project(ProjectName="theirs")["ProjectArn"]

    assert "arn:aws:sts::444455556666:assumed-role/labels/run" == answer["AssumedRoleUser"]["Arn"]
    assert "444455556666" == arn.split(":")[4]
    assert [] == rekognition.describe_projects()["ProjectDescriptions"]
    emulator.clock.advance(900)
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        other.describe_projects()


@pytest.mark.parametrize("seconds", [899, 43_201])
def test_a_role_is_assumed_for_a_quarter_of_an_hour_to_twelve_hours(rekognition_emulator, seconds):
    """As STS has it; neither end is botocore's to check."""
    sts = client(rekognition_emulator, "sts", parameter_validation=False)
    with pytest.raises(ClientError, match="ValidationError"):
        sts.assume_role(
            RoleArn="arn:aws:iam::444455556666:role/ci", RoleSessionName="run", DurationSeconds=seconds
        )


def test_a_role_may_ask_for_an_external_id(rekognition_emulator, emulator):
    """Without it, or for a role that is not there, access is denied."""
    role = "arn:aws:iam::444455556666:role/labels"
    emulator.settings = replace(emulator.settings, roles={role: "secret"})
    sts = client(rekognition_emulator, "sts")

    sts.assume_role(RoleArn=role, RoleSessionName="run", ExternalId="secret")
    for params in ({"RoleArn": role}, {"RoleArn": role, "ExternalId": "no"}, {"RoleArn": role + "x"}):
        with pytest.raises(ClientError) as error:
            sts.assume_role(RoleSessionName="run", **params)
        assert "AccessDenied" == error.value.response["Error"]["Code"]
