"""Copies and versions of objects, against moto's S3: the same calls, the same answers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.builders import error_of, labelled, listed, refs
from tests.emulator.s3.test_front import outcome, outcomes, outcomes_of_moto

PART = b"0123456789" * 600_000


def filled(s3: Any) -> None:
    for bucket in ("shots", "kept"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(
            Bucket=bucket, Key="a ü+%.jpg", Body=b"one", ContentType="image/jpeg", Metadata={"by": "me"}
        )
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})


def version(c: Any, place: int, key: str = "v") -> str:
    """The id of a version of an object, 0 being the first; ids differ between services."""
    found = c.list_object_versions(Bucket="kept", Prefix=key)
    both = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
    made = sorted(both, key=lambda each: each["IsLatest"])
    return str(made[place]["VersionId"])


def marker(c: Any) -> str:
    (found,) = c.list_object_versions(Bucket="kept", Prefix="v")["DeleteMarkers"]
    return str(found["VersionId"])


def listed_versions(c: Any) -> list[Any]:
    found = c.list_object_versions(Bucket="kept")["Versions"]
    return [(each["Key"], each["IsLatest"], each["Size"], each["ETag"]) for each in found]


def copied(c: Any, **how: Any) -> list[Any]:
    place = {"Bucket": "shots", "Key": "b"}
    source = {"Bucket": "shots", "Key": "a ü+%.jpg"}
    return [c.copy_object(**place, **{"CopySource": source, **how}), c.get_object(**place)]


def copied_in_parts(c: Any) -> list[Any]:
    c.put_object(Bucket="shots", Key="large", Body=PART)
    place = {"Bucket": "shots", "Key": "joined"}
    number = c.create_multipart_upload(**place)["UploadId"]
    parts = [
        {"PartNumber": n, "ETag": c.upload_part_copy(
            **place, UploadId=number, PartNumber=n, CopySource="shots/large", CopySourceRange=which
        )["CopyPartResult"]["ETag"]}
        for n, which in ((1, "bytes=0-5999999"), (2, "bytes=7-10"))
    ]  # fmt: skip
    return [
        c.complete_multipart_upload(**place, UploadId=number, MultipartUpload={"Parts": parts}),
        c.get_object(**place),
    ]


SCRIPT: dict[str, Callable[[Any], Any]] = {
    "copy": copied,
    "copy from another bucket": lambda c: copied(c, CopySource="kept/a%20%C3%BC%2B%25.jpg"),
    "copy with other metadata": lambda c: copied(
        c, MetadataDirective="REPLACE", Metadata={"x": "y"}, ContentType="text/plain"
    ),
    "copy of nothing": lambda c: c.copy_object(Bucket="shots", Key="b", CopySource="shots/nothing"),
    "copy from no bucket": lambda c: c.copy_object(Bucket="shots", Key="b", CopySource="nothing/a"),
    "copy to no bucket": lambda c: c.copy_object(Bucket="nothing", Key="b", CopySource="shots/b"),
    "copy onto itself": lambda c: c.copy_object(Bucket="shots", Key="b", CopySource="shots/b"),
    "copy if it is the same": lambda c: copied(
        c, CopySourceIfMatch=c.head_object(Bucket="shots", Key="b")["ETag"]
    ),
    "a copy is independent": lambda c: [
        c.delete_object(Bucket="shots", Key="a ü+%.jpg"), c.get_object(Bucket="shots", Key="b")
    ],
    "copy in parts": copied_in_parts,
    "versioning": lambda c: [c.get_bucket_versioning(Bucket=name) for name in ("kept", "shots")],
    "two versions": lambda c: [
        c.put_object(Bucket="kept", Key="v", Body=b"1"),
        c.put_object(Bucket="kept", Key="v", Body=b"2"),
        c.get_object(Bucket="kept", Key="v"),
        c.get_object(Bucket="kept", Key="v", VersionId=version(c, 0)),
        c.head_object(Bucket="kept", Key="v", VersionId=version(c, 0)),
        listed_versions(c),
    ],
    "an object from before": lambda c: [
        c.put_object(Bucket="kept", Key="a ü+%.jpg", Body=b"two"),
        c.get_object(Bucket="kept", Key="a ü+%.jpg", VersionId="null"),
    ],
    "copy of a version": lambda c: [
        c.copy_object(
            Bucket="shots", Key="c", CopySource={"Bucket": "kept", "Key": "v", "VersionId": version(c, 0)}
        )["CopyObjectResult"],
        c.get_object(Bucket="shots", Key="c"),
    ],
    "deleted with versions": lambda c: [
        c.delete_object(Bucket="kept", Key="v"),
        c.list_objects_v2(Bucket="kept"),
        outcome(lambda: c.get_object(Bucket="kept", Key="v")),
        len(c.list_object_versions(Bucket="kept", Prefix="v")["DeleteMarkers"]),
    ],
    "the marker deleted": lambda c: [
        c.delete_object(Bucket="kept", Key="v", VersionId=marker(c)) and None,
        c.get_object(Bucket="kept", Key="v"),
    ],
    "the latest version deleted": lambda c: [
        c.delete_object(Bucket="kept", Key="v", VersionId=version(c, -1)), c.get_object(Bucket="kept", Key="v")
    ],
    "no such version": lambda c: c.get_object(Bucket="kept", Key="v", VersionId="0" * 32),
    "suspended": lambda c: [
        c.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Suspended"}),
        c.put_object(Bucket="kept", Key="s", Body=b"1"),
        c.put_object(Bucket="kept", Key="s", Body=b"2"),
        len(c.list_object_versions(Bucket="kept", Prefix="s")["Versions"]),
    ],
}  # fmt: skip


def test_copies_and_versions_are_as_in_moto(s3):
    """Bodies, types, metadata, ETags, errors; which version is the latest."""
    assert outcomes_of_moto(filled, SCRIPT) == outcomes(s3, filled, SCRIPT)


def test_a_manifest_is_taken_in_the_version_that_is_asked_for(rekognition, s3):
    """`Version` of the S3 object; one that does not exist is refused."""
    s3.create_bucket(Bucket="manifests")
    s3.put_bucket_versioning(Bucket="manifests", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="manifests", Key="m.manifest", Body=labelled("1.jpg", "rose"))["VersionId"]
    s3.put_object(Bucket="manifests", Key="m.manifest", Body=labelled("2.jpg", "rose"))
    project = rekognition.create_project(ProjectName="p")["ProjectArn"]

    def create(kind: str, **chosen: str) -> str:
        place = {"Bucket": "manifests", "Name": "m.manifest", **chosen}
        source = {"GroundTruthManifest": {"S3Object": place}}
        made = rekognition.create_dataset(ProjectArn=project, DatasetType=kind, DatasetSource=source)
        return str(made["DatasetArn"])

    assert ["1.jpg"] == refs(listed(rekognition, create("TRAIN", Version=first)))
    assert ["2.jpg"] == refs(listed(rekognition, create("TEST")))
    rekognition.delete_dataset(
        DatasetArn=rekognition.describe_projects()["ProjectDescriptions"][0]["Datasets"][0]["DatasetArn"]
    )
    assert "InvalidS3ObjectException" == error_of(lambda: create("TRAIN", Version="0" * 32))


def test_preconditions_of_a_copy_and_the_end_of_a_marker_are_as_documented(s3):
    """Where moto does not look: API reference of CopyObject and DeleteObject."""
    filled(s3)
    assert "PreconditionFailed" == error_of(lambda: copied(s3, CopySourceIfMatch='"0"'))
    assert "PreconditionFailed" == error_of(lambda: copied(s3, CopySourceIfNoneMatch="*"))
    s3.put_object(Bucket="kept", Key="v", Body=b"1")
    made = s3.delete_object(Bucket="kept", Key="v")
    gone = s3.delete_object(Bucket="kept", Key="v", VersionId=made["VersionId"])
    assert (True, True, made["VersionId"]) == (made["DeleteMarker"], gone["DeleteMarker"], gone["VersionId"])


def test_a_copy_costs_no_space(s3, emulator):
    """The body is stored once, until the last object that has it is gone."""
    s3.create_bucket(Bucket="shots")
    s3.put_object(Bucket="shots", Key="a", Body=PART)
    for number in range(5):
        s3.copy_object(Bucket="shots", Key=f"b{number}", CopySource="shots/a")
    s3.delete_object(Bucket="shots", Key="a")

    assert 6 == emulator._context.store.one("SELECT count(*) n FROM chunks")["n"]
    assert PART == s3.get_object(Bucket="shots", Key="b4")["Body"].read()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("aws") is None, reason="there is no AWS CLI")
def test_the_command_line_moves_objects(rekognition_env, s3, tmp_path):
    """`aws s3 mv` of small and large objects, the latter in parts."""
    s3.create_bucket(Bucket="shots")
    for name, size in (("small", 10), ("large", 20_000_000)):
        (tmp_path / name).write_bytes(b"x" * size)
        for command in (
            ["cp", tmp_path / name, f"s3://shots/{name}"],
            ["mv", f"s3://shots/{name}", f"s3://shots/n/{name}"],
        ):
            done = subprocess.run(["aws", "s3", *command], capture_output=True, text=True, timeout=120)
            assert 0 == done.returncode, done.stderr

    found = {each["Key"]: each["Size"] for each in s3.list_objects_v2(Bucket="shots")["Contents"]}
    assert {"n/large": 20_000_000, "n/small": 10} == found
