"""
The S3 subset against OpenStack Swift's s3api: a real server that shares nothing with moto or this emulator.

Swift is a package of PyPI (`pip install swift`); its programs are looked up on the PATH.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.emulator.s3.test_front import SCRIPT, filled, outcome
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.tools,
    pytest.mark.skipif(shutil.which("swift-proxy-server") is None, reason="there is no OpenStack Swift"),
]

SERVERS = ("object", "container", "account")

# What Swift does otherwise than AWS, and why AWS's answer is taken to be ours.
OTHERWISE = {
    "list with an empty token": "Swift takes it for none; moto and AWS refuse it",
    "create again": "in us-east-1, where Swift's Region is ours, AWS answers 200",
    "put only if same": "Swift has no If-Match on writes",
}

_STORAGE = """
[DEFAULT]
devices = {data}
mount_check = false
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {etc}
user = {user}
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""
_FILTERS = "catch_errors memcache listing_formats bulk s3api tempauth slo dlo versioned_writes symlink"
_PROXY = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {etc}
user = {user}
[pipeline:main]
pipeline = {filters} proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
"""
_OPTIONS = {
    "tempauth": "user_test_tester = testing .admin",
    "versioned_writes": "allow_object_versioning = true",
}


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in found]


@pytest.fixture
def swift(tmp_path: Path) -> Iterator[Any]:
    """A client of a Swift of one disk: four processes on the loopback."""
    etc, user = tmp_path / "etc", subprocess.check_output(["id", "-un"], text=True).strip()
    (tmp_path / "data/d1").mkdir(parents=True)
    etc.mkdir()
    (etc / "swift.conf").write_text("[swift-hash]\nswift_hash_path_prefix = a\nswift_hash_path_suffix = b\n")
    commands = []
    *ports, door = free_ports(len(SERVERS) + 1)
    for name, port in zip(SERVERS, ports, strict=True):
        ring = etc / f"{name}.builder"
        for action in (["create", "4", "1", "1"], ["add", f"r1z1-127.0.0.1:{port}/d1", "1"], ["rebalance"]):
            subprocess.run(["swift-ring-builder", ring, *action], check=True, capture_output=True, timeout=60)
        text = _STORAGE.format(name=name, port=port, etc=etc, data=tmp_path / "data", user=user)
        (etc / f"{name}.conf").write_text(text)
        commands.append([f"swift-{name}-server", etc / f"{name}.conf"])
    filters = [
        f"[filter:{name}]\nuse = egg:swift#{name}\n{_OPTIONS.get(name, '')}\n" for name in _FILTERS.split()
    ]
    proxy = _PROXY.format(port=door, etc=etc, user=user, filters=_FILTERS)
    (etc / "proxy.conf").write_text(proxy + "".join(filters))
    commands.append(["swift-proxy-server", etc / "proxy.conf"])
    started = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
        for command in commands
    ]
    try:
        client = s3_client(f"http://127.0.0.1:{door}", "test:tester")
        until(lambda: answers(client), 60)
        yield client
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def s3_client(url: str, key: str) -> Any:
    """A client without checksums that Swift does not know."""
    config = Config(
        s3={"addressing_style": "path"},
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3",
        "us-east-1",
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key="testing",
        config=config,
    )


def answers(client: Any) -> bool:
    try:
        client.list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True


def ordered(value: Any) -> Any:
    """Sort what DeleteObjects answers, whose order means nothing."""
    if isinstance(value, dict) and "Deleted" in value:
        return {**value, "Deleted": sorted(value["Deleted"], key=lambda each: str(each["Key"]))}
    return list(map(ordered, value)) if isinstance(value, list) else value


def test_the_same_script_gives_the_same_answers_as_swift(swift, rekognition_emulator):
    """But for three calls in which Swift is not like AWS; if it becomes so, the list above is out of date."""

    def play(client: Any) -> dict[str, Any]:
        def one(call: Callable[[Any], Any]) -> Any:
            return ordered(outcome(lambda: call(client)))

        filled(client)
        return {name: one(call) for name, call in SCRIPT.items()}

    expected, actual = play(swift), play(s3_client(rekognition_emulator.url, "x"))

    assert OTHERWISE.keys() == {name for name in SCRIPT if expected[name] != actual[name]}
