"""What a running controller answers over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog

from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.result import Verdict
from reconciler.core.status.summary import Summary, summary_of_failure
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.errors import StateError
from reconciler.server.app import application
from reconciler.server.guarding import MAX_BODY_BYTES, Secrets
from reconciler.server.listening import listening
from reconciler.server.metrics import LABELS, Metrics

ROOT = Path(__file__).parents[2]

TOKEN, KEY = b"let-me-in", b"shared"
BEARER = {"authorization": "Bearer let-me-in"}

CONTRACT = """
cycles cycle_duration_seconds last_success_timestamp_seconds last_full_scan_timestamp_seconds
consecutive_failures entries drift_entries updates update_bytes update_duration_seconds quarantined_entries
aws_requests aws_request_duration_seconds aws_throttles condition build_info
source_state source_confirmed_timestamp_seconds partitions partition_moves events events_listening
notifications notifications_waiting status_objects_unpublished
"""


@dataclass
class Asked:
    """`Controls` that remember."""

    alive: bool = True
    triggered: list[str | None] = field(default_factory=list)
    polled: int = 0
    ordered: list[tuple[object, ...]] = field(default_factory=list)
    failure: StateError | None = None

    def poll_source(self) -> None:
        self.polled += 1

    def trigger(self, dataset: str | None = None) -> bool:
        self.triggered.append(dataset)
        return dataset in (None, "roses")

    def suspend(self, names: Sequence[str], reason: str, seconds: int | None) -> None:
        self._order("suspend", names, reason, seconds)

    def resume(self, names: Sequence[str]) -> None:
        self._order("resume", names)

    def _order(self, *order: object) -> None:
        if self.failure is not None:
            raise self.failure
        self.ordered.append(order)


@dataclass
class Served:
    url: str
    controls: Asked
    registry: Registry
    metrics: Metrics

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data=body, headers=names)  # noqa: S310  loopback
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.read().decode()


@pytest.fixture
def served() -> Iterator[Served]:
    registry = Registry("<b>specs</b>", lambda: 1_000.0, lambda: 0.0)
    registry.source_failure, registry.fingerprint = None, "x"
    dataset_state = DatasetState("roses", None)
    dataset_state.summary = Summary(Verdict.CONVERGED, counts={"observed": 3}, drift={"missing": 1})
    dataset_state.visited_at = dataset_state.observed_at = dataset_state.succeeded_at = 900.0
    dataset_state.judge(None, 900.0)
    registry.states["roses"] = dataset_state
    controls, metrics = Asked(), Metrics("1.2.3")
    metrics.watch(registry)
    app = application(controls, registry, metrics, Secrets(TOKEN, KEY), ["pages.example"])
    with listening(app, "127.0.0.1", 0) as url:
        yield Served(url, controls, registry, metrics)


def test_the_probes_explain_what_they_are_for(served: Served):
    """Alive is about the workers, ready about the first pass."""
    assert ((200, "ok\n"), (200, "ok\n")) == (served.ask("/livez"), served.ask("/readyz"))

    served.controls.alive = False
    assert 503 == served.ask("/livez")[0]


def test_not_ready_before_everything_was_observed(served: Served):
    """A cycle that could not observe does not count; once ready, a new dataset takes nothing back."""
    served.registry.states["tulips"] = DatasetState("tulips", None, visited_at=1.0)
    assert 503 == served.ask("/readyz")[0]

    served.registry.states["tulips"].observed_at = 1.0
    assert 200 == served.ask("/readyz")[0]

    served.registry.states["violets"] = DatasetState("violets", None)
    assert 200 == served.ask("/readyz")[0]


def test_status_is_json(served: Served):
    """With every dataset and its conditions."""
    code, text = served.ask("/status")
    status = json.loads(text)

    assert (200, "status/v1", "roses") == (code, status["format"], status["datasets"][0]["name"])
    assert "Ready" == status["datasets"][0]["conditions"][0]["type"]


def test_the_page_escapes(served: Served):
    """What came from specs and AWS is text, never markup."""
    code, html = served.ask("/")

    assert (200, True, False) == (code, "&lt;b&gt;specs" in html, "<b>specs" in html)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("let-me-in", 401),
        ("Bearer ", 401),
        ("Bearer let-me-in", 202),
        ("bearer  let-me-in", 202),
    ],
)
def test_a_reconcile_request_needs_the_token(served: Served, header: str | None, expected: int):
    """Other requests do not start a cycle."""
    headers = {} if header is None else {"authorization": header}

    assert expected == served.ask("/reconcile", b"", **headers)[0]
    assert ([None] if expected == 202 else []) == served.controls.triggered


def test_one_dataset_can_be_asked_for(served: Served):
    """And one that does not exist is said not to."""
    assert 202 == served.ask("/reconcile?dataset=roses", b"", **BEARER)[0]
    assert 404 == served.ask("/reconcile?dataset=weeds", b"", **BEARER)[0]
    assert ["roses"] == served.controls.triggered


def test_a_dataset_of_another_replica_is_refused(served: Served):
    """With the reason, which names the owner."""
    state = served.registry.states["roses"]
    state.is_elsewhere = True
    state.summary = summary_of_failure(
        FailureReason(Reason.STANDBY, "replica two owns the partition 1/us-east-1")
    )

    code, text = served.ask("/reconcile?dataset=roses", b"", **BEARER)

    assert (409, True) == (code, "replica two owns" in text)
    assert [] == served.controls.triggered


GOOD = {"reason": "audit", "for_seconds": 60}


def test_a_suspension_needs_the_token_a_name_and_a_reason(served: Served):
    """It is answered with what holds then."""
    body = json.dumps(GOOD).encode()

    assert 401 == served.ask("/suspend?dataset=roses", body)[0]
    assert 400 == served.ask("/suspend", body, **BEARER)[0]
    assert 404 == served.ask("/suspend?dataset=roses&dataset=weeds", body, **BEARER)[0]
    assert [] == served.controls.ordered

    code, text = served.ask("/suspend?dataset=roses", body, **BEARER)
    named = {"name": "roses", "suspended_by_spec": False, "suspension": None}
    assert (200, {"accepted": "roses", "datasets": [named]}) == (code, json.loads(text))
    assert [("suspend", ("roses",), "audit", 60)] == served.controls.ordered


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        {},
        {"reason": ""},
        {"reason": " "},
        {"reason": 1},
        {"reason": "a\nb"},
        {"reason": "a\x1b[31m"},
        {"reason": "a" * 501},
        GOOD | {"for_seconds": 0},
        GOOD | {"for_seconds": 1.5},
        GOOD | {"for_seconds": True},
        GOOD | {"for_seconds": 1e300},
        GOOD | {"for_seconds": "2h"},
        GOOD | {"for_secs": 60},
    ],
    ids=repr,
)
def test_a_suspension_that_cannot_be_understood_is_none(served: Served, body: bytes | dict[str, object]):
    """A misspelt end would otherwise be none, and the suspension last for ever."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    assert 400 == served.ask("/suspend?dataset=roses", raw, **BEARER)[0]
    assert 413 == served.ask("/suspend?dataset=roses", b" " * (1 << 17), **BEARER)[0]
    assert [] == served.controls.ordered


def test_what_cannot_be_stored_is_answered_so(served: Served):
    """With 503: the caller knows that nothing is suspended."""
    served.controls.failure = StateError("the disk is full")

    code, text = served.ask("/suspend?dataset=roses", json.dumps(GOOD).encode(), **BEARER)

    assert (503, {"error": "the disk is full"}) == (code, json.loads(text))
    assert 503 == served.ask("/resume?dataset=roses", b"", **BEARER)[0]


def signature(body: bytes, key: bytes = KEY) -> str:
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()


BITBUCKET, GITEA, GITLAB = "x_hub_signature", "x_gitea_signature", "x_gitlab_token"


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("x_hub_signature_256", signature(b"{}"), 202),
        ("x_hub_signature_256", signature(b"{} "), 401),
        ("x_hub_signature_256", signature(b"{}", b""), 401),
        ("x_hub_signature_256", "", 401),
        ("x_hub_signature_256", "sha256=é".encode().decode("latin-1"), 401),
        (BITBUCKET, signature(b"{}"), 202),
        (BITBUCKET, "sha1=" + hmac.new(KEY, b"{}", hashlib.sha1).hexdigest(), 401),
        (GITEA, signature(b"{}").removeprefix("sha256="), 202),
        (GITEA, signature(b"{}"), 401),
        (GITLAB, KEY.decode(), 202),
        (GITLAB, "wrong", 401),
        (GITLAB, "", 401),
        ("authorization", "Bearer let-me-in", 202),
        ("authorization", "Bearer shared", 401),
    ],
)
def test_a_hook_needs_what_its_host_signs_with(served: Served, header: str, value: str, expected: int):
    """GitHub, Bitbucket, Gitea and GitLab, or our token. The payload is weighed, never believed."""
    with structlog.testing.capture_logs() as logged:
        assert expected == served.ask("/hooks/git", b"{}", **{header: value})[0]

    assert (expected == 202) == bool(served.controls.polled)
    refusals = [(line["path"], line["status"]) for line in logged if line["event"] == "request.refused"]
    assert ([] if expected == 202 else [("/hooks/git", 401)]) == refusals


@pytest.mark.parametrize("size", [2_300_000, MAX_BODY_BYTES])
def test_a_large_push_is_a_push(served: Served, size: int):
    """The largest that GitHub sends; it is weighed as it comes."""
    body = b"x" * size

    assert 202 == served.ask("/hooks/git", body, x_hub_signature_256=signature(body))[0]


@pytest.mark.parametrize(
    ("path", "host", "expected"),
    [
        ("/status", "evil.example", 421),
        ("/", "evil.example:8080", 421),
        ("/dataset/roses", "127.0.0.1.evil.example", 421),
        ("/status", "LocalHost.:9000", 200),
        ("/status", "[::1]:1", 200),
        ("/", "pages.example", 200),
        ("/livez", "10.1.2.3:8080", 200),
        ("/readyz", "evil.example", 200),
        ("/metrics", "evil.example", 200),
    ],
)
def test_pages_are_served_under_allowed_host_names_only(served: Served, path: str, host: str, expected: int):
    """A page elsewhere whose name leads here is not let in; probes come by the pod's address."""
    with structlog.testing.capture_logs() as logged:
        assert expected == served.ask(path, host=host)[0]

    assert [421] * (expected == 421) == [e["status"] for e in logged if e["event"] == "request.refused"]


def test_a_post_needs_its_secret_whatever_the_host(served: Served):
    """Which no page elsewhere has."""
    headers = {"host": "evil.example", "authorization": "Bearer let-me-in"}

    assert 202 == served.ask("/reconcile", b"", **headers)[0]


def test_a_body_is_bounded(served: Served):
    """However well it is signed."""
    body = b"x" * (MAX_BODY_BYTES + 1)

    assert 413 == served.ask("/hooks/git", body, x_hub_signature_256=signature(body))[0]


def test_without_secrets_every_post_is_refused():
    """An empty key signs as well as any: it must not be one."""
    registry = Registry("specs", lambda: 0.0, lambda: 0.0)
    app = application(Asked(), registry, Metrics("1"), Secrets())
    with listening(app, "127.0.0.1", 0) as url:
        bare = Served(url, Asked(), registry, Metrics("1"))

        assert 401 == bare.ask("/hooks/git", b"{}", x_hub_signature_256=signature(b"{}", b""))[0]
        assert 401 == bare.ask("/reconcile", b"", authorization="Bearer ")[0]


@pytest.mark.parametrize("path", ["/reconcile", "/suspend", "/resume", "/hooks/git"])
def test_a_post_is_a_post(served: Served, path: str):
    """A link that somebody follows changes nothing."""
    assert 405 == served.ask(path)[0]


def test_metrics_pass_the_official_linter(served: Served):
    """``promtool check metrics`` finds nothing to say."""
    served.metrics.cycle("roses", "converged", 0.1)
    served.metrics.update("roses", "submitted", 100, 0.0)
    served.metrics.update("roses", "finished", 100, 2.0)
    served.metrics.request("DescribeDataset", "OK", 0.1)
    served.metrics.request("DescribeDataset", "ThrottlingException", 0.1)
    code, text = served.ask("/metrics")

    assert 200 == code
    assert 'reconciler_condition{dataset="roses",status="True",type="Ready"} 1.0' in text
    assert 'reconciler_aws_throttles_total{operation="DescribeDataset"} 1.0' in text
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert (0, "") == (done.returncode, done.stdout + done.stderr)


def test_the_source_has_a_state_from_the_first_second():
    """Before anything was read there is something for an alert to fire on."""
    registry, metrics = Registry("specs", lambda: 0.0, lambda: 0.0), Metrics("1")
    metrics.watch(registry)

    assert 'reconciler_source_state{state="unread"} 1.0' in metrics.text().decode()
    registry.source_failure = FailureReason(Reason.SOURCE_UNAVAILABLE, "there is no such link")
    assert 'reconciler_source_state{state="unavailable"} 1.0' in metrics.text().decode()
    registry.source_failure, registry.source_confirmed_at = None, 7.0
    text = metrics.text().decode()
    assert 'reconciler_source_state{state="ready"} 1.0' in text
    assert "reconciler_source_confirmed_timestamp_seconds 7.0" in text


def test_a_dataset_that_is_gone_has_no_gauges(served: Served):
    """A scrape tells what is, not what was."""
    del served.registry.states["roses"]

    assert "reconciler_condition{" not in served.ask("/metrics")[1]


def test_the_metrics_are_the_public_contract(served: Served):
    """Names are public: neither more nor fewer."""
    names = {f"reconciler_{name}" for name in CONTRACT.split()}

    assert (names, names) == (set(LABELS), {family.name for family in served.metrics.registry.collect()})
