"""Change windows and a freeze: what is withheld is planned, shown and counted, with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
from tests.cli.specs import dataset

FROZEN = 'freeze: {until: "2999-12-31", reason: a model is being compared}'
DENIED = 'windows: [{kind: deny, cron: "* * * * *", duration: 1h, reason: never}]'


@pytest.fixture(autouse=True)
def _specs(place: Path) -> None:
    Path("specs").mkdir()


def write(policy: str, *images: str) -> None:
    Path("specs/dataset.yaml").write_text(
        dataset(f"mode: upsert, orphans: rebuild, {policy}", file="images.jsonl")
    )
    Path("specs/images.jsonl").write_text("".join(f'{{"source-ref":"s3://b/{name}"}}\n' for name in images))


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]):
    def run(*words: str) -> tuple[int, Any]:
        code = main([*words, "-o", "json", *(["--local"] if words[0] != "status" else [])])
        (dataset,) = json.loads(capsys.readouterr().out)["datasets"]
        return code, dataset

    return run


@pytest.mark.parametrize(
    ("policy", "setting", "reason", "condition"),
    [
        (FROZEN, "freeze", "freeze until 3000-01-01T00:00:00Z: a model is being compared", "Frozen"),
        (DENIED, "windows", "outside the change windows: never", "OutsideChangeWindow"),
    ],
)
def test_what_is_withheld_stands_in_every_document(ran, policy, setting, reason, condition):
    write("allowEmpty: true", "a.jpg")
    assert 0 == ran("apply")[0]
    write(policy, "a.jpg", "b.jpg")

    code, plan = ran("plan", "--detailed-exitcode")

    assert (2, False, []) == (code, plan["applyable"], plan["batches"])
    assert [setting] == [change["withheld"] for change in plan["changes"]]
    assert setting == plan["closed"]["by"]
    assert plan["closed"]["reason"] in reason

    for command in (["apply"], ["run", "--once"]):
        code, result = ran(*command)
        assert (0, "withheld", 1, 0) == (
            code,
            result["verdict"],
            result["counts"]["withheld"],
            result["updates"],
        )
        assert [("s3://b/b.jpg", f"new in git, {reason}")] == [
            (entry["source_ref"], entry["reason"]) for entry in result["withheld"]
        ]

        _, status = ran("status")
        truth = {one["type"]: one for one in status["conditions"]}
        assert 1 == status["counts"]["withheld"]
        assert ("True", condition, f"changes are withheld: {reason}") == tuple(
            truth["Ready"][key] for key in ("status", "reason", "message")
        )
        assert "False" == truth["InSync"]["status"]


def test_a_person_sends_it_with_a_flag(ran):
    write(FROZEN, "a.jpg")
    assert "withheld" == ran("apply")[1]["verdict"]  # not even the dataset is created

    _, plan = ran("plan", "--allow-frozen")
    assert (True, [None]) == (plan["applyable"], [change.get("withheld") for change in plan["changes"]])
    code, result = ran("apply", "--allow-frozen")

    assert (0, "converged", 1) == (code, result["verdict"], result["counts"]["added"])


def test_people_read_why_and_what_to_do(capsys: pytest.CaptureFixture[str]):
    write(FROZEN, "a.jpg")

    main(["plan", "--local"])

    out = capsys.readouterr().out
    assert "1 not sent: new in git (policy freeze)" in out
    assert "Closed: freeze until 3000-01-01T00:00:00Z: a model is being compared. With --allow-frozen" in out
    assert "reconciler apply" not in out


def test_a_frozen_dataset_is_not_rebuilt(ran, capsys: pytest.CaptureFixture[str]):
    write("allowEmpty: true", "a.jpg", "b.jpg")
    assert 0 == ran("apply")[0]
    write(FROZEN, "a.jpg")

    main(
        [
            "rebuild",
            "--dataset",
            "bees",
            "--plan-digest",
            "0" * 32,
            "--bucket",
            "s3://kept/x",
            "--local",
            "-o",
            "json",
        ]
    )

    (result,) = json.loads(capsys.readouterr().out)["datasets"]
    assert "CLOSED" in {error["code"] for error in result["errors"]}
