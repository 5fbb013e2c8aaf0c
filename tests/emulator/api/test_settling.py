"""Nobody waits for another's work: what takes long is done in slices, beside the requests of others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.emulator.api import finishing, settling
from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.server import Emulator, serve
from reconciler.emulator.storage import contents
from reconciler.emulator.testing import client
from tests.emulator.builders import dataset, describe, error_of, labelled, listed, refs, update
from tests.waiting import until

OTHER = "222233334444"


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every import and copy for one that takes long."""
    monkeypatch.setattr(settling, "_QUICK_BYTES", 0)
    monkeypatch.setattr(settling, "_QUICK_ENTRIES", 0)


@pytest.fixture
def halted(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Halt long work after its first slice, until the event is set."""
    go = threading.Event()

    def after_first_slice(slices: Callable[..., Iterator[None]]) -> Callable[..., Iterator[None]]:
        def run(*args: Any) -> Iterator[None]:
            for number, _ in enumerate(slices(*args)):
                if number == 0:
                    assert go.wait(30)
                yield

        return run

    monkeypatch.setattr(contents, "SLICE", 2)
    monkeypatch.setattr(contents, "fill", after_first_slice(contents.fill))
    monkeypatch.setattr(contents, "copy", after_first_slice(contents.copy))
    yield go
    go.set()


def importing(emulator: Any, rekognition: Any, s3: Any, *lines: str) -> str:
    """Start the import of a manifest, which is due at once."""
    s3.create_bucket(Bucket="manifests")
    s3.put_object(Bucket="manifests", Key="a.manifest", Body="\n".join(lines))
    project = rekognition.create_project(ProjectName="large")["ProjectArn"]
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": "a.manifest"}}}
    emulator.settings = replace(emulator.settings, create_seconds=60)
    arn: str = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)[
        "DatasetArn"
    ]
    emulator.settings = replace(emulator.settings, create_seconds=0)
    emulator.clock.advance(60)
    return arn


LINES = [labelled(f"{i}.jpg", "rose") for i in range(10)]


@pytest.mark.usefixtures("long")
def test_others_read_and_write_while_a_manifest_is_imported(
    emulator, rekognition_emulator, rekognition, s3, halted
):
    """Another account, and another project of the same account; the import is in the middle all the while."""
    arn = importing(emulator, rekognition, s3, *LINES)
    assert "CREATE_IN_PROGRESS" == describe(rekognition, arn)["Status"]

    for bystander in (client(rekognition_emulator, access_key=OTHER), rekognition):
        mine = dataset(bystander, labelled("a.jpg", "rose"))
        update(bystander, mine, labelled("b.jpg", "rose"))
        assert ["a.jpg", "b.jpg"] == refs(listed(bystander, mine))

    described = describe(rekognition, arn)
    assert ("CREATE_IN_PROGRESS", 0) == (described["Status"], described["DatasetStats"]["TotalEntries"])
    halted.set()
    until(lambda: describe(rekognition, arn)["Status"] == "CREATE_COMPLETE")
    assert 10 == len(listed(rekognition, arn))


@pytest.mark.usefixtures("long")
def test_a_call_waits_for_what_it_has_started_itself(emulator, rekognition, s3):
    """With operations of 0 seconds, the effect is there when the call is answered, however large."""
    s3.create_bucket(Bucket="manifests")
    s3.put_object(Bucket="manifests", Key="a.manifest", Body="\n".join(LINES))
    project = rekognition.create_project(ProjectName="large")["ProjectArn"]
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": "a.manifest"}}}

    arn = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)[
        "DatasetArn"
    ]

    assert "CREATE_COMPLETE" == describe(rekognition, arn)["Status"]


@pytest.mark.usefixtures("long")
def test_a_copy_is_of_one_moment_though_its_source_changes(emulator, rekognition, halted):
    """What was copied before the change is thrown away."""
    source = dataset(rekognition, *LINES)
    project = rekognition.create_project(ProjectName="copy")["ProjectArn"]
    emulator.settings = replace(emulator.settings, create_seconds=60)
    arn = rekognition.create_dataset(
        ProjectArn=project, DatasetType="TRAIN", DatasetSource={"DatasetArn": source}
    )["DatasetArn"]
    emulator.clock.advance(60)
    assert "CREATE_IN_PROGRESS" == describe(rekognition, arn)["Status"]

    update(rekognition, source, labelled("0.jpg", "lily"), labelled("9.jpg", "lily"))
    halted.set()
    until(lambda: describe(rekognition, arn)["Status"] == "CREATE_COMPLETE")

    assert listed(rekognition, source) == listed(rekognition, arn)
    assert ["0.jpg", "9.jpg"] == refs(listed(rekognition, arn, ContainsLabels=["lily"]))


def test_what_was_deleted_leaves_no_rows(emulator, rekognition):
    """The space of a deleted dataset is freed, but not while somebody waits for the deletion."""
    arn = dataset(rekognition, *LINES)
    rekognition.delete_dataset(DatasetArn=arn)
    assert "ResourceNotFoundException" == error_of(lambda: rekognition.describe_dataset(DatasetArn=arn))

    store = emulator._context.store
    tables = ("entries", "labels", "entry_labels", "contents", "bodies", "pieces", "chunks")
    rows = " UNION ALL ".join(f"SELECT 1 FROM {table}" for table in tables)  # noqa: S608
    until(lambda: store.one(rows) is None)


@pytest.mark.usefixtures("long")
def test_an_import_that_was_interrupted_is_begun_again_by_the_next_process(tmp_path, halted):
    """And the half that was there is freed."""
    emulator = Emulator(tmp_path, clock=ManualClock(2e9))
    with serve(emulator) as server:
        arn = importing(emulator, client(server), client(server, "s3"), *LINES)
        assert "CREATE_IN_PROGRESS" == describe(client(server), arn)["Status"]
        until(lambda: emulator._context.store.one("SELECT 1 FROM entries"))
        closing = threading.Thread(target=emulator.close)
        closing.start()
        until(emulator._settler._closing.is_set)
        halted.set()
        closing.join()

    again = Emulator(tmp_path, clock=ManualClock(2.1e9))
    with serve(again) as server:
        until(lambda: describe(client(server), arn)["Status"] == "CREATE_COMPLETE")
        assert 10 == len(listed(client(server), arn))
        until(lambda: again._context.store.one("SELECT count(*) n FROM entries")["n"] == 10)
    again.close()


def test_what_is_deleted_in_s3_leaves_no_rows(s3, emulator):
    """Nobody has to call Rekognition for it."""
    s3.create_bucket(Bucket="images")
    s3.put_object(Bucket="images", Key="a", Body=b"x")
    s3.put_object(Bucket="images", Key="a", Body=b"y")
    s3.delete_object(Bucket="images", Key="a")

    until(lambda: emulator._context.store.one("SELECT 1 FROM chunks UNION ALL SELECT 1 FROM bodies") is None)


def test_an_operation_that_another_process_finished_is_not_applied_again(emulator, rekognition):
    """What was prepared for it is dropped."""
    arn = dataset(rekognition)
    emulator.settings = replace(emulator.settings, update_seconds=60)
    update(rekognition, arn, labelled("a.jpg", "rose"))
    emulator.clock.advance(60)
    context = emulator._context
    (op,) = finishing.lifecycle.due(context)
    late = finishing.steps(context, op)

    update_seen = describe(rekognition, arn)
    emulator.console.remove_image(arn, "s3://bucket/a.jpg")
    assert [] == list(late)

    assert ("UPDATE_COMPLETE", []) == (update_seen["Status"], listed(rekognition, arn))
