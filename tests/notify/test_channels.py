"""Channels against receivers that check what the real ones check."""

from __future__ import annotations

import base64
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate

import pytest

from reconciler.core.status.commit_states import CommitPhase, CommitState
from reconciler.core.status.notices import Level, Notice
from reconciler.errors import UsageError
from reconciler.notify import http
from reconciler.notify.commit_status import commit_status
from reconciler.notify.registry import channel, kind_of
from reconciler.ports import Receipt
from tests.loopback import Quiet, listening
from tests.notify.hosts import TOKEN, Broker, GitHub, GitLab, Receiver, served

NOTICE = Notice(
    "0123456789abcdef",
    1_800_000_000.0,
    Level.FAILURE,
    "Unavailable",
    "50 datasets: not ready (Unavailable)",
    "flowers-train: AWS did not answer\nand 49 more",
    ("flowers-train",),
    50,
)
STATE = CommitState("a" * 40, None, CommitPhase.PENDING, "not in place yet", 1_800_000_000.0)


@pytest.fixture
def github() -> Iterator[GitHub]:
    with served(GitHub()) as receiver:
        yield receiver


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with served(GitLab()) as receiver:
        yield receiver


@pytest.fixture
def broker() -> Iterator[Broker]:
    with served(Broker()) as receiver:
        yield receiver


def posting(url: str, token: str = TOKEN):
    return commit_status(url, "reconciler", lambda: token)


@pytest.mark.parametrize("phase", CommitPhase)
@pytest.mark.parametrize("dataset", [None, "flowers-train"])
def test_github_takes_every_state(github, phase, dataset):
    state = replace(STATE, phase=phase, dataset=dataset, text="é line\nand another " + "x" * 500)

    assert (Receipt.SENT, "", None) == posting(github.repository).send(state)
    ((sha, context, shown, description),) = github.accepted
    assert ("a" * 40, phase.value) == (sha, shown)
    assert context == ("reconciler/flowers-train" if dataset else "reconciler")
    assert description.startswith("é line and another x")
    assert (140, "…") == (len(description), description[-1])


@pytest.mark.parametrize(
    ("phase", "shown"),
    [(CommitPhase.PENDING, "pending"), (CommitPhase.SUCCESS, "success"), (CommitPhase.FAILURE, "failed")],
)
def test_gitlab_takes_every_state(gitlab, phase, shown):
    assert Receipt.SENT is posting(gitlab.project).send(replace(STATE, phase=phase, text="x" * 500)).receipt
    assert [("a" * 40, "reconciler", shown, "x" * 254 + "…")] == gitlab.accepted


def test_gitlab_refuses_a_state_that_is_there_already(gitlab):
    """It answers 400, and the commit has the state: there is nothing left to send."""
    posting(gitlab.project).send(STATE)

    assert Receipt.SENT is posting(gitlab.project).send(STATE).receipt
    assert 1 == len(gitlab.accepted) == len(gitlab.refused)


def test_a_wrong_token_may_be_corrected(github):
    """The token is read for each request, and the message waits."""
    result = posting(github.repository, "wrong").send(STATE)

    assert (Receipt.FAILED, "HTTP 401: Bad credentials") == result[:2]


def test_what_is_invalid_is_not_sent_again(github):
    result = posting(github.repository).send(replace(STATE, revision="main"))

    assert (Receipt.REFUSED, "HTTP 422: No commit found for SHA: main") == result[:2]


@pytest.mark.parametrize(
    "url",
    [
        "http://git.example/repos/acme/labels",
        "https://token@git.example/repos/acme/labels",
        "https://git.example/acme/labels",
        "https://git.example/repos/acme",
        "https://git.example/repos/acme/labels?x=1",
        "https:///repos/acme/labels",
        "git@git.example:acme/labels",
        "",
    ],
)
def test_an_address_that_is_none_of_a_repository_is_refused(url):
    with pytest.raises(UsageError, match="--commit-status"):
        posting(url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.github.com/repos/acme/labels", "github"),
        ("https://ghe.example/api/v3/repos/acme/labels/", "github"),
        ("https://gitlab.com/api/v4/projects/42", "gitlab"),
        ("https://git.example/gitlab/api/v4/projects/acme%2Flabels", "gitlab"),
    ],
)
def test_the_host_is_known_by_the_address(url, name):
    assert name == posting(url.rstrip("/")).name


def test_an_event_is_a_cloudevent(broker):
    result = channel(
        "cloudevents", f"cloudevents+{broker.url}/default", "https://git.example/é flowers"
    ).send(NOTICE)

    assert (Receipt.SENT, "", None) == result
    (event,) = broker.accepted
    assert {
        "specversion": "1.0",
        "id": "0123456789abcdef",
        "source": "/reconciler/https%3A%2F%2Fgit.example%2F%C3%A9%20flowers",
        "type": "dev.reconciler.notice.failure",
        "time": "2027-01-15T08:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "level": "failure",
            "cause": "Unavailable",
            "title": NOTICE.title,
            "text": NOTICE.text,
            "datasets": ["flowers-train"],
            "number": 50,
        },
        "authorization": None,
    } == event


def test_an_event_about_one_dataset_names_it(broker):
    channel("cloudevents", f"cloudevents+{broker.url}/default", "specs").send(replace(NOTICE, number=1))

    assert "flowers-train" == broker.accepted[0]["subject"]


def test_user_and_password_of_a_url_are_sent_as_a_header(broker):
    url = f"cloudevents+{broker.url}/default".replace("http://", "http://me:p%40ss@")
    channel("cloudevents", url, "specs").send(NOTICE)

    assert f"Basic {base64.b64encode(b'me:p@ss').decode()}" == broker.accepted[0]["authorization"]


@pytest.mark.parametrize(
    ("status", "headers", "receipt", "wait"),
    [
        (429, {"Retry-After": "120"}, Receipt.FAILED, 120),
        (503, {"Retry-After": "soon"}, Receipt.FAILED, None),
        (500, {}, Receipt.FAILED, None),
        (404, {}, Receipt.FAILED, None),
        (400, {}, Receipt.REFUSED, None),
        (413, {}, Receipt.REFUSED, None),
    ],
)
def test_an_answer_tells_whether_to_send_again(broker, status, headers, receipt, wait):
    broker.answers.append((status, headers))
    result = channel("cloudevents", f"cloudevents+{broker.url}", "specs").send(NOTICE)

    assert (receipt, f"HTTP {status}: as the test wants it") == result[:2]
    assert result.retry_after_seconds == (wait and pytest.approx(wait, abs=60))


def test_an_answer_may_name_the_time_to_send_again(broker):
    broker.answers.append((503, {"Retry-After": formatdate(time.time() + 3_600, usegmt=True)}))

    result = channel("cloudevents", f"cloudevents+{broker.url}", "specs").send(NOTICE)

    assert result.retry_after_seconds == pytest.approx(3_600, abs=60)


def test_a_redirect_is_not_followed(broker, github):
    """What is sent, and the token with it, is for one address alone."""
    github.answers.append((307, {"Location": f"{broker.url}/elsewhere"}))
    result = posting(github.repository).send(STATE)

    assert Receipt.FAILED is result.receipt
    assert "redirects are not followed" in result.reason
    assert 0 == broker.requests


def test_an_address_without_a_listener_is_an_answer_that_may_come(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    result = channel("cloudevents", f"cloudevents+http://127.0.0.1:{port}", "specs").send(NOTICE)

    assert (Receipt.FAILED, "no answer (NewConnectionError)") == result[:2]


def test_a_receiver_that_does_not_answer_is_given_up(broker, monkeypatch):
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    broker.hanging.clear()
    result = channel("cloudevents", f"cloudevents+{broker.url}", "specs").send(NOTICE)

    assert (Receipt.FAILED, "no answer (ReadTimeoutError)") == result[:2]


def test_the_body_of_a_success_is_not_awaited():
    """An answer without an end would hold up the channel."""
    done = threading.Event()

    class Endless(Quiet):
        def do_POST(self) -> None:  # noqa: N802  as the standard library wants it
            self.send_response(202)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            done.wait(30)

    with listening(Endless) as url:
        begun = time.monotonic()
        result = channel("cloudevents", f"cloudevents+{url}", "specs").send(NOTICE)
        done.set()

    assert Receipt.SENT is result.receipt
    assert time.monotonic() - begun < http.READ_SECONDS


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b'{"message": {"state": ["is invalid"]}}', b"[" * 9_999]
)
def test_any_body_of_an_answer_can_be_read(body):
    assert http._message(body) in ("", '{"state": ["is invalid"]}')


# apprise imports a module that Python 3.13 no longer has.
apprise = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Service(Receiver):
    """Takes whatever apprise sends."""

    def judge(self, path, headers, body):
        self.accepted.append((path, body.decode()))
        return 200, ""


@pytest.fixture
def service() -> Iterator[Service]:
    with served(Service()) as receiver:
        yield receiver


@apprise
def test_apprise_sends_to_its_services(service):
    """As JSON, and as ntfy wants it."""
    host = service.url.removeprefix("http://")
    for kind in ("json", "ntfy"):
        assert (Receipt.SENT, "", None) == channel(kind, f"{kind}://{host}/flowers", "specs").send(NOTICE)

    (path, one), (_, other) = service.accepted
    assert "/flowers" == path
    assert all(text in one for text in ('"type": "failure"', NOTICE.title, "and 49 more"))
    assert all(text in other for text in ('"topic": "flowers"', NOTICE.title, "and 49 more"))


@apprise
def test_a_failure_of_apprise_has_its_reason_and_no_line_in_the_log(service, capfd):
    service.answers.append((503, {}))
    host = service.url.removeprefix("http://")
    result = channel("json", f"json://{host}/s3cretPath/", "specs").send(NOTICE)

    assert Receipt.FAILED is result.receipt
    assert "503" in result.reason
    assert "s3cretPath" not in result.reason
    assert ("", "") == capfd.readouterr()


@apprise
def test_apprise_follows_no_redirect(service, broker):
    service.answers.append((307, {"Location": f"{broker.url}/elsewhere"}))
    result = channel("json", f"json://{service.url.removeprefix('http://')}/x", "specs").send(NOTICE)

    assert Receipt.FAILED is result.receipt
    assert 0 == broker.requests


@apprise
def test_a_url_that_apprise_does_not_know_is_refused_without_quoting_it():
    with pytest.raises(UsageError, match="apprise knows no such address") as caught:
        channel("nosuch", "nosuch://s3cret-token/x", "specs")

    assert "s3cret" not in str(caught.value)


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(UsageError, match=r"--notify slack: .*extra notify: pip install '.*\[notify\]'"):
        channel("slack", "slack://a/b/c", "specs")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("cloudevents+https://h/p", "cloudevents"),
        ("SLACK://a/b/c", "slack"),
        ("json://h", "json"),
        ("no url", None),
        ("token", None),
    ],
)
def test_a_channel_is_named_by_its_kind(url, kind):
    assert kind == kind_of(url)
