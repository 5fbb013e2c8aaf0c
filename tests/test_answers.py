"""An answer that goes on for ever ends as one that does not come: every client of HTTP gives it up."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from botocore.config import Config

from reconciler import errors
from reconciler.answers import BYTES_PER_SECOND, Deadline, limit_answers
from reconciler.cli.main import main
from reconciler.kubernetes.leases import KubernetesLeases
from reconciler.notify.http import post
from reconciler.ports import Receipt
from reconciler.rekognition.access import ambient
from reconciler.rekognition.calls import MAX_TIMED_OUT
from reconciler.rekognition.translate import translated
from reconciler.sources.directory_source import SyncMetrics
from tests.kubernetes.apiserver import ApiServer
from tests.loopback import endless, flooding, listening

SECONDS = 0.2
ARN = "arn:aws:rekognition:eu-west-1:111122223333:project/p/dataset/train/1"


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with the response class of the standard library, and restore it."""
    monkeypatch.setattr(http.client.HTTPConnection, "response_class", http.client.HTTPResponse)


@pytest.fixture(params=["headers", "body"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with endless(head=request.param == "headers") as found:
        yield found


CALLS = {
    "rekognition": lambda client: client.describe_dataset(DatasetArn=ARN),
    "s3": lambda client: client.get_object(Bucket="acme-bees", Key="a.jpg")["Body"].read(),
    "sqs": lambda client: client.receive_message(QueueUrl="https://sqs/q"),
    "sts": lambda client: client.get_caller_identity(),
}


@pytest.mark.fault(
    "AWS calls",
    "an answer never ends: a byte now and then, of its headers or of its body",
    "the call ends as one without an answer does, within the same time",
)
@pytest.mark.parametrize("service", CALLS)
def test_no_call_to_aws_waits_for_ever(url: str, service: str, monkeypatch: pytest.MonkeyPatch):
    """It failed as a call without an answer does, after as many attempts as those may take."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None, time=time.time))
    attempts = []
    config = Config(read_timeout=SECONDS, retries={"mode": "standard", "total_max_attempts": 8})
    client = ambient("eu-west-1").client(service, endpoint_url=url, config=config)
    client.meta.events.register("before-send", lambda **_: attempts.append(1))

    with closing(client), pytest.raises(errors.Unavailable) as raised, translated("X"):
        CALLS[service](client)

    assert not raised.value.unsent
    assert len(attempts) <= MAX_TIMED_OUT


def test_a_receiver_of_notifications_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """Its headers never end; the body of a success is not read."""
    monkeypatch.setattr("reconciler.notify.http.READ_SECONDS", SECONDS)
    with endless(head=True) as url:
        sent = post(url, {}, {})

    assert (Receipt.FAILED, "no answer (ReadTimeoutError)") == (sent.receipt, sent.reason)


def test_a_controller_is_given_up(
    url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("RECONCILER_TOKEN", "t")
    monkeypatch.setattr("reconciler.cli.controller.client.TIMEOUT_SECONDS", SECONDS)

    assert 3 == main(["reconcile", "roses", "--server", url])
    assert "timed out" in capfd.readouterr().err


def test_the_metrics_of_git_sync_are_given_up(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("reconciler.sources.directory_source.TIMEOUT_SECONDS", SECONDS)

    with pytest.raises(errors.SourceError, match="timed out"):
        SyncMetrics(url).confirmed_at(0.0)


def test_an_api_server_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A replica that waits for its lease would neither lead nor stop."""
    monkeypatch.setenv("KUBECONFIG", str(ApiServer(url).kubeconfig(tmp_path)))
    leases = KubernetesLeases("reconciler", "reconciler", SECONDS)

    with closing(leases), pytest.raises(errors.LeaseUnavailable, match=r"timed out|timeout"):
        leases.read()


def test_a_long_answer_has_the_time_that_it_needs():
    """A large object arrives whole, though it takes longer than one read may; a slow one does not."""
    now = iter(range(100))
    fast, slow = Deadline(2.0, lambda: next(now)), Deadline(2.0, lambda: float(next(now)))
    for _ in range(10):
        fast.received(2 * BYTES_PER_SECOND)
        assert 2.0 >= (fast.left() or 0) > 0

    slow.received(1)
    with pytest.raises(TimeoutError, match="not complete in time"):
        slow.left()


@pytest.mark.parametrize("head", [True, False])
def test_an_answer_that_comes_fast_and_never_ends_is_given_up(head: bool, monkeypatch: pytest.MonkeyPatch):
    """Before it fills the memory."""
    monkeypatch.setattr("reconciler.answers.MAX_BYTES", 1 << 20)
    limit_answers()

    with listening(flooding(head=head)) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        connection.request("GET", "/")
        with closing(connection), pytest.raises(TimeoutError, match="did not end"):
            connection.getresponse().read()
