"""The S3 subset, against moto's S3: the same calls, the same answers."""

from __future__ import annotations

import io
import json
import socket
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError

from reconciler.emulator.http import Answer, Request
from tests.emulator.builders import SIGNED, describe, labelled
from tests.waiting import until

KEYS = [
    "a/1.jpg",
    "a/2.jpg",
    "a/b/3.jpg",
    "c+d e.jpg",
    "naïve/ü.jpg",
    "z%41.jpg",
    "é.manifest",
    "\U0001f33a.png",
]


class Unseekable(io.RawIOBase):
    """A body whose length is not known beforehand."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._inner.readinto(buffer)


def filled(s3: Any) -> None:
    s3.create_bucket(Bucket="shots")
    for key in KEYS:
        s3.put_object(Bucket="shots", Key=key, Body=key.encode())


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, without what may differ between two honest services."""
    try:
        answer = call()
    except ClientError as exc:
        return exc.response["Error"]["Code"], exc.response["ResponseMetadata"]["HTTPStatusCode"]
    return cleaned(answer)


def outcomes(
    s3: Any, fill: Callable[[Any], None], script: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    """Fill the buckets and make every call of a script; return what each gives."""
    fill(s3)
    return {name: outcome(lambda call=call: call(s3)) for name, call in script.items()}


def outcomes_of_moto(
    fill: Callable[[Any], None], script: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    with moto.mock_aws():
        reference = boto3.session.Session().client(
            "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
        )
        return outcomes(reference, fill, script)


def cleaned(value: Any) -> Any:
    volatile = {"ResponseMetadata", "LastModified", "Owner", "Location", "NextContinuationToken",
                "ContinuationToken", "CreationDate", "RequestCharged", "ServerSideEncryption",
                "ChecksumType", "ChecksumCRC32", "ChecksumAlgorithm", "BucketRegion", "BucketArn",
                "AccessPointAlias", "StorageClass", "StartAfter", "Marker", "UploadId", "VersionId"}  # fmt: skip
    match value:
        case dict():
            return {k: cleaned(v) for k, v in value.items() if k not in volatile}
        case list():
            return [cleaned(item) for item in value]
        case _ if hasattr(value, "read"):
            return value.read()
        case _:
            return value


PART = b"x" * 5 * 1024 * 1024 + b"behind"


def upload(c: Any, *numbers: int, body: bytes = PART, **changed: Any) -> Any:
    """Send parts of these numbers and complete them, with what *changed* says instead."""
    place = {"Bucket": "shots", "Key": "parts/ü&"}
    number = c.create_multipart_upload(**place, ContentType="text/plain", Metadata={"by": "me"})["UploadId"]
    parts = [
        {
            "PartNumber": n,
            "ETag": c.upload_part(**place, UploadId=number, PartNumber=n, Body=body[n:])["ETag"],
        }
        for n in numbers
    ]
    whole = {"UploadId": number, "MultipartUpload": {"Parts": parts}, **changed}
    return [c.complete_multipart_upload(**place, **whole), c.get_object(**place), c.head_object(**place)]


def upload_and_abort(c: Any) -> Any:
    place = {"Bucket": "shots", "Key": "aborted"}
    place["UploadId"] = c.create_multipart_upload(**place)["UploadId"]
    c.upload_part(**place, PartNumber=1, Body=b"x")
    return [c.abort_multipart_upload(**place), c.list_objects_v2(Bucket="shots", Prefix="aborted")]


def etag(s3: Any, key: str) -> str:
    return str(s3.head_object(Bucket="shots", Key=key)["ETag"])


SCRIPT: dict[str, Callable[[Any], Any]] = {
    "get": lambda c: c.get_object(Bucket="shots", Key="a/1.jpg"),
    "head": lambda c: c.head_object(Bucket="shots", Key="naïve/ü.jpg"),
    "get percent": lambda c: c.get_object(Bucket="shots", Key="z%41.jpg"),
    "get plus and space": lambda c: c.get_object(Bucket="shots", Key="c+d e.jpg"),
    "get missing": lambda c: c.get_object(Bucket="shots", Key="nope"),
    "head missing": lambda c: c.head_object(Bucket="shots", Key="nope"),
    "get from missing bucket": lambda c: c.get_object(Bucket="nothing", Key="a"),
    "put to missing bucket": lambda c: c.put_object(Bucket="nothing", Key="a", Body=b""),
    "range": lambda c: c.get_object(Bucket="shots", Key="a/1.jpg", Range="bytes=2-3"),
    "range to the end": lambda c: c.get_object(Bucket="shots", Key="a/1.jpg", Range="bytes=4-"),
    "range from the end": lambda c: c.get_object(Bucket="shots", Key="a/1.jpg", Range="bytes=-3"),
    "range beyond the end": lambda c: c.get_object(Bucket="shots", Key="a/1.jpg", Range="bytes=1-99"),
    "range of no end": lambda c: c.get_object(Bucket="shots", Key="a/1.jpg", Range="bytes=-0"),
    "range backwards": lambda c: c.get_object(Bucket="shots", Key="a/1.jpg", Range="bytes=5-2"),
    "range in head": lambda c: c.head_object(Bucket="shots", Key="a/1.jpg", Range="bytes=1-2"),
    "range behind the end in head": lambda c: c.head_object(Bucket="shots", Key="a/1.jpg", Range="bytes=99-"),
    "range behind the end": lambda c: c.get_object(Bucket="shots", Key="a/1.jpg", Range="bytes=99-"),
    "list": lambda c: c.list_objects_v2(Bucket="shots"),
    "list prefix": lambda c: c.list_objects_v2(Bucket="shots", Prefix="a/"),
    "list delimiter": lambda c: c.list_objects_v2(Bucket="shots", Delimiter="/"),
    "list prefix and delimiter": lambda c: c.list_objects_v2(Bucket="shots", Prefix="a/", Delimiter="/"),
    "list after": lambda c: c.list_objects_v2(Bucket="shots", StartAfter="a/2.jpg"),
    "list nothing": lambda c: c.list_objects_v2(Bucket="shots", Prefix="q"),
    "list first page": lambda c: c.list_objects_v2(Bucket="shots", MaxKeys=3),
    "list a page of nothing": lambda c: c.list_objects_v2(Bucket="shots", MaxKeys=0),
    "list with an empty token": lambda c: c.list_objects_v2(Bucket="shots", ContinuationToken=""),
    "list by a long delimiter": lambda c: c.list_objects_v2(Bucket="shots", Delimiter="/b"),
    "list by no delimiter": lambda c: c.list_objects_v2(Bucket="shots", Delimiter=""),
    "list strange prefix": lambda c: c.list_objects_v2(Bucket="shots", Prefix="naï", Delimiter="/"),
    "list percent": lambda c: c.list_objects_v2(Bucket="shots", Prefix="z%"),
    "list missing bucket": lambda c: c.list_objects_v2(Bucket="nothing"),
    "list v1": lambda c: c.list_objects(Bucket="shots", Prefix="a/"),
    "delete": lambda c: c.delete_object(Bucket="shots", Key="a/1.jpg"),
    "delete again": lambda c: c.delete_object(Bucket="shots", Key="a/1.jpg"),
    "get deleted": lambda c: c.get_object(Bucket="shots", Key="a/1.jpg"),
    "delete full bucket": lambda c: c.delete_bucket(Bucket="shots"),
    "delete from missing bucket": lambda c: c.delete_object(Bucket="nothing", Key="a"),
    "delete missing bucket": lambda c: c.delete_bucket(Bucket="nothing"),
    "create again": lambda c: c.create_bucket(Bucket="shots"),
    "bad bucket name": lambda c: c.create_bucket(Bucket="x"),
    "head bucket": lambda c: c.head_bucket(Bucket="shots"),
    "head missing bucket": lambda c: c.head_bucket(Bucket="nothing"),
    "location": lambda c: c.get_bucket_location(Bucket="shots"),
    "metadata": lambda c: [
        c.put_object(Bucket="shots", Key="m", Body=b"x", Metadata={"by": "me"}, ContentType="text/plain"),
        c.head_object(Bucket="shots", Key="m"),
    ],
    "empty object": lambda c: [
        c.put_object(Bucket="shots", Key="empty", Body=b""),
        c.get_object(Bucket="shots", Key="empty"),
    ],
    "streamed upload": lambda c: [
        c.upload_fileobj(Unseekable(b"x" * 100_000), "shots", "big"),
        c.get_object(Bucket="shots", Key="big"),
    ],
    "put over": lambda c: [
        c.put_object(Bucket="shots", Key="twice", Body=b"x"),
        c.put_object(Bucket="shots", Key="twice", Body=b"yy"),
        c.get_object(Bucket="shots", Key="twice"),
    ],
    "slashes and dots": lambda c: [
        c.put_object(Bucket="shots", Key="//x/../y", Body=b"x"),
        c.get_object(Bucket="shots", Key="//x/../y"),
        c.list_objects_v2(Bucket="shots", Prefix="/"),
    ],
    "put only if new": lambda c: c.put_object(Bucket="shots", Key="a/2.jpg", Body=b"", IfNoneMatch="*"),
    "put if new": lambda c: c.put_object(Bucket="shots", Key="new", Body=b"x", IfNoneMatch="*"),
    "put only if same": lambda c: c.put_object(Bucket="shots", Key="a/2.jpg", Body=b"", IfMatch='"0"'),
    "get only if same": lambda c: c.get_object(Bucket="shots", Key="a/2.jpg", IfMatch='"0"'),
    "get if same": lambda c: c.get_object(Bucket="shots", Key="a/2.jpg", IfMatch=etag(c, "a/2.jpg")),
    "get only if other": lambda c: c.get_object(
        Bucket="shots", Key="a/2.jpg", IfNoneMatch=etag(c, "a/2.jpg")
    ),
    "head only if other": lambda c: c.head_object(
        Bucket="shots", Key="a/2.jpg", IfNoneMatch=etag(c, "a/2.jpg")
    ),
    "upload in parts": lambda c: upload(c, 1),
    "upload in many parts": lambda c: [upload(c, 2), upload(c, 1, 6)],
    "upload of small parts": lambda c: upload(c, 1, 2, body=b"abc"),
    "upload of no parts": lambda c: upload(c),
    "upload of a part that is not there": lambda c: upload(
        c, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
    ),
    "upload to missing bucket": lambda c: c.create_multipart_upload(Bucket="nothing", Key="a"),
    "upload that is aborted": upload_and_abort,
    "upload is no object before its end": lambda c: [
        c.create_multipart_upload(Bucket="shots", Key="half"),
        c.list_objects_v2(Bucket="shots", Prefix="half"),
    ][1],
    "delete several": lambda c: [
        c.delete_objects(Bucket="shots", Delete={"Objects": [{"Key": k} for k in ("z%41.jpg", "<&>", "no")]}),
        c.list_objects_v2(Bucket="shots"),
    ],
    "delete several from missing bucket": lambda c: c.delete_objects(
        Bucket="nothing", Delete={"Objects": [{"Key": "a"}]}
    ),
    "buckets": lambda c: c.list_buckets(),
}  # fmt: skip


def test_the_same_script_gives_the_same_answers_as_moto(s3):
    """Bodies, errors, statuses, listings: whatever does not change from one run to the next."""
    assert outcomes_of_moto(filled, SCRIPT) == outcomes(s3, filled, SCRIPT)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_of_any_size_show_every_key_once(s3, size, delimiter):
    """A prefix that was rolled up on one page does not come again on the next."""
    filled(s3)
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="shots", Delimiter=delimiter, PaginationConfig={"PageSize": size}
    )

    seen = [
        name
        for page in pages
        for name in [o["Key"] for o in page.get("Contents", ())]
        + [p["Prefix"] for p in page.get("CommonPrefixes", ())]
    ]
    rolled = {key.split("/")[0] + "/" if "/" in key else key for key in KEYS}

    assert sorted(rolled if delimiter else KEYS) == sorted(seen)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_needs_no_credentials_and_runs_out(rekognition_emulator, s3, emulator, version):
    """Both kinds of presigning that botocore knows."""
    from reconciler.emulator.testing import client

    filled(s3)
    signer = client(rekognition_emulator, "s3", signature_version=version)
    url = signer.generate_presigned_url("get_object", {"Bucket": "shots", "Key": "a/1.jpg"}, ExpiresIn=60)

    with urllib.request.urlopen(url) as answer:  # noqa: S310
        assert b"a/1.jpg" == answer.read()
    emulator.clock.advance(10 * 365 * 86_400)
    with pytest.raises(urllib.error.HTTPError) as error, urllib.request.urlopen(url):  # noqa: S310
        pass
    error.value.close()
    assert 403 == error.value.code


def test_what_was_rolled_up_before_the_start_does_not_come_again(s3):
    """A common prefix is listed only if it lies behind StartAfter."""
    filled(s3)
    page = s3.list_objects_v2(Bucket="shots", Delimiter="/", StartAfter="a/", MaxKeys=1)

    assert ["c+d e.jpg"] == [o["Key"] for o in page["Contents"]]


CHUNKS = b"4;chunk-signature=0\r\nWiki\r\nC\r\npedia in\r\n\r\n\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"


def put_streamed(url: str, body: bytes, length: int) -> int:
    """Put an object as clients do over TLS: in signed or unsigned chunks, a checksum behind them."""
    request = urllib.request.Request(  # noqa: S310
        f"{url}/shots/streamed",
        body,
        {
            "Authorization": SIGNED.replace("/rekognition/", "/s3/"),
            "X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "Content-Encoding": "aws-chunked",
            "X-Amz-Decoded-Content-Length": str(length),
        },
        method="PUT",
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code


def test_chunks_are_put_together_and_their_trailer_is_not_data(rekognition_emulator, s3):
    """Line ends within the data are data."""
    s3.create_bucket(Bucket="shots")

    assert 200 == put_streamed(rekognition_emulator.url, CHUNKS, 16)
    assert b"Wikipedia in\r\n\r\n" == s3.get_object(Bucket="shots", Key="streamed")["Body"].read()


@pytest.mark.parametrize(
    "body", [CHUNKS[:30], CHUNKS.replace(b"C\r", b"D\r"), b"zz\r\n", b"-4\r\nWiki\r\n0\r\n\r\n", b""]
)
def test_chunks_that_do_not_fit_are_refused(rekognition_emulator, s3, body):
    """And nothing is stored."""
    s3.create_bucket(Bucket="shots")

    assert 400 == put_streamed(rekognition_emulator.url, body, 16)
    assert 0 == s3.list_objects_v2(Bucket="shots")["KeyCount"]


def test_an_upload_that_breaks_off_leaves_nothing(rekognition_emulator, s3):
    """The client is gone before its body was whole, whichever way it told how long it would be."""
    s3.create_bucket(Bucket="shots")
    signed = SIGNED.replace("/rekognition/", "/s3/")
    for framing, part in (("Content-Length: 1000", "x" * 300), ("Transfer-Encoding: chunked", "2\r\nxx\r\n")):
        head = f"PUT /shots/half HTTP/1.1\r\nHost: x\r\nAuthorization: {signed}\r\n{framing}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", rekognition_emulator.port), timeout=5) as connection:
            connection.sendall(f"{head}{part}".encode())
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1000)

    assert 0 == s3.list_objects_v2(Bucket="shots")["KeyCount"]


def test_an_unsigned_request_is_denied(rekognition_emulator, s3):
    """The bucket is nobody else's to read."""
    filled(s3)
    with (
        pytest.raises(urllib.error.HTTPError) as error,
        urllib.request.urlopen(f"{rekognition_emulator.url}/shots/a/1.jpg"),  # noqa: S310
    ):
        pass
    error.value.close()
    assert 403 == error.value.code


def test_a_bucket_of_another_account_is_denied(rekognition_emulator, s3):
    """Bucket names are everybody's, their content is not."""
    from reconciler.emulator.testing import client

    filled(s3)
    stranger = client(rekognition_emulator, "s3", access_key="999988887777")
    assert ("AccessDenied", 403) == outcome(lambda: stranger.get_object(Bucket="shots", Key="a/1.jpg"))
    assert ("BucketAlreadyExists", 409) == outcome(lambda: stranger.create_bucket(Bucket="shots"))


def test_a_bucket_may_stand_in_the_host_name(rekognition_emulator, s3):
    """Virtual-host addressing, as clients do for endpoints that are names."""
    filled(s3)
    request = urllib.request.Request(  # noqa: S310
        f"{rekognition_emulator.url}/a/1.jpg",
        headers={
            "Host": f"shots.localhost:{rekognition_emulator.port}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request,"
            " SignedHeaders=host, Signature=0",
        },
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert b"a/1.jpg" == answer.read()


def test_a_dataset_is_made_from_a_manifest_in_s3(rekognition, s3):
    """And says so in the words of the official example."""
    s3.create_bucket(Bucket="manifests")
    lines = [labelled(f"{i}.jpg", "rose") for i in range(120)]
    s3.put_object(Bucket="manifests", Key="in/train.manifest", Body="\n".join(lines).encode())
    project = rekognition.create_project(ProjectName="flowers")["ProjectArn"]
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": "in/train.manifest"}}}

    arn = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)[
        "DatasetArn"
    ]

    described = rekognition.describe_dataset(DatasetArn=arn)["DatasetDescription"]
    assert ("CREATE_COMPLETE", "The dataset was successfully created from the manifest file.", 120) == (
        described["Status"],
        described["StatusMessage"],
        described["DatasetStats"]["TotalEntries"],
    )
    page = rekognition.list_dataset_entries(DatasetArn=arn)
    assert lines[:100] == [
        json.dumps({k: v for k, v in json.loads(x).items() if k != "cl-metadata"}, separators=(",", ":"))
        for x in page["DatasetEntries"]
    ]


@pytest.mark.parametrize(
    ("name", "body", "status", "message"),
    [
        ("train", "{}", "CREATE_FAILED", "The manifest file extension or contents are invalid."),
        ("a.manifest", "", "CREATE_FAILED", "The manifest file is empty."),
        ("a.manifest", "{}\n{}", "CREATE_FAILED", "The manifest file has too many terminal errors."),
    ],
)
def test_a_bad_manifest_fails_the_dataset_later(rekognition, s3, name, body, status, message):
    """The call succeeds; the status tells."""
    s3.create_bucket(Bucket="manifests")
    s3.put_object(Bucket="manifests", Key=name, Body=body.encode())
    project = rekognition.create_project(ProjectName="flowers")["ProjectArn"]
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": name}}}
    arn = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)[
        "DatasetArn"
    ]

    described = rekognition.describe_dataset(DatasetArn=arn)["DatasetDescription"]

    assert (status, message) == (described["Status"], described["StatusMessage"])


def test_a_missing_manifest_is_refused_at_once(rekognition, s3):
    """InvalidS3ObjectException, and no dataset is made."""
    project = rekognition.create_project(ProjectName="flowers")["ProjectArn"]
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": "a.manifest"}}}

    with pytest.raises(rekognition.exceptions.InvalidS3ObjectException):
        rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)

    assert [] == rekognition.describe_projects()["ProjectDescriptions"][0]["Datasets"]


def test_a_listing_without_url_encoding_holds_strange_keys(rekognition_emulator, s3):
    """Control characters cannot stand in XML 1.0; the listing stays well-formed all the same."""
    s3.create_bucket(Bucket="shots")
    s3.put_object(Bucket="shots", Key="a\x01<&>.jpg", Body=b"")

    assert ["a\x01<&>.jpg"] == [o["Key"] for o in s3.list_objects_v2(Bucket="shots")["Contents"]]


def test_a_manifest_of_any_size_is_uploaded_and_imported(rekognition, s3, emulator, tmp_path):
    """As `aws s3 cp` does it: files of 8 MB and more go in parts. The import does not hold it in memory whole."""
    emulator.settings = replace(emulator.settings, create_seconds=60)
    manifest = tmp_path / "train.manifest"
    lines = [labelled(f"{i}.jpg", "rose", pad="x" * 90_000) for i in range(100)]
    manifest.write_text("\n".join(lines))
    s3.create_bucket(Bucket="manifests")

    s3.upload_file(str(manifest), "manifests", "train.manifest")

    s3.download_file("manifests", "train.manifest", str(tmp_path / "again"))
    assert manifest.read_bytes() == (tmp_path / "again").read_bytes()
    project = rekognition.create_project(ProjectName="flowers")["ProjectArn"]
    source = {"GroundTruthManifest": {"S3Object": {"Bucket": "manifests", "Name": "train.manifest"}}}
    arn = rekognition.create_dataset(ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)[
        "DatasetArn"
    ]
    emulator.clock.advance(60)
    tracemalloc.start()
    until(lambda: describe(rekognition, arn)["Status"] == "CREATE_COMPLETE")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 100 == describe(rekognition, arn)["DatasetStats"]["TotalEntries"]
    assert peak_bytes < manifest.stat().st_size / 2


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.delete_public_access_block(Bucket="shots"),
        lambda c: c.put_object_legal_hold(Bucket="shots", Key="kept", LegalHold={"Status": "ON"}),
        lambda c: c.put_object_tagging(Bucket="shots", Key="kept", Tagging={"TagSet": []}),
        lambda c: c.get_object(Bucket="shots", Key="kept", PartNumber=1),
    ],
)
def test_what_is_not_emulated_is_not_taken_for_what_is(s3, call):
    """A query that is not known makes another operation: no bucket goes with its access block."""
    s3.create_bucket(Bucket="shots")
    with pytest.raises(ClientError, match="NotImplemented"):
        call(s3)
    s3.put_object(Bucket="shots", Key="kept", Body=b"x")
    with pytest.raises(ClientError, match="NotImplemented"):
        call(s3)

    assert b"x" == s3.get_object(Bucket="shots", Key="kept")["Body"].read()


def test_parts_are_put_together_in_the_order_of_their_numbers_or_not_at_all(s3):
    """Where moto does not look."""
    s3.create_bucket(Bucket="shots")

    assert ("InvalidPartOrder", 400) == outcome(lambda: upload(s3, 2, 1))


def test_a_quiet_deletion_of_several_objects_names_none(s3):
    """Here, too, moto says more than it was asked."""
    filled(s3)
    answer = s3.delete_objects(Bucket="shots", Delete={"Objects": [{"Key": k} for k in KEYS], "Quiet": True})

    assert "Deleted" not in answer
    assert 0 == s3.list_objects_v2(Bucket="shots")["KeyCount"]


def test_an_upload_belongs_to_one_object(rekognition_emulator, s3):
    """Its number opens no other object, nothing to another account, and after its end nothing at all."""
    from reconciler.emulator.testing import client

    s3.create_bucket(Bucket="shots")
    number = s3.create_multipart_upload(Bucket="shots", Key="a")["UploadId"]
    stranger = client(rekognition_emulator, "s3", access_key="999999999999")

    def send(who: Any, key: str) -> str:
        return str(outcome(lambda: who.upload_part(Bucket="shots", Key=key, UploadId=number, PartNumber=1)))

    assert ["('NoSuchUpload', 404)", "('AccessDenied', 403)"] == [send(s3, "b"), send(stranger, "a")]
    s3.abort_multipart_upload(Bucket="shots", Key="a", UploadId=number)
    assert "('NoSuchUpload', 404)" == send(s3, "a")


def ask(emulator: Any, method: str, path: str, body: bytes, **query: str) -> Answer:
    headers = {"authorization": SIGNED.replace("/rekognition/", "/s3/")}
    answer: Answer = emulator.handle(Request(method, path, query, headers, body))
    return answer


@pytest.mark.parametrize(
    "body",
    [
        b"<Delete>",
        b"<Delete/>",
        b"<Part><Object>" * 20_000,
        b"<Delete><Object><Key>" + b" " * 5_000_000,
        b'<!DOCTYPE a [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>',
        "<!DOCTYPE a><Delete/>".encode("utf-16"),
        b"<Delete><Key>a</Key></Delete>",
        b"<C><Part><PartNumber>x</PartNumber></Part></C>",
    ],
    ids=range(8),
)
def test_xml_that_is_none_or_too_much_is_refused(s3, emulator, body):
    """Without reading any part of it over and over."""
    s3.create_bucket(Bucket="shots")
    number = s3.create_multipart_upload(Bucket="shots", Key="a")["UploadId"]

    assert 400 == ask(emulator, "POST", "/shots", body, delete="").status
    assert 400 == ask(emulator, "POST", "/shots/a", body, uploadId=number).status


@pytest.mark.parametrize(("region", "status"), [("eu-west-1", 200), ("é", 400), ("", 200)])
def test_a_bucket_is_made_in_a_region_that_can_be_one(emulator, region, status):
    """It comes back in a header, where not every text can stand."""
    body = f"<C xmlns='x'><LocationConstraint>{region}</LocationConstraint></C>".encode()

    assert status == ask(emulator, "PUT", "/shots", body).status


def test_a_range_of_thousands_of_digits_is_no_range(rekognition_emulator, s3):
    """More than Python makes a number of."""
    filled(s3)
    answer = s3.get_object(Bucket="shots", Key="a/1.jpg", Range=f"bytes={'9' * 5000}-")

    assert b"a/1.jpg" == answer["Body"].read()
