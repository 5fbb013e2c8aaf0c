"""Manifests from another S3: here that of a second emulator, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.emulator.behaviour.settings import ManualClock
from reconciler.emulator.s3 import copies
from reconciler.emulator.server import Emulator, serve
from reconciler.emulator.testing import client
from tests.emulator.builders import error_of, labelled, listed, refs


@pytest.fixture
def reading(rekognition_env: Any) -> Iterator[Any]:
    """A client of an emulator that reads manifests from the emulator of `rekognition_env`."""
    copies._client.cache_clear()
    emulator = Emulator(clock=ManualClock(), s3_endpoint=rekognition_env.url)
    with serve(emulator) as running:
        yield client(running)
    emulator.close()


def create(reading: Any, **place: str) -> str:
    found = reading.describe_projects()["ProjectDescriptions"]
    project = found[0]["ProjectArn"] if found else reading.create_project(ProjectName="p")["ProjectArn"]
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": "m.manifest", **place}}}
    made = reading.create_dataset(
        ProjectArn=project, DatasetType="TEST" if place else "TRAIN", DatasetSource=source
    )
    return str(made["DatasetArn"])


def test_a_manifest_is_read_from_the_other_s3_as_it_is_at_the_call(reading, s3):
    """And in the version that the call names."""
    s3.create_bucket(Bucket="manifests")
    s3.put_bucket_versioning(Bucket="manifests", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="manifests", Key="m.manifest", Body=labelled("1.jpg", "rose"))["VersionId"]
    s3.put_object(Bucket="manifests", Key="m.manifest", Body=labelled("2.jpg", "rose"))

    assert ["2.jpg"] == refs(listed(reading, create(reading)))
    assert ["1.jpg"] == refs(listed(reading, create(reading, Version=first)))


def test_what_the_other_s3_does_not_have_is_refused(reading, s3):
    """A missing bucket, a missing object, and one that was there before."""
    assert "InvalidS3ObjectException" == error_of(lambda: create(reading))
    s3.create_bucket(Bucket="manifests")
    assert "InvalidS3ObjectException" == error_of(lambda: create(reading))
    s3.put_object(Bucket="manifests", Key="m.manifest", Body=labelled("1.jpg", "rose"))
    reading.delete_dataset(DatasetArn=create(reading))
    s3.delete_object(Bucket="manifests", Key="m.manifest")
    assert "InvalidS3ObjectException" == error_of(lambda: create(reading))


def test_an_s3_that_does_not_answer_is_refused(s3):
    """Not a failure of the emulator."""
    copies._client.cache_clear()
    emulator = Emulator(s3_endpoint="http://127.0.0.1:9")
    with serve(emulator) as running:
        assert "InvalidS3ObjectException" == error_of(lambda: create(client(running)))
    emulator.close()
