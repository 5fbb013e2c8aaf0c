"""From a spec to a converged dataset, and nothing left to do."""

from __future__ import annotations

import json

import pytest

from tests.blackbox.lab import Lab, boxes, image_level, mixed, ref


@pytest.mark.slow
def test_hundreds_of_mixed_lines_converge_on_a_service_that_reorders_and_renumbers(lab: Lab) -> None:
    """The second plan is empty; one edit is one change; nothing is sent that need not be."""
    lines = mixed(700)
    lab.lines(lines)
    lab.spec(target={"project": "flowers", "type": "TRAIN", "create": True})
    lab.service.habits.reorder = True
    lab.service.habits.reverse_listing = True
    lab.service.habits.last_token = ""

    first = lab.apply()
    assert (first.code, first.only["verdict"]) == (0, "converged"), first
    assert first.only["counts"] == {"added": 700, "updated": 0, "withheld": 0}
    assert first.only["verified"] is True
    assert {json.loads(line)["source-ref"] for line in lines} == set(lab.service.entries("flowers"))

    again = lab.plan("--detailed-exitcode")
    assert again.code == 0, again
    assert again.only["changes"] == []
    assert again.only["counts"]["unchanged"] == 700

    lines[0] = image_level(ref(0), "peony")
    lab.lines(lines)
    edited = lab.plan("--detailed-exitcode")
    assert edited.code == 2, edited
    (change,) = edited.only["changes"]
    assert (change["action"], change["source_ref"]) == ("update", ref(0))
    assert change["cause"] == "spec_changed"
    assert change["origin"] == "specs/train.jsonl:1"
    assert edited.only["batches"] == [{"entries": 1, "bytes": len(lines[0].encode()) + 1}]

    second = lab.apply()
    assert second.code == 0, second
    assert second.only["counts"] == {"added": 0, "updated": 1, "withheld": 0}
    assert len(lab.service.sent()[-1]) == 1
    assert lab.service.resent == []
    lab.assert_in_order()


def test_a_third_apply_sends_nothing(lab: Lab) -> None:
    lab.lines(mixed(5))
    lab.spec()
    lab.service.make("flowers")
    assert lab.apply().code == 0
    again = lab.apply()
    assert (again.code, again.only["updates"], again.only["verdict"]) == (0, 0, "converged")
    assert len(lab.service.writes) == 1
    lab.assert_in_order()


def test_reading_commands_never_write(lab: Lab) -> None:
    """Plan, validate and mode observe make no call that writes; nor does plan where create is true."""
    lab.lines(mixed(5))
    lab.spec("d", policy={"mode": "observe"}, target={"project": "flowers", "type": "TRAIN", "create": True})
    assert lab.run("validate", "-o", "json").code == 0
    assert lab.service.calls == []
    assert lab.plan().code == 0
    observed = lab.apply()
    assert (observed.code, observed.only["verdict"]) == (0, "observed"), observed
    lab.service.make("flowers", lines=[boxes(ref(0), ("rose", 1, 2, 3, 4))])
    assert lab.plan().only["counts"]["add"] == 4
    observed = lab.apply()
    assert (observed.code, observed.only["verdict"]) == (0, "observed"), observed
    assert lab.service.writes == []


def test_create_only_adds_and_never_changes(lab: Lab) -> None:
    lab.lines([image_level(ref(0), "rose"), image_level(ref(1), "rose")])
    lab.spec(policy={"mode": "create-only"})
    lab.service.make("flowers", lines=[image_level(ref(0), "tulip")])
    result = lab.apply()
    assert lab.service.sent() == [[image_level(ref(1), "rose")]]
    assert result.only["counts"] == {"added": 1, "updated": 0, "withheld": 1}
    lab.assert_in_order()


def test_ignored_fields_are_copied_from_the_observed_line(lab: Lab) -> None:
    """An ignored difference is no change; where another field changes, the ignored one stays as observed."""
    theirs = image_level(ref(0), "rose").replace("2021-07-11T03:33:42.025Z", "2024-01-01T00:00:00.000Z")
    lab.service.make("flowers", lines=[theirs, image_level(ref(1), "tulip")])
    lab.lines([image_level(ref(0), "rose"), image_level(ref(1), "tulip")])
    lab.spec(
        ignore=[{"paths": ["/*-metadata/creation-date", "/*-metadata/job-name"], "match": "s3://acme-*/**"}]
    )
    clean = lab.plan("--detailed-exitcode")
    assert clean.code == 0, clean
    assert clean.only["counts"]["unchanged"] + clean.only["counts"]["ignored"] == 2

    lab.lines([image_level(ref(0), "peony"), image_level(ref(1), "tulip")])
    assert lab.apply().code == 0
    stored = lab.service.entries("flowers")[ref(0)]["a0-metadata"]
    assert stored["class-name"] == "peony"
    assert stored["creation-date"] == "2024-01-01T00:00:00.000Z"
    assert stored["job-name"] == "labeling-job/rose"
    lab.assert_in_order()


def test_compare_labels_sees_image_labels_and_boxes_alone(lab: Lab) -> None:
    box = boxes(ref(1), ("rose", 10, 20, 30, 40))
    other = json.loads(box)
    other = {
        "source-ref": ref(1),
        "train_BB": {**other["bb"], "annotations": [{**other["bb"]["annotations"][0], "class_id": 7}]},
        "train_BB-metadata": {
            **other["bb-metadata"],
            "class-map": {"7": "rose"},
            "creation-date": "2024-01-01T00:00:00.000Z",
            "objects": [{"confidence": 0.5}],
        },
    }
    renamed = image_level(ref(0), "rose").replace('"a0', '"train_rose').replace("2021", "2024")
    lab.service.make("flowers", lines=[renamed, json.dumps(other)])
    lab.lines([image_level(ref(0), "rose"), box])
    lab.spec(policy={"mode": "upsert", "compare": "labels"})
    assert lab.plan("--detailed-exitcode").code == 0
    lab.lines([image_level(ref(0), "rose"), box.replace('"left": 10', '"left": 11')])
    moved = lab.plan("--detailed-exitcode")
    assert moved.code == 2, moved
    assert [c["source_ref"] for c in moved.only["changes"]] == [ref(1)]


def test_entries_only_aws_knows_are_reported_and_left_alone(lab: Lab) -> None:
    lab.service.make("flowers", lines=[image_level(ref(9), "rose"), image_level(ref(0), "rose")])
    lab.lines([image_level(ref(0), "rose")])
    lab.spec()
    plan = lab.plan("--detailed-exitcode")
    (orphan,) = plan.only["changes"]
    assert (orphan["action"], orphan["cause"], orphan["origin"]) == ("orphan", "orphan", None)
    assert lab.apply().code == 0
    assert lab.service.writes == []


def test_several_updates_each_stay_below_five_million_bytes(lab: Lab) -> None:
    """As few as the bytes allow."""
    filler = "x" * 90_000
    lab.lines(image_level(ref(n), "rose", note=filler) for n in range(120))
    lab.spec()
    lab.service.make("flowers")
    result = lab.apply()
    assert result.code == 0, result
    assert result.only["updates"] == 3
    lab.assert_in_order()


def test_yaml_shorthand_reaches_the_service_as_manifest_lines(lab: Lab) -> None:
    lab.write(
        "specs/labels.yaml",
        """\
apiVersion: reconciler/v1
kind: Entries
base: s3://acme-flowers/train/
createdAt: 2026-03-01T12:00:00
images:
  - image: spurge1.jpg
    labels: [mediterranean_spurge, with_leaves]
  - image: desk.png
    size: [640, 480]
    boxes:
      - {label: Echo, left: 86, top: 65, width: 220, height: 334}
  - image: later.jpg
""",
    )
    lab.spec(entries="labels.yaml")
    lab.service.make("flowers")
    assert lab.apply().code == 0
    assert lab.plan("--detailed-exitcode").code == 0
    stored = lab.service.entries("flowers")
    assert list(stored) == [f"s3://acme-flowers/train/{n}" for n in ("desk.png", "later.jpg", "spurge1.jpg")]
    desk = stored["s3://acme-flowers/train/desk.png"]
    (meta,) = (value for key, value in desk.items() if key.endswith("-metadata"))
    assert meta["creation-date"].startswith("2026-03-01T12:00:00")
    assert list(meta["class-map"].values()) == ["Echo"]
    assert stored["s3://acme-flowers/train/later.jpg"] == {"source-ref": "s3://acme-flowers/train/later.jpg"}
    lab.assert_in_order()
