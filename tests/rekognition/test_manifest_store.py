"""Objects read from S3 in pieces, by a real client from a server that misbehaves."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config

from reconciler.core.spec.choices import PinnedObject
from reconciler.errors import Denied, ManifestDenied, ManifestUnavailable, ManifestUnusable, NoCredentials
from reconciler.rekognition.manifest_store import ManifestStore

CONTENT = bytes(range(256)) * 20_000  # five pieces
WANTED = PinnedObject("acme", "a/train.manifest", None, "0" * 64)


class Server(ThreadingHTTPServer):
    """
    Serves one object.

    Attributes:
        cuts: After how many bytes each answer in turn breaks off.
        ranges: Whether it knows ranges.
        answer: Answers in its place, if set: status, code, headers.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts: list[int] = []
        self.asked: list[tuple[str, str | None]] = []
        self.ranges, self.etag = True, '"1"'
        self.length = len(CONTENT)
        self.answer: tuple[int, str, dict[str, str]] | None = None
        self.after: Callable[[], object] = lambda: None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        if self.server.answer is not None:
            self._error(*self.server.answer)
            return
        if self.headers.get("If-Match", self.server.etag) != self.server.etag:
            self._error(412, "PreconditionFailed", {})
            return
        start = int(re.findall(r"\d+", asked)[0]) if asked and self.server.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("ETag", self.server.etag)
        self.send_header("Content-Length", str(self.server.length - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        rest = CONTENT[start:]
        if self.server.cuts:
            rest = rest[: self.server.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(rest)
        self.server.after()

    def _error(self, status: int, code: str, headers: dict[str, str]) -> None:
        body = f"<Error><Code>{code}</Code><Message>as S3 says it</Message></Error>".encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def client(server: Server) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=5),
    )


def read(server: Server, wanted: PinnedObject = WANTED) -> bytes:
    pieces: list[bytes] = []
    ManifestStore(lambda: client(server)).download(wanted, pieces.append)
    return b"".join(pieces)


def test_an_object_is_read_in_pieces_that_do_not_grow_with_it(server):
    """One request, of the version that is wanted."""
    pieces: list[bytes] = []

    ManifestStore(lambda: client(server)).download(WANTED._replace(version_id="v/1"), pieces.append)

    assert CONTENT == b"".join(pieces)
    assert max(map(len, pieces)) <= 1 << 20
    assert [("/acme/a/train.manifest?versionId=v%2F1", None)] == server.asked


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_is_taken_up_where_it_broke(server, ranges):
    """Nothing is passed on twice, by a server that ignores ranges either."""
    server.cuts, server.ranges = [2_000_000, 1_500_000], ranges

    assert CONTENT == read(server)
    assert 3 == len(server.asked)
    assert [None, True, True] == [asked and asked.startswith("bytes=") for _, asked in server.asked]


def test_an_object_that_always_breaks_off_is_an_error(server):
    """After five attempts without progress, not never."""
    server.cuts = [1_000, *[0] * 50]

    with pytest.raises(ManifestUnavailable, match=r"s3://acme/a/train.manifest cannot be read: GetObject"):
        read(server)
    assert 5 == len(server.asked)


def test_an_object_that_is_replaced_meanwhile_is_never_mixed(server):
    """The rest is asked for only of the same object."""
    server.cuts = [2_000_000]

    def replace() -> None:
        server.etag = '"2"'

    server.after = replace
    with pytest.raises(ManifestUnavailable, match="was replaced while it was read"):
        read(server)


def test_an_object_beyond_the_limit_of_aws_is_not_read(server):
    server.length = (1 << 30) + 1

    with pytest.raises(ManifestUnusable, match=r"1,073,741,825 bytes; AWS takes manifests of at most"):
        read(server)


@pytest.mark.parametrize(
    ("answer", "kind", "expected"),
    [
        ((404, "NoSuchKey", {}), ManifestUnavailable, "NoSuchKey: as S3 says it"),
        ((404, "NoSuchBucket", {}), ManifestUnavailable, "NoSuchBucket"),
        ((400, "InvalidArgument", {}), ManifestUnavailable, "InvalidArgument"),
        ((403, "AccessDenied", {}), ManifestDenied, "without s3:ListBucket S3 says so of a missing object too"),
        ((403, "InvalidAccessKeyId", {}), ManifestDenied, "InvalidAccessKeyId"),
        ((403, "InvalidObjectState", {}), ManifestUnavailable, "archived"),
        ((503, "SlowDown", {}), ManifestUnavailable, "SlowDown"),
        ((301, "PermanentRedirect", {"x-amz-bucket-region": "eu-west-1"}), ManifestUnavailable, "in eu-west-1"),
        ((405, "MethodNotAllowed", {}), ManifestUnavailable, "MethodNotAllowed"),
        ((500, "InternalError", {}), ManifestUnavailable, "InternalError"),
    ],
)  # fmt: skip
def test_an_answer_of_s3_is_one_error_with_its_exit_code(server, answer, kind, expected):
    """3 while it is unknown what is desired, 8 for credentials."""
    server.answer = answer

    with pytest.raises(ManifestUnavailable) as caught:
        read(server)

    assert kind is type(caught.value)
    assert expected in str(caught.value)
    assert (8 if kind is ManifestDenied else 3) == caught.value.exit_code


@pytest.mark.parametrize("error", [NoCredentials(), Denied("no such profile")])
def test_missing_credentials_are_denied(error):
    def broken() -> Any:
        raise error

    with pytest.raises(ManifestDenied, match=re.escape(str(error)[:20])):
        ManifestStore(broken).download(WANTED, lambda _: None)
