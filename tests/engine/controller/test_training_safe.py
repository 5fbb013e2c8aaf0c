"""TrainingSafe in the controller: it follows both datasets of a project, whichever of them moves."""

from __future__ import annotations

import json
from contextlib import closing

import orjson
import pytest

from reconciler.cli.main import main
from reconciler.state import State
from tests.builders import classified
from tests.engine.months import Months

HOUR = 3_600.0


def write(months: Months, kind: str, names: str, policy: str = "") -> None:
    months.write(f"roses-{kind}", *names, policy=policy)
    path = months.specs / f"roses-{kind}.yaml"
    target = f"{{project: roses, type: {kind.upper()}, create: true}}"
    text = path.read_text().replace(f"{{project: roses-{kind}, type: TRAIN, create: true}}", target)
    path.write_text(text)


def safe(months: Months) -> set[str]:
    return {months.conditions(name)["TrainingSafe"] for name in ("roses-train", "roses-test")}


def test_it_is_true_once_both_are_in_place_and_false_when_either_moves(months: Months):
    write(months, "train", "abc")
    write(months, "test", "de")
    months.settle()
    months.settle()
    assert {"True"} == safe(months)

    months.emulator.console.put(months.arn("roses-test"), orjson.loads(classified("d", "daisy")))
    write(months, "test", "de", policy="onDrift: report")
    months.settle()
    months.settle()

    assert {"False"} == safe(months)


def test_a_shared_image_is_noticed_and_forgotten_from_either_side(months: Months):
    write(months, "train", "abc")
    months.settle()
    write(months, "test", "cd")
    months.settle()
    months.settle()
    assert "True" not in safe(months)  # blocked by the guard, so not in sync

    write(months, "test", "d")
    months.settle()
    months.settle()

    assert {"True"} == safe(months)


def test_it_becomes_unknown_with_the_observation_of_either_dataset(months: Months):
    write(months, "train", "abc")
    write(months, "test", "de")
    months.settle()
    months.settle()

    months.dataset_state("roses-test").scanned_at -= 7 * HOUR

    assert {"Unknown"} == safe(months)
    assert "True" == months.conditions("roses-train")["InSync"]


def test_without_the_other_dataset_it_is_unknown(months: Months):
    months.write("roses", *"ab")
    months.settle()

    assert "Unknown" == months.conditions("roses")["TrainingSafe"]
    assert "OtherDatasetUnknown" == months.reasons("roses")["TrainingSafe"]


def test_a_restart_knows_it_after_one_quiet_cycle_of_each(months: Months):
    write(months, "train", "abc")
    write(months, "test", "de")
    months.settle()
    months.settle()

    again = months.restarted()
    again.settle()

    assert {"True"} == safe(again)


@pytest.mark.slow
def test_status_reads_it_from_both_records_and_the_journal(months: Months, capsys):
    write(months, "train", "abc")
    write(months, "test", "de")
    months.settle()
    months.settle()

    def status(*flags: str) -> tuple[int, set[str]]:
        place = ["--state-dir", str(months.place / "state"), "-o", "json"]
        code = main(
            ["status", str(months.specs), *place, "--wait", "TrainingSafe", "--timeout", "1s", *flags]
        )
        found = json.loads(capsys.readouterr().out)["datasets"]
        return code, {c["status"] for d in found for c in d["conditions"] if c["type"] == "TrainingSafe"}

    capsys.readouterr()
    assert (0, {"True"}) == status()

    record = months.state.statuses()["roses-test"]
    months.state.record("roses-test", {**record, "believed_until": "2026-01-01T00:00:00Z"})
    assert (3, {"Unknown"}) == status("--dataset", "roses-train")
    months.state.record("roses-test", record)

    begun = months.state.journal.begin("roses-test", "arn", ["s3://b/d.jpg"], 0.0, "")
    assert (2, {"False"}) == status("--dataset", "roses-train")

    months.state.journal.end(begun, "finished")
    with closing(State(months.place / "state")) as other:
        train = other.statuses()["roses-train"]
        for one in train["conditions"]:
            one["status"] = "False" if one["type"] == "InSync" else one["status"]
        other.record("roses-train", train)
    assert (2, {"False"}) == status("--dataset", "roses-test")
