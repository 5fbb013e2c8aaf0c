"""Each switch turns what it says it turns, and its default is what the first case shows."""

from __future__ import annotations

import inspect
import json
import re
import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from botocore.exceptions import ClientError

from reconciler.emulator.behaviour.switches import SWITCH_NAMES, Rewriting, Switches
from reconciler.emulator.server import Emulator
from tests.emulator.builders import boxed, dataset, describe, error_of, labelled, listed, refs, update
from tests.emulator.training import test_versions
from tests.fixtures.lines import rows

MULTI_LABEL = next(row.raw.decode() for row in rows() if row.id == "multi-label-job")


def turn(emulator: Emulator, **switches: Any) -> None:
    emulator.settings = replace(emulator.settings, switches=Switches().with_changes(switches))


def busy(rekognition: Any, emulator: Emulator, *lines: str) -> str:
    """A dataset of these lines with an update in progress."""
    arn = dataset(rekognition, *lines)
    emulator.settings = replace(emulator.settings, update_seconds=60)
    update(rekognition, arn, labelled("busy.jpg", "rose"))
    return arn


@pytest.mark.parametrize(
    ("value", "code"),
    [("validation", "ValidationException"), ("invalid-parameter", "InvalidParameterException")],
)
def test_invalid_request(rekognition, emulator, value, code):
    """What a value is refused with that the service model does not allow; two limits of the blob alike."""
    turn(emulator, invalid_request=value, max_blob_bytes=100)
    arn = dataset(rekognition)

    assert code == error_of(lambda: rekognition.create_project(ProjectName="a b"))
    assert code == error_of(lambda: update(rekognition, arn, "x" * 101))


@pytest.mark.parametrize(
    ("value", "code"),
    [("in-use", "ResourceInUseException"), ("limit-exceeded", "LimitExceededException")],
)
def test_concurrent_update(rekognition, emulator, value, code):
    """What a second update is refused with."""
    turn(emulator, concurrent_update=value)
    arn = busy(rekognition, emulator)

    assert code == error_of(lambda: update(rekognition, arn, labelled("a.jpg", "rose")))


@pytest.mark.parametrize(
    ("value", "code"),
    [("in-use", "ResourceInUseException"), ("not-ready", "ResourceNotReadyException")],
)
def test_busy_listing_refuses(rekognition, emulator, value, code):
    """Both listings answer alike."""
    turn(emulator, busy_listing=value)
    arn = busy(rekognition, emulator)

    assert code == error_of(lambda: listed(rekognition, arn))
    assert code == error_of(lambda: rekognition.list_dataset_labels(DatasetArn=arn))


def test_busy_listing_shows_what_was(rekognition, emulator):
    """The stale answer: the entries before the update."""
    turn(emulator, busy_listing="stale")
    arn = busy(rekognition, emulator, labelled("old.jpg", "rose"))

    assert ["old.jpg"] == refs(listed(rekognition, arn))


def test_a_stale_listing_may_show_the_effect_at_once(rekognition, emulator):
    """Visible before it is complete."""
    turn(emulator, busy_listing="stale", visibility="at-once")
    arn = busy(rekognition, emulator, labelled("old.jpg", "rose"))

    assert ["old.jpg", "busy.jpg"] == refs(listed(rekognition, arn))
    assert "UPDATE_IN_PROGRESS" == describe(rekognition, arn)["Status"]


@pytest.mark.parametrize(("value", "errors"), [("unlabeled", 0), ("error", 1)])
def test_bare_line(rekognition, emulator, value, errors):
    """Unlabelled either way; with an error or without."""
    turn(emulator, bare_line=value)
    arn = dataset(rekognition, '{"source-ref":"s3://bucket/a.jpg"}')

    stats = describe(rekognition, arn)["DatasetStats"]
    assert (0, errors) == (stats["LabeledEntries"], stats["ErrorEntries"])


@pytest.mark.parametrize(
    ("value", "left", "errors"), [("accept", 86.5, 0), ("error", 86.5, 1), ("round", 86, 0)]
)
def test_floats(rekognition, emulator, value, left, errors):
    """Coordinates that are not whole are kept, refused, or rounded."""
    turn(emulator, floats=value)
    arn = dataset(rekognition, boxed("a.jpg", ("rose", 86.5, 1, 20, 20)))  # type: ignore[arg-type]

    (line,) = listed(rekognition, arn)
    assert left == line["BB"]["annotations"][0]["left"]
    assert errors == describe(rekognition, arn)["DatasetStats"]["ErrorEntries"]


@pytest.mark.parametrize(("value", "label"), [("first", "rose"), ("last", "lily"), ("none", None)])
def test_duplicates(rekognition, emulator, value, label):
    """One source-ref twice in one blob."""
    turn(emulator, duplicates=value, invalid_base="off")
    arn = dataset(rekognition, labelled("a.jpg", "rose"), labelled("a.jpg", "lily"))

    lines = listed(rekognition, arn)
    assert ([label] if label else []) == [line["sport0-metadata"]["class-name"] for line in lines]


@pytest.mark.parametrize(("value", "kept"), [("nothing", 0), ("prefix", 4)])
def test_failed_update(rekognition, emulator, value, kept):
    """How much of a failed update stays."""
    turn(emulator, failed_update=value)
    good = [labelled(f"{i}.jpg", "rose") for i in range(8)]
    arn = dataset(rekognition, *good, "bad", "bad", "bad")

    assert "UPDATE_FAILED" == describe(rekognition, arn)["Status"]
    assert [f"{i}.jpg" for i in range(kept)] == refs(listed(rekognition, arn))


def test_failed_update_random(rekognition, emulator):
    """Some subset, the same for the same seed."""
    turn(emulator, failed_update="random")
    arn = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(30)), *["bad"] * 20)

    assert 0 < len(listed(rekognition, arn)) < 30


@pytest.mark.parametrize(("value", "kept"), [("kept", True), ("removed", False)])
def test_unknown_keys(rekognition, emulator, value, kept):
    """Keys of no attribute pair."""
    turn(emulator, unknown_keys=value)
    arn = dataset(rekognition, labelled("a.jpg", "rose", customer="acme"))

    (line,) = listed(rekognition, arn)
    assert kept == ("customer" in line)


@pytest.mark.parametrize(("value", "errors"), [("accept", 0), ("error", 1)])
def test_string_label(rekognition, emulator, value, errors):
    """The value of an image-level attribute as text, as Ground Truth writes it."""
    turn(emulator, string_label=value)
    arn = dataset(rekognition, labelled("a.jpg", "rose").replace('"sport0":1', '"sport0":"0"'))

    assert errors == describe(rekognition, arn)["DatasetStats"]["ErrorEntries"]


@pytest.mark.parametrize(("value", "errors"), [("accept", 0), ("error", 1)])
def test_multilabel_type(rekognition, emulator, value, errors):
    """The type that AWS's own conversion script leaves behind."""
    turn(emulator, multilabel_type=value)
    arn = dataset(
        rekognition, labelled("a.jpg", "rose").replace("classification", "classification-multilabel")
    )

    assert errors == describe(rekognition, arn)["DatasetStats"]["ErrorEntries"]


def test_multilabel_type_of_an_attribute_without_class_name(rekognition):
    """What Ground Truth itself writes is unsupported, whatever the switch says."""
    arn = dataset(rekognition, MULTI_LABEL)

    (line,) = listed(rekognition, arn)
    assert "ERROR_UNSUPPORTED_USE_CASE_TYPE" == line["tags-metadata"]["cl-errors"][0]["code"]


@pytest.mark.parametrize(("value", "kept"), [("accept", ["50.jpg", "51.jpg"]), ("drop", ["50.jpg"])])
def test_many_labels(rekognition, emulator, value, kept):
    """51 labels on one image are one more than the limits page allows."""
    turn(emulator, many_labels=value, invalid_base="off")
    lines = (labelled(f"{count}.jpg", *(f"label{i}" for i in range(count))) for count in (50, 51))
    arn = dataset(rekognition, *lines)

    assert kept == refs(listed(rekognition, arn))


@pytest.mark.parametrize(("value", "status"), [("accept", "UPDATE_COMPLETE"), ("error", "UPDATE_FAILED")])
def test_single_label(rekognition, emulator, value, status):
    """A single label, which no model can tell from others; on a box it can be found."""
    turn(emulator, single_label=value)
    arn = dataset(rekognition, labelled("a.jpg", "rose"))
    boxes = dataset(rekognition, boxed("a.jpg", ("rose", 1, 1, 20, 20)), kind="TEST")

    assert status == describe(rekognition, arn)["Status"]
    assert "UPDATE_COMPLETE" == describe(rekognition, boxes)["Status"]


@pytest.mark.parametrize(("value", "moved"), [("all", 4), ("labeled", 2)])
def test_distribute_base(rekognition, emulator, value, moved):
    """20 % of all 20 images, or of the 10 that are labelled."""
    turn(emulator, distribute_base=value)
    bare = [f'{{"source-ref":"s3://bucket/{i}.jpg"}}' for i in range(10)]
    train = dataset(rekognition, *bare, *(labelled(f"{i}.jpg", "rose") for i in range(10, 20)))
    test = dataset(rekognition, kind="TEST")
    rekognition.distribute_dataset_entries(Datasets=[{"Arn": train}, {"Arn": test}])

    assert (20 - moved, moved) == (len(listed(rekognition, train)), len(listed(rekognition, test)))
    if value == "labeled":
        assert all(line["cl-metadata"]["is_labeled"] for line in listed(rekognition, test))


@pytest.mark.parametrize(("value", "status"), [(2, "UPDATE_FAILED"), (1, "UPDATE_COMPLETE")])
def test_distribute_min_per_label(rekognition, emulator, value, status):
    """One image is too few for a label that two datasets need."""
    turn(emulator, distribute_min_per_label=value)
    train = dataset(rekognition, labelled("x.jpg", "rare"), *(labelled(f"{i}.jpg", "rose") for i in range(9)))
    test = dataset(rekognition, kind="TEST")
    rekognition.distribute_dataset_entries(Datasets=[{"Arn": train}, {"Arn": test}])

    assert {status} == {describe(rekognition, arn)["Status"] for arn in (train, test)}
    if status == "UPDATE_FAILED":
        assert (
            "The manifest file doesn't have enough labeled images to distribute the dataset."
            == describe(rekognition, train)["StatusMessage"]
        )


@pytest.mark.parametrize(
    ("value", "result"),
    [("fail", "CREATE_FAILED"), ("refuse", "InvalidParameterException"), ("accept", "CREATE_COMPLETE")],
)
def test_copy_of_failed(rekognition, emulator, s3, value, result):
    """A copy of a dataset whose manifest was no good."""
    turn(emulator, copy_of_failed=value)
    s3.create_bucket(Bucket="manifests")
    s3.put_object(Bucket="manifests", Key="bad.manifest", Body=b"bad")
    project = rekognition.create_project(ProjectName="p")["ProjectArn"]

    def create(kind: str, source: dict[str, Any]) -> str:
        made = rekognition.create_dataset(ProjectArn=project, DatasetType=kind, DatasetSource=source)
        return str(made["DatasetArn"])

    manifest = {"S3Object": {"Bucket": "manifests", "Name": "bad.manifest"}}
    failed = create("TRAIN", {"GroundTruthManifest": manifest})
    assert "CREATE_FAILED" == describe(rekognition, failed)["Status"]

    if value == "refuse":
        assert result == error_of(lambda: create("TEST", {"DatasetArn": failed}))
    else:
        assert result == describe(rekognition, create("TEST", {"DatasetArn": failed}))["Status"]


@pytest.mark.parametrize(("value", "status"), [("error", "UPDATE_FAILED"), ("accept", "UPDATE_COMPLETE")])
def test_several_buckets(rekognition, emulator, value, status):
    """Images of another bucket than the dataset's."""
    turn(emulator, several_buckets=value)
    arn = dataset(rekognition, labelled("a.jpg", "rose"))
    update(rekognition, arn, labelled("s3://another/b.jpg", "rose"))

    assert status == describe(rekognition, arn)["Status"]


def test_rewriting(rekognition, emulator):
    """Sorted keys, or floats for integers; the service's keys stay last."""
    sent = labelled("a.jpg", "rose", zebra=[1], ant=2)
    texts = {}
    arn = dataset(rekognition)
    for value in ("none", "sorted-keys", "floats"):
        turn(emulator, rewriting=value)
        update(rekognition, arn, sent)
        (texts[value],) = rekognition.list_dataset_entries(DatasetArn=arn)["DatasetEntries"]

    tail = ',"cl-metadata":{"is_labeled":true}}'
    assert sent[:-1] + tail == texts["none"]
    assert ["ant", "source-ref", "sport0", "sport0-metadata", "zebra", "cl-metadata"] == list(
        json.loads(texts["sorted-keys"])
    )
    assert texts["floats"].endswith('"zebra":[1.0],"ant":2.0' + tail)


@pytest.mark.parametrize("value", list(Rewriting))
def test_a_rewritten_line_can_be_sent_again_as_it_was_listed(rekognition, emulator, value):
    """List, edit, send is the documented way to change anything; the console does the same."""
    turn(emulator, rewriting=value)
    arn = dataset(rekognition, boxed("a.jpg", ("rose", 86, 1, 20, 20)), labelled("b.jpg", "rose", n=[1]))
    page = rekognition.list_dataset_entries(DatasetArn=arn)["DatasetEntries"]

    update(rekognition, arn, *page)
    assert page == rekognition.list_dataset_entries(DatasetArn=arn)["DatasetEntries"]
    emulator.console.move_box(arn, "s3://bucket/a.jpg", dx=3)

    assert 0 == describe(rekognition, arn)["DatasetStats"]["ErrorEntries"]


@pytest.mark.parametrize(("value", "answer"), [("absent", None), ("empty", "")])
def test_last_token(rekognition, emulator, value, answer):
    """How a listing says that it is over, in all three that have pages."""
    turn(emulator, last_token=value)
    arn = dataset(rekognition, labelled("a.jpg", "rose"))

    for page in (
        rekognition.list_dataset_entries(DatasetArn=arn),
        rekognition.list_dataset_labels(DatasetArn=arn),
        rekognition.describe_projects(),
    ):
        assert answer == page.get("NextToken")


@pytest.mark.parametrize(
    ("value", "status"),
    [("submission", "UPDATE_FAILED"), ("dataset", "UPDATE_COMPLETE"), ("off", "UPDATE_COMPLETE")],
)
def test_invalid_base(rekognition, emulator, value, status):
    """One bad line of two: too many of the update, few of the dataset."""
    arn = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(20)))
    turn(emulator, invalid_base=value)
    update(rekognition, arn, labelled("a.jpg", "rose"), "bad")

    assert status == describe(rekognition, arn)["Status"]


@pytest.mark.parametrize(("value", "status"), [("ignored", "UPDATE_COMPLETE"), ("counted", "UPDATE_FAILED")])
def test_missing_images(rekognition, emulator, s3, value, status):
    """Two of nine images that are not in S3 are too many; one in ten is not."""
    turn(emulator, missing_images=value)
    s3.create_bucket(Bucket="bucket")
    for i in range(9):
        s3.put_object(Bucket="bucket", Key=f"{i}.jpg", Body=b"jpg")
    one = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(10)))
    two = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(2, 11)), kind="TEST")

    assert ["UPDATE_COMPLETE", status] == [describe(rekognition, arn)["Status"] for arn in (one, two)]


def lagging(rekognition: Any, emulator: Emulator, **switches: Any) -> str:
    """A dataset of one line whose update, by two lines, takes 10 s and was just accepted."""
    arn = dataset(rekognition, labelled("a.jpg", "rose"))
    turn(emulator, **switches)
    emulator.settings = replace(emulator.settings, update_seconds=10)
    update(rekognition, arn, labelled("b.jpg", "lily"), labelled("c.jpg", "lily"))
    return arn


def test_stale_describe_ms(rekognition, emulator):
    """DescribeDataset answers as before; listings are busy already."""
    arn = dataset(rekognition)
    before = describe(rekognition, arn)
    turn(emulator, stale_describe_ms=2000)
    emulator.settings = replace(emulator.settings, update_seconds=10)
    update(rekognition, arn, labelled("a.jpg", "rose"))

    emulator.clock.advance(1.9)
    assert before == describe(rekognition, arn)
    assert "ResourceInUseException" == error_of(lambda: listed(rekognition, arn))
    emulator.clock.advance(0.2)
    assert "UPDATE_IN_PROGRESS" == describe(rekognition, arn)["Status"]
    emulator.clock.advance(8)
    assert 1 == describe(rekognition, arn)["DatasetStats"]["TotalEntries"]

    turn(emulator, stale_describe_ms=0)
    update(rekognition, arn, labelled("a.jpg", "rose"))
    assert "UPDATE_IN_PROGRESS" == describe(rekognition, arn)["Status"]


def test_late_effect_ms(rekognition, emulator):
    """Nothing shows the update but that a second is refused; then it runs for as long as it always does."""
    arn = lagging(rekognition, emulator, late_effect_ms=5000)

    emulator.clock.advance(4.9)
    assert "UPDATE_COMPLETE" == describe(rekognition, arn)["Status"]
    assert ["a.jpg"] == refs(listed(rekognition, arn))
    assert "ResourceInUseException" == error_of(lambda: update(rekognition, arn, labelled("d.jpg", "x")))
    emulator.clock.advance(0.2)
    assert "ResourceInUseException" == error_of(lambda: listed(rekognition, arn))
    emulator.clock.advance(9.8)
    assert "UPDATE_IN_PROGRESS" == describe(rekognition, arn)["Status"]
    emulator.clock.advance(0.2)
    assert ["a.jpg", "b.jpg", "c.jpg"] == refs(listed(rekognition, arn))


def test_listing_lag_ms(rekognition, emulator):
    """Both listings show what was, beyond UPDATE_COMPLETE, and the tokens of their pages end with the lag."""
    arn = lagging(rekognition, emulator, listing_lag_ms=3000)

    emulator.clock.advance(12.9)
    assert ("UPDATE_COMPLETE", 3) == (
        (described := describe(rekognition, arn))["Status"],
        described["DatasetStats"]["TotalEntries"],
    )
    assert ["a.jpg"] == refs(listed(rekognition, arn))
    assert ["rose"] == labels(rekognition, arn)
    emulator.clock.advance(0.2)
    assert ["a.jpg", "b.jpg", "c.jpg"] == refs(listed(rekognition, arn))
    assert ["lily", "rose"] == labels(rekognition, arn)

    update(rekognition, arn, labelled("d.jpg", "rose"))
    token = rekognition.list_dataset_entries(DatasetArn=arn, MaxResults=1)["NextToken"]
    emulator.clock.advance(14)
    assert "InvalidPaginationTokenException" == error_of(
        lambda: rekognition.list_dataset_entries(DatasetArn=arn, NextToken=token)
    )


def labels(rekognition: Any, arn: str) -> list[str]:
    found = rekognition.list_dataset_labels(DatasetArn=arn)["DatasetLabelDescriptions"]
    return [label["LabelName"] for label in found]


@pytest.mark.parametrize(("value", "total"), [(0, 1), (3, 4)])
def test_count_excess(rekognition, emulator, value, total):
    """TotalEntries counts more than can be listed."""
    turn(emulator, count_excess=value)
    arn = dataset(rekognition, labelled("a.jpg", "rose"))

    assert total == describe(rekognition, arn)["DatasetStats"]["TotalEntries"]
    assert 1 == len(listed(rekognition, arn))


@pytest.mark.parametrize(("limit", "size"), [(5_242_880, 5_242_880), (5_000_000, 5_000_000)])
def test_max_blob_bytes(rekognition, emulator, limit, size):
    """Up to the limit, and not one byte more."""
    turn(emulator, max_blob_bytes=limit, invalid_base="off")
    arn = dataset(rekognition)
    blob = labelled("a.jpg", "rose").encode() + b"\n"

    blob += b" " * (size - len(blob))
    rekognition.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": blob})
    assert "UPDATE_COMPLETE" == describe(rekognition, arn)["Status"]
    with pytest.raises(ClientError, match=f"Member must have length less than or equal to {limit}$"):
        rekognition.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": blob + b" "})


@pytest.mark.parametrize(("value", "errors"), [(256, 0), (255, 1)])
def test_max_label_chars(rekognition, emulator, value, errors):
    """The guide says 256, the API 255."""
    turn(emulator, max_label_chars=value)
    arn = dataset(rekognition, labelled("a.jpg", "x" * 256))

    assert errors == describe(rekognition, arn)["DatasetStats"]["ErrorEntries"]


@pytest.mark.parametrize("free", [False, True])
def test_slot_free_while_deleting(rekognition, emulator, free):
    """Whether a new TRAIN may be made while the old one goes."""
    turn(emulator, slot_free_while_deleting=free)
    arn = dataset(rekognition)
    emulator.settings = replace(emulator.settings, delete_seconds=60)
    rekognition.delete_dataset(DatasetArn=arn)

    assert "DELETE_IN_PROGRESS" == describe(rekognition, arn)["Status"]
    if free:
        assert arn != dataset(rekognition)
    else:
        assert "ResourceAlreadyExistsException" == error_of(lambda: dataset(rekognition))


@pytest.mark.parametrize("needed", [True, False])
def test_project_delete_needs_no_datasets(rekognition, emulator, needed):
    """Whether a project goes with its datasets or is held by them."""
    turn(emulator, project_delete_needs_no_datasets=needed)
    dataset(rekognition)
    project = rekognition.describe_projects()["ProjectDescriptions"][0]["ProjectArn"]

    if needed:
        assert "ResourceInUseException" == error_of(lambda: rekognition.delete_project(ProjectArn=project))
    else:
        assert "DELETING" == rekognition.delete_project(ProjectArn=project)["Status"]
        assert [] == rekognition.describe_projects()["ProjectDescriptions"]


def test_every_switch_has_a_test():
    """This file sets them all, but for those of trainings, which are tested beside these."""
    here, trainings = inspect.getsource(sys.modules[__name__]), inspect.getsource(test_versions)
    tested = [name for name in SWITCH_NAMES if f"{name}=" in here or f"def test_{name}(" in trainings]
    assert list(SWITCH_NAMES) == tested


def test_every_switch_is_documented_with_its_default_and_its_values():
    """The page has a row for each, the default first, and why it is the default."""
    page = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text("utf-8")
    table = page.partition("## Switches")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    documented = {name: re.findall("`(.+?)`", values) for name, values, _, _ in found}

    kinds = get_type_hints(Switches)
    assert list(SWITCH_NAMES) == [name.replace("-", "_") for name in documented]
    for name, values in documented.items():
        default = getattr(Switches(), name.replace("-", "_"))
        kind = kinds[name.replace("-", "_")]
        assert values[0] == (str(default).lower() if kind is bool else str(default))
        if issubclass(kind, StrEnum):
            assert set(kind) == set(values)


def test_an_unknown_switch_or_value_is_named():
    """So that a typing error does not pass for a setting."""
    with pytest.raises(ValueError, match="no such switch: flots"):
        Switches().with_changes({"flots": "round"})
    with pytest.raises(ValueError, match="one of accept, error, round"):
        Switches().with_changes({"floats": "rund"})
