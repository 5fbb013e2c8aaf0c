"""The wire: what AWS JSON 1.1 looks like from a raw socket's side, and that nothing breaks the server."""

from __future__ import annotations

import base64
import http.client
import json
import resource
import select
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.api.shapes import service_model
from reconciler.emulator.behaviour.settings import Settings
from reconciler.emulator.behaviour.switches import Floats, Switches
from reconciler.emulator.http import Request
from reconciler.emulator.rekognition import OPERATIONS
from reconciler.emulator.server import Emulator
from tests.emulator.builders import SIGNED, Direct, boxed, dataset, labelled, listed, post, refs

DESCRIBE = "RekognitionService.DescribeProjects"
ARN = "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/train/1"
PROJECT = "arn:aws:rekognition:us-east-1:111122223333:project/p/1"


def test_an_answer_is_json_1_1_with_a_request_id_and_epoch_seconds(rekognition_emulator, rekognition):
    """As AWS documents it."""
    rekognition.create_project(ProjectName="flowers")
    status, headers, body = post(rekognition_emulator.url, b"{}")

    assert (200, "application/x-amz-json-1.1") == (status, headers["Content-Type"])
    assert 36 == len(headers["x-amzn-RequestId"])
    (project,) = body["ProjectDescriptions"]
    assert isinstance(project["CreationTimestamp"], float)
    assert round(project["CreationTimestamp"] * 1000) == int(project["ProjectArn"].rpartition("/")[2])


def test_an_error_has_the_four_documented_members(rekognition_emulator):
    """__type, Code, Logref, Message."""
    body = json.dumps({"DatasetArn": ARN}).encode()
    status, headers, answer = post(rekognition_emulator.url, body, "RekognitionService.DescribeDataset")

    assert 400 == status
    assert {
        "__type": "ResourceNotFoundException",
        "Code": "ResourceNotFoundException",
        "Logref": headers["x-amzn-RequestId"],
        "Message": f"The resource {ARN} was not found.",
    } == answer


@pytest.mark.parametrize(
    ("target", "body", "headers", "code"),
    [
        ("RekognitionService.Nonsense", b"{}", {}, "UnknownOperationException"),
        ("DynamoDB_20120810.ListTables", b"{}", {}, "UnknownOperationException"),
        ("nonsense", b"{}", {}, "UnknownOperationException"),
        ("RekognitionService.DetectFaces", b'{"Image":{}}', {}, "UnknownOperationException"),
        ("RekognitionService.DetectFaces", b'{"Image":7}', {}, "UnknownOperationException"),
        ("RekognitionService.Nonsense", b"{", {}, "UnknownOperationException"),
        (DESCRIBE, b"{", {}, "SerializationException"),
        (DESCRIBE, b"\xff", {}, "SerializationException"),
        (DESCRIBE, b"[]", {}, "SerializationException"),
        (
            "RekognitionService.DescribeProjects",
            b"{}",
            {"Authorization": ""},
            "MissingAuthenticationTokenException",
        ),
        (
            "RekognitionService.DescribeProjects",
            b"{}",
            {"Authorization": "Basic eA=="},
            "IncompleteSignatureException",
        ),
        (
            "RekognitionService.DescribeProjects",
            b"{}",
            {"Authorization": "AWS4-HMAC-SHA256 Credential=x/y, SignedHeaders=a, Signature=b"},
            "IncompleteSignatureException",
        ),
    ],
)
def test_what_is_no_request_is_refused_by_name(rekognition_emulator, target, body, headers, code):
    """Before anything is done."""
    assert (400, code) == (
        (answer := post(rekognition_emulator.url, body, target, **headers))[0],
        answer[2]["__type"],
    )


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("PUT", "/"), ("POST", "/x")])
def test_operations_are_posted_to_the_root(rekognition, emulator, method, path):
    """Anything else is none, and has no effect."""
    headers = {"authorization": SIGNED, "x-amz-target": "RekognitionService.CreateProject"}
    answer = emulator.handle(Request(method, path, {}, headers, b'{"ProjectName":"p"}'))

    assert "UnknownOperationException" == json.loads(answer.body)["__type"]
    assert [] == rekognition.describe_projects()["ProjectDescriptions"]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DescribeDataset", {"DatasetArn": ARN, "Unknown": 1}),
        ("ListDatasetEntries", {"DatasetArn": ARN, "MaxResults": 100, "NextToken": ""}),
        (
            "UpdateDatasetEntries",
            {"DatasetArn": ARN, "Changes": {"GroundTruth": base64.b64encode(b"x" * 5_242_880).decode()}},
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_the_model_just_allows_is_accepted(rekognition_emulator, operation, params):
    """So that it is the resource that is missing, and not the request that is wrong."""
    body = json.dumps(params).encode()
    answer = post(rekognition_emulator.url, body, f"RekognitionService.{operation}")[2]

    assert "ResourceNotFoundException" == answer["__type"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = sorted(
    {name for op in OPERATIONS for name in service_model().operation_model(op).input_shape.members}  # type: ignore[union-attr]
)


@settings(max_examples=300, deadline=None)
@given(
    operation=st.sampled_from(sorted(OPERATIONS)),
    params=st.dictionaries(st.sampled_from(MEMBERS), JSON | st.sampled_from([ARN, PROJECT]), max_size=5),
)
def test_whatever_is_sent_the_answer_is_one_of_the_operations_own(operation, params):
    """Success or a modelled error, never a failure of the emulator."""
    answer = Direct().ask(operation, json.dumps(params).encode("utf-8", "surrogatepass"))
    body = json.loads(answer.body)
    own = {shape.name for shape in service_model().operation_model(operation).error_shapes}

    assert answer.status in (200, 400)
    if answer.status == 400:
        assert body["__type"] in own | {"SerializationException", "ValidationException"}


@settings(max_examples=200, deadline=None)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE", "PATCH", "OPTIONS"]),
    path=st.text(max_size=30).map(lambda text: f"/{text}"),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "content-type", "range", "x-amz-content-sha256", "host"]),
        st.sampled_from([SIGNED, "bytes=0-", "bytes=5-1", "bytes=-", "STREAMING-X", "a.localhost"])
        | st.text(max_size=20),
    ),
    query=st.dictionaries(
        st.sampled_from(
            ["list-type", "max-keys", "continuation-token", "X-Amz-Algorithm", "X-Amz-Credential"]
        ),
        st.text(max_size=20),
    ),
    body=st.binary(max_size=60),
)
def test_no_request_breaks_the_other_services(method, path, headers, query, body):
    """S3, STS and the control endpoint answer anything with a status of their own, never 500."""
    answer = Emulator().handle(Request(method, path, query, headers, body))

    assert answer.status < 500 or answer.status == 501


@settings(max_examples=300, deadline=None)
@given(blob=st.lists(JSON | st.binary(max_size=30), max_size=5))
def test_whatever_the_lines_are_the_update_ends(blob):
    """And what is listed can be parsed."""
    direct = Direct()
    project = direct.call("CreateProject", ProjectName="p")["ProjectArn"]
    arn = direct.call("CreateDataset", ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]
    lines = [item if isinstance(item, bytes) else line_with(item) for item in blob]

    ground_truth = base64.b64encode(b"\n".join(lines) + b"\n").decode()
    direct.call("UpdateDatasetEntries", DatasetArn=arn, Changes={"GroundTruth": ground_truth})

    described = direct.call("DescribeDataset", DatasetArn=arn)["DatasetDescription"]
    assert described["Status"] in ("UPDATE_COMPLETE", "UPDATE_FAILED")
    for line in direct.call("ListDatasetEntries", DatasetArn=arn)["DatasetEntries"]:
        assert "cl-metadata" in json.loads(line)


@pytest.mark.parametrize("rewriting", ["none", "sorted-keys", "floats"])
@pytest.mark.parametrize("depth", [200, 260, 1000, 5000])
def test_a_line_of_any_depth_leaves_the_service_able_to_answer(depth, rewriting):
    """It is kept or dropped; an update that could never be finished would block everybody's calls for good."""
    direct = Direct()
    switches = Switches().with_changes({"rewriting": rewriting, "invalid_base": "off"})
    direct.emulator.settings = Settings(switches=switches)
    deep = labelled("deep.jpg", "rose")[:-1] + ',"x":' + "[" * depth + "]" * depth + "}"

    assert ["flat.jpg"] == [
        ref for ref in updated(direct, deep, labelled("flat.jpg", "rose")) if ref != "deep.jpg"
    ]


@pytest.mark.parametrize("floats", list(Floats))
def test_a_coordinate_of_any_size_is_an_error_of_its_box_only(floats):
    """Rounded, 1e300 is a number of 300 digits, which no JSON line can hold."""
    direct = Direct()
    direct.emulator.settings = Settings(switches=Switches(floats=floats))

    assert ["far.jpg"] == updated(direct, boxed("far.jpg", ("rose", 1e300, 1, 20, 20)))  # type: ignore[arg-type]


def updated(direct: Direct, *lines: str) -> list[str]:
    """Send these lines to a new dataset; return the images in it afterwards."""
    project = direct.call("CreateProject", ProjectName="p")["ProjectArn"]
    arn = direct.call("CreateDataset", ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]
    blob = base64.b64encode("\n".join(lines).encode()).decode()
    direct.call("UpdateDatasetEntries", DatasetArn=arn, Changes={"GroundTruth": blob})
    return refs(
        [json.loads(line) for line in direct.call("ListDatasetEntries", DatasetArn=arn)["DatasetEntries"]]
    )


def line_with(value: Any) -> bytes:
    line = {"source-ref": "s3://bucket/a", "a": value, "a-metadata": value}
    return json.dumps(line).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET /%ff%fe/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=lambda value: repr(value[:40]),
)
def test_rubbish_on_the_wire_leaves_the_server_alive(rekognition_emulator, rekognition, rubbish):
    """Whoever sends it is answered or hung up on; the next client is served."""
    with socket.create_connection(("127.0.0.1", rekognition_emulator.port), timeout=5) as connection:
        try:
            connection.sendall(rubbish)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1000)
        except OSError:
            pass

    assert [] == rekognition.describe_projects()["ProjectDescriptions"]


def test_a_thousand_connections_are_all_served_and_get_their_own_data(rekognition_emulator, emulator):
    """Each asks for its own account, while the others wait with half a request."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    idle = [socket.create_connection(("127.0.0.1", rekognition_emulator.port)) for _ in range(1000)]
    try:
        for connection in idle:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n")

        def names(number: int) -> Any:
            signed = SIGNED.replace("=x/", f"={number:012}/")
            url, service = rekognition_emulator.url, "RekognitionService"
            name = json.dumps({"ProjectName": f"p{number}"}).encode()
            post(url, name, f"{service}.CreateProject", Authorization=signed)
            listing = post(url, b"{}", f"{service}.DescribeProjects", Authorization=signed)[2]
            return [p["ProjectArn"].split("/")[1] for p in listing["ProjectDescriptions"]]

        with ThreadPoolExecutor(8) as pool:
            assert [[f"p{i}"] for i in range(100)] == list(pool.map(names, range(100)))
    finally:
        for connection in idle:
            connection.close()


def test_a_body_beyond_all_reason_is_cut_short(rekognition_emulator):
    """413 as soon as it is too long, so that it does not fill the memory."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {DESCRIBE}\r\nContent-Length: 99000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", rekognition_emulator.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert b"HTTP/1.1 413 " == connection.recv(13)


def test_the_paginator_sees_the_whole_of_a_large_dataset(rekognition):
    """1,000 entries, ten pages, each once."""
    arn = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(1000)))

    assert 1000 == len({line["source-ref"] for line in listed(rekognition, arn)})


@pytest.mark.slow
def test_a_connection_outlives_the_five_seconds_between_two_polls(rekognition_emulator):
    """It is not closed just when the next request of one of AWS's samples is on its way."""
    headers = {"Authorization": SIGNED, "X-Amz-Target": DESCRIBE}
    address = rekognition_emulator.host, rekognition_emulator.port
    with closing(http.client.HTTPConnection(*address, timeout=30)) as connection:
        connection.connect()
        connection.auto_open = 0
        for pause in (0, 5.5):
            closed, _, _ = select.select([connection.sock], [], [], pause)
            assert not closed
            connection.request("POST", "/", "{}", headers)
            answer = connection.getresponse()
            assert (200, b"ProjectDescriptions") == (answer.status, answer.read()[2:21])
