"""The state as JSON, the reset, the health and the page of the control endpoint."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest

from reconciler.emulator.behaviour.settings import ManualClock, Settings
from reconciler.emulator.server import Emulator, serve
from reconciler.emulator.testing import client
from tests.emulator.builders import boxed, dataset, describe, labelled, listed, refs
from tests.waiting import until

SHORT = {
    "projects": [
        {
            "name": "flowers",
            "datasets": [
                {"type": "TRAIN", "lines": [json.loads(labelled("a.jpg", "rose"))], "labels": ["lily"]}
            ],
        }
    ],
    "buckets": [{"name": "images", "objects": [{"key": "a.txt", "text": "ü"}]}],
}


def control(url: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Call the control endpoint; GET without a body."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(f"{url}/_emulator{path}", data, sent)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()


def test_a_dump_seeds_another_emulator_with_the_same_state(rekognition_emulator, rekognition, s3):
    """ARNs, tags, lines with their errors, declared labels, and objects: a dump of the copy is the same."""
    train = dataset(rekognition, labelled("a.jpg", "rose"), boxed("b.jpg", ("lily", -5, 1, 9, 9)))
    rekognition.tag_resource(ResourceArn=train, Tags={"team": "botany"})
    rekognition_emulator.emulator.console.declare_label(train, "tulip")
    s3.create_bucket(Bucket="images")
    s3.put_object(
        Bucket="images", Key="ü/1.jpg", Body=b"\xff\x00", ContentType="image/jpeg", Metadata={"a": "b"}
    )
    status, dumped = control(rekognition_emulator.url, "/state")
    assert 200 == status

    other = Emulator(clock=ManualClock())
    with serve(other) as copy:
        assert (200, {"arns": [*re.findall(r'"(arn:[^"]+)', dumped)]}) == (
            (seeded := control(copy.url, "/state", json.loads(dumped)))[0],
            json.loads(seeded[1]),
        )
        assert json.loads(dumped) == json.loads(control(copy.url, "/state")[1])
        assert listed(rekognition, train) == listed(client(copy), train)
        assert b"\xff\x00" == client(copy, "s3").get_object(Bucket="images", Key="ü/1.jpg")["Body"].read()
    other.close()


def test_a_short_state_is_written_by_hand(rekognition_emulator, rekognition, s3):
    """Names, types and lines are enough; the answer says the ARNs."""
    _, answer = control(rekognition_emulator.url, "/state", SHORT)
    project, train = json.loads(answer)["arns"]

    assert [project] == [p["ProjectArn"] for p in rekognition.describe_projects()["ProjectDescriptions"]]
    assert ["a.jpg"] == refs(listed(rekognition, train))
    assert ("CREATE_COMPLETE", 2) == (
        describe(rekognition, train)["Status"],
        describe(rekognition, train)["DatasetStats"]["TotalLabels"],
    )
    assert "ü" == s3.get_object(Bucket="images", Key="a.txt")["Body"].read().decode()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"project": []}, "has no project"),
        ({"projects": [{}]}, "name: None"),
        ({"projects": {}}, "projects: {}"),
        ({"projects": [{"name": "p"}, {"name": "p"}]}, "there is a project p already"),
        ({"projects": [{"name": "p", "datasets": [{"type": "X"}]}]}, "neither TRAIN nor TEST"),
        ({"projects": [{"name": "p", "datasets": [{"type": "TRAIN", "lines": ["", "{}"]}]}]}, "line 1 would"),
        ({"projects": [{"name": "p"}], "buckets": [{"name": "b"}, {"name": "b"}]}, "there already"),
        ({"buckets": [{"name": "b", "objects": [{"key": "a", "base64": "?"}]}]}, "base64"),
    ],
)
def test_a_state_that_is_wrong_is_named_and_nothing_of_it_is_kept(rekognition_emulator, state, words):
    status, answer = control(rekognition_emulator.url, "/state", state)

    assert (400, True) == (status, words in answer), answer
    assert {"projects": [], "buckets": []} == json.loads(control(rekognition_emulator.url, "/state")[1])


def test_a_reset_forgets_what_clients_made_and_what_was_set(rekognition_emulator, rekognition, emulator):
    """But not what the emulator was started with; and no ARN comes again."""
    url = rekognition_emulator.url
    before = json.loads(control(url, "")[1])
    _, seeded = control(url, "/state", SHORT)
    control(url, "/settings", {"update_seconds": 9})
    control(url, "/switches", {"floats": "error"})
    control(url, "/faults", {"kind": "throttle", "operations": ["DescribeDataset"]})

    assert 200 == control(url, "/reset", {})[0]

    assert before | {"now": 0} == json.loads(control(url, "")[1]) | {"now": 0}
    assert [] == json.loads(control(url, "/calls")[1])
    assert {"projects": [], "buckets": []} == json.loads(control(url, "/state")[1])
    _, again = control(url, "/state", SHORT)
    assert set(json.loads(seeded)["arns"]).isdisjoint(json.loads(again)["arns"])
    control(url, "/reset", {})
    store = emulator._context.store
    until(lambda: store.one("SELECT 1 FROM entries UNION ALL SELECT 1 FROM chunks") is None)


def test_what_the_control_endpoint_set_survives_a_restart(tmp_path):
    """Settings, switches, faults with their counts, and trainings; a reset ends that."""
    emulator = Emulator(tmp_path, Settings(create_seconds=3))
    with serve(emulator) as server:
        project = client(server).create_project(ProjectName="p")["ProjectArn"]
        control(server.url, "/settings", {"update_seconds": 9})
        control(server.url, "/switches", {"floats": "error"})
        control(
            server.url,
            "/faults",
            {"kind": "internal-error", "operations": ["ListTagsForResource"], "times": 2},
        )
        control(server.url, "/console", {"do": "start_training", "project": project, "version": "1"})
        with pytest.raises(client(server).exceptions.InternalServerError):
            client(server).list_tags_for_resource(ResourceArn=project)
    emulator.close()

    again = Emulator(tmp_path, Settings(create_seconds=4))
    with serve(again) as server:
        shown = json.loads(control(server.url, "")[1])
        assert (4, 9, "error") == (
            shown["settings"]["create_seconds"],
            shown["settings"]["update_seconds"],
            shown["switches"]["floats"],
        )
        assert [(2, 1)] == [(fault["times"], fault["hit"]) for fault in shown["faults"]]
        versions = client(server).describe_project_versions(ProjectArn=project)["ProjectVersionDescriptions"]
        assert ["TRAINING_IN_PROGRESS"] == [version["Status"] for version in versions]
        control(server.url, "/reset", {})
    again.close()

    last = Emulator(tmp_path)
    assert (Settings(), []) == (last.settings, last.faults.armed())
    last.close()


def test_health_is_answered_while_a_rate_is_exceeded(rekognition_emulator):
    assert (200, {"status": "ok"}) == (
        (a := control(rekognition_emulator.url, "/health"))[0],
        json.loads(a[1]),
    )


def test_a_browser_gets_a_page_of_what_is_there(rekognition_emulator, rekognition):
    """Escaped, without scripts; other clients get JSON."""
    train = dataset(rekognition, labelled("a.jpg", "rose"), project="flowers")
    with pytest.raises(rekognition.exceptions.ClientError):
        rekognition.describe_dataset(DatasetArn=train.replace("flowers", "weeds"))
    accept = {"Accept": "text/html,*/*;q=0.8"}

    status, html = control(rekognition_emulator.url, "", headers=accept)

    assert (200, True, False) == (status, html.startswith("<!doctype html>"), "<script" in html)
    assert re.search(r"flowers.*111122223333 us-east-1.*TRAIN.*CREATE_COMPLETE|UPDATE_COMPLETE", html)
    assert '<span class="bad">ResourceNotFoundException</span>' in html
    control(rekognition_emulator.url, "/faults", {"kind": "latency", "operations": ["<b>"]})
    assert "&lt;b&gt;" in control(rekognition_emulator.url, "", headers=accept)[1]
    assert "switches" in json.loads(control(rekognition_emulator.url, "")[1])


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:4580", 200),
        ("127.0.0.1", 200),
        ("[::1]:4580", 200),
        ("emulator:4580", 200),
        ("bucket.localhost", 200),
        ("attacker.example", 403),
        ("localhost.attacker.example:4580", 403),
        ("emulator.ci.svc:4580", 200),
        ("xemulator.ci.svc:4580", 403),
    ],
)
def test_a_name_with_a_domain_must_be_allowed(host, status):
    """A page of a foreign domain that resolves to the loopback can neither read nor write."""
    emulator = Emulator(hosts=["emulator.ci.svc"])
    with serve(emulator) as server:
        assert status == control(server.url, "/health", headers={"Host": host})[0]
    emulator.close()
