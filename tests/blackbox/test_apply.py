"""Guards, kept plans and exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.blackbox.lab import Lab, image_level, mixed, ref
from tests.blackbox.standin import ACCOUNT


def codes(ran: Any) -> set[str]:
    return {guard["code"] for guard in ran.only["guards"]}


def roses(count: int, label: str = "rose") -> list[str]:
    return [image_level(ref(n), label) for n in range(count)]


GUARDS: dict[str, dict[str, Any]] = {
    "ratio": {},
    "count": {"limits": {"maxChangeRatio": 1, "maxChanges": 11}},
    "protected": {"limits": {"maxChangeRatio": 1}, "protect": ["s3://acme-flowers/train/*_0003.*"]},
    "account": {
        "limits": {"maxChangeRatio": 1},
        "target": {"project": "flowers", "type": "TRAIN", "accountId": "999988887777"},
    },
}


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_blocks_the_apply_and_never_the_plan(lab: Lab, name: str) -> None:
    lab.service.make("flowers", lines=roses(12, "tulip"))
    lab.lines(roses(12))
    lab.spec(**GUARDS[name])
    plan = lab.plan("--detailed-exitcode")
    assert plan.code == 2, plan
    assert len(plan.only["changes"]) == 12
    assert plan.only["applyable"] is False
    assert len(plan.only["guards"]) == 1, plan
    applied = lab.apply()
    assert applied.code == 6, applied
    assert applied.only["verdict"] == "blocked"
    assert applied.only["errors"]
    assert lab.service.writes == []


def test_a_foreign_account_blocks_what_would_have_to_be_made(lab: Lab) -> None:
    """The account is asserted before the first call that writes, also where there is no ARN to tell it."""
    lab.lines(roses(3))
    lab.spec(target={"project": "flowers", "type": "TRAIN", "create": True, "accountId": "999988887777"})
    ran = lab.apply()
    assert ran.code in (6, 8), ran
    assert lab.service.writes == []
    lab.spec(target={"project": "flowers", "type": "TRAIN", "create": True, "accountId": ACCOUNT})
    assert lab.apply().code == 0


def test_protection_is_lifted_by_the_flag_alone(lab: Lab) -> None:
    lab.service.make("flowers", lines=roses(4, "tulip"))
    lab.lines(roses(4))
    lab.spec(protect=["s3://acme-flowers/**"])
    assert lab.apply().code == 6
    assert lab.apply("--allow-protected").code == 0
    lab.assert_in_order()


def test_the_ratio_counts_from_ten_observed_entries_on(lab: Lab) -> None:
    lab.service.make("flowers", lines=roses(9, "tulip"))
    lab.lines(roses(9))
    lab.spec()
    assert codes(lab.plan()) == set()
    assert lab.apply().code == 0
    lab.assert_in_order()


@pytest.mark.parametrize("moved", ["specs", "dataset", "state", "nothing"])
def test_a_kept_plan_is_applied_exactly_or_not_at_all(lab: Lab, moved: str) -> None:
    lab.service.make("flowers", lines=roses(4, "tulip"))
    lab.lines(roses(4))
    lab.spec()
    planned = lab.plan("--out", "plan.json")
    assert planned.code == 0, planned
    assert json.loads((lab.directory / "plan.json").read_text()) == planned.json
    if moved == "specs":
        lab.lines([*roses(4), image_level(ref(4), "rose")])
    elif moved == "dataset":
        lab.service.make("flowers", "TEST")
        dataset = lab.service.dataset("flowers")
        dataset.entries[ref(0)] = dataset.entries[ref(0)].replace("tulip", "peony")
        dataset.touch()
    elif moved == "state":  # somebody else already did the whole work
        assert lab.apply("--state-dir", "other").code == 0
        lab.service.calls.clear()
    applied = lab.apply("--plan", "plan.json")
    if moved == "nothing":
        assert (applied.code, applied.only["updates"]) == (0, 1), applied
    else:
        assert applied.code == 6, applied
        assert applied.only["verdict"] == "blocked"
        assert lab.service.writes == []
    lab.assert_in_order()


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"format":"plan/v2"}', '{"format":"plan/v1","digest":"']
)
def test_a_file_that_is_no_plan_is_refused(lab: Lab, content: str) -> None:
    lab.lines(roses(2))
    lab.spec()
    lab.service.make("flowers")
    lab.write("plan.json", content)
    ran = lab.apply("--plan", "plan.json")
    assert ran.code in (3, 5, 64), ran
    assert lab.service.calls == []
    assert ran.err.strip()


def test_detailed_exit_codes_distinguish_pending_from_drift(lab: Lab) -> None:
    lab.lines(roses(3))
    lab.spec()
    dataset = lab.service.make("flowers")
    assert lab.plan().code == 0
    assert lab.plan("--detailed-exitcode").code == 2
    assert lab.apply().code == 0
    assert lab.plan("--detailed-exitcode").code == 0
    dataset.entries[ref(1)] = dataset.entries[ref(1)].replace("rose", "tulip")
    del dataset.entries[ref(2)]
    dataset.touch()
    drifted = lab.plan("--detailed-exitcode")
    assert drifted.code == 4, drifted
    assert {c["source_ref"]: c["cause"] for c in drifted.only["changes"]} == {
        ref(1): "drift_modified",
        ref(2): "drift_removed",
    }
    (change,) = (c for c in drifted.only["changes"] if c["action"] == "update")
    assert {"path": "/a0-metadata/class-name", "before": "tulip", "after": "rose"} in change["fields"]


def test_report_only_drift_is_not_overwritten(lab: Lab) -> None:
    lab.lines(roses(3))
    lab.spec(policy={"mode": "upsert", "onDrift": "report"})
    dataset = lab.service.make("flowers")
    assert lab.apply().code == 0
    dataset.entries[ref(1)] = dataset.entries[ref(1)].replace("rose", "tulip")
    dataset.touch()
    lab.service.calls.clear()
    ran = lab.apply()
    assert lab.service.writes == []
    assert (0, "withheld") == (ran.code, ran.only["verdict"])
    assert [ref(1)] == [entry["source_ref"] for entry in ran.only["withheld"]]


def test_the_gravest_code_of_several_datasets_wins(lab: Lab) -> None:
    """3 before 6 before 7 before 0."""
    lab.service.make("flowers")
    lab.service.make("guarded", lines=roses(12, "tulip"))
    lab.service.make("picky")
    lab.service.habits.drops = frozenset({ref(1)})
    for name in ("flowers", "guarded", "picky", "missing"):
        lab.lines(roses(12), f"{name}.jsonl")
        target = {"project": name, "type": "TRAIN"}
        lab.spec(name, entries=f"{name}.jsonl", target=target)
    ran = lab.apply()
    assert ran.code == 3, ran
    verdicts = {d["name"]: d["verdict"] for d in ran.json["datasets"]}
    assert verdicts == {"flowers": "partial", "guarded": "blocked", "picky": "partial", "missing": "unknown"}
    assert lab.apply("--dataset", "guarded", "--dataset", "picky").code == 6
    lab.assert_in_order()


def test_selection_by_name_and_label(lab: Lab) -> None:
    lab.lines(roses(2))
    lab.spec("a")
    lab.spec("b", target={"project": "flowers", "type": "TEST"})
    lab.service.make("flowers")
    lab.service.make("flowers", "TEST")
    assert [d["name"] for d in lab.plan("--dataset", "b").json["datasets"]] == ["b"]
    assert lab.plan("--dataset", "nobody").code in (5, 64)
    assert lab.plan("--selector", "team=none").code in (0, 5, 64)


def test_same_inputs_give_the_same_bytes(lab: Lab) -> None:
    lab.lines(mixed(20))
    lab.spec()
    (lab.directory / "listing.jsonl").write_text("".join(x + "\n" for x in mixed(9)))
    first = lab.plan("--observed", "listing.jsonl")
    lab.env["PYTHONHASHSEED"] = "7"
    assert lab.plan("--observed", "listing.jsonl").out == first.out
    assert first.only["counts"]["unchanged"] == 9
    refs = [c["source_ref"] for c in first.only["changes"]]
    assert refs == sorted(refs)
    assert len(refs) == 11
    assert lab.service.calls == []


def test_observed_needs_one_dataset_and_a_readable_listing(lab: Lab) -> None:
    lab.lines(roses(2))
    lab.spec("a")
    lab.spec("b", target={"project": "flowers", "type": "TEST"})
    lab.write("listing.jsonl", "")
    assert lab.plan("--observed", "listing.jsonl").code == 64
    assert lab.plan("--observed", "listing.jsonl", "--dataset", "a").code == 0
    assert lab.run("plan", "--observed", "nowhere.jsonl", "--dataset", "a").code == 64
    for text in ('{"source-ref": "s3://acme-flowers/tr', '{"DatasetEntries":["{}"]}\n', "{}\n"):
        lab.write("listing.jsonl", text)
        ran = lab.run("plan", "--observed", "listing.jsonl", "--dataset", "a", "-o", "json")
        assert (ran.code, ran.out) == (64, ""), ran
        assert "listing.jsonl:1: not a listed entry" in ran.err
    assert lab.service.calls == []


@pytest.mark.parametrize("twice", ["img_0001", "elsewhere"])
def test_observed_with_a_duplicate_names_the_file(lab: Lab, twice: str) -> None:
    """Whether the specs know the image or not: the listing is of two states, and no plan is made of it."""
    lab.lines(roses(2))
    lab.spec("a")
    once = '{"source-ref":"s3://acme-flowers/train/%s.jpg"}\n'
    lab.write("listing.jsonl", once % twice + once % "another" + once % twice)
    ran = lab.plan("--observed", "listing.jsonl")
    assert (64, "") == (ran.code, ran.out)
    assert f"listing.jsonl: s3://acme-flowers/train/{twice}.jpg is listed twice" in ran.err
    assert lab.service.calls == []


def test_observed_beside_a_broken_dataset(lab: Lab) -> None:
    """What is wrong with the specs is told; it is no fault of the command line."""
    lab.lines(roses(2))
    lab.write("listing.jsonl", "")
    lab.spec("a", target={})
    ran = lab.plan("--observed", "listing.jsonl")
    assert (5, "RKD1207") == (ran.code, ran.only["errors"][0]["code"]), ran
    lab.spec("b")
    assert lab.plan("--observed", "listing.jsonl").code == 64
    assert lab.plan("--observed", "listing.jsonl", "--dataset", "b").code == 0


def test_the_region_and_arn_of_a_target_are_obeyed(lab: Lab) -> None:
    dataset = lab.service.make("flowers")
    lab.lines(roses(2))
    lab.spec(target={"datasetArn": dataset.arn})
    ran = lab.apply()
    assert ran.code == 0, ran
    assert ran.only["arn"] == dataset.arn
    lab.assert_in_order()


def test_export_gives_a_spec_whose_plan_is_empty_byte_for_byte(lab: Lab) -> None:
    lab.service.make("flowers", lines=mixed(12))
    lab.service.habits.reorder = True
    ran = lab.run("export", "--project", "flowers", "--type", "TRAIN", "-d", "out")
    assert ran.code == 0, ran
    lab.service.habits.reorder = False
    lab.service.habits.reverse_listing = True
    assert lab.run("export", "--project", "flowers", "--type", "TRAIN", "-d", "again").code == 0
    first = {p.name: p.read_bytes() for p in (lab.directory / "out").iterdir()}
    assert {p.name: p.read_bytes() for p in (lab.directory / "again").iterdir()} == first
    (listing,) = (data for name, data in first.items() if name.endswith(".jsonl"))
    refs = [json.loads(line)["source-ref"] for line in listing.splitlines()]
    assert refs == sorted(refs)
    assert b"cl-metadata" not in listing
    plan = lab.plan("out", "--detailed-exitcode")
    assert plan.code == 0, plan
    assert plan.only["changes"] == []
    assert lab.service.writes == []
    assert lab.run("export", "--project", "nobody", "--type", "TRAIN", "-d", "no").code == 3
    assert lab.run("export", "--project", "flowers", "--type", "TEST", "-d", "no").code == 3
    lab.assert_in_order()


def test_an_empty_dataset_can_be_exported_and_planned(lab: Lab) -> None:
    lab.service.make("flowers")
    assert lab.run("export", "--project", "flowers", "--type", "TRAIN", "-d", "out").code == 0
    plan = lab.plan("out", "--detailed-exitcode")
    assert plan.code == 0, plan
