"""The law of `propose`: the patch applies, then the plan is empty, and nothing else was touched."""

from __future__ import annotations

import json
import random
import re
import uuid

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.core.entries.entry import DETECTION, Fields, error_codes
from tests.propose.bench import Bench
from tests.propose.handwriting import CREATED, jsonl, shorthand

IGNORING = '  ignore:\n    - paths: ["/*-metadata/creation-date", "/*-metadata/job-name"]\n'


# Somebody takes the labels off an image whose line in git holds a key beside them, which alone would be an error.
UNLABELLED_WITH_A_NOTE = {
    "lines": (
        b'{"source-ref":"s3://bucket/j/a.jpg"}\n{"source-ref":"s3://bucket/j/c.jpg","attr0":0,"attr0-metadata":'
        b'{"confidence":1,"class-name":"rose","human-annotated":"yes","creation-date":"2026-03-01T12:00:00",'
        b'"type":"groundtruth/image-classification"},"note":"by hand"}\n'
        b'{"source-ref":"s3://bucket/j/e.jpg"}\n{"source-ref":"s3://bucket/j/g.jpg"}'
    ),
    "labels": (
        b"apiVersion: reconciler/v1\nkind: Entries\nbase: s3://bucket/y/\ncreatedAt: 2026-03-01T12:00:00\n"
        b"images:\n- {image: a.jpg}\n- {image: c.jpg}\n- {image: e.jpg}\n- {image: g.jpg}\n"
    ),
    "compare": "labels",
    "more": "",
    "seed": 277,
    "edits": 7,
}


@st.composite
def cases(draw: st.DrawFn):
    """Draw two files, a policy, and the seed of what somebody does at the console."""
    keys = draw(st.permutations(["a", "c", "e", "g"]))
    names = sorted(keys) if draw(st.booleans()) else list(keys)
    return {
        "lines": draw(jsonl([f"s3://bucket/j/{name}.jpg" for name in names])),
        "labels": draw(shorthand([f"{name}.jpg" for name in names])),
        "compare": draw(st.sampled_from(["exact", "exact", "labels"])),
        "more": draw(st.sampled_from(["", IGNORING])),
        "seed": draw(st.integers(0, 10_000)),
        "edits": draw(st.integers(1, 8)),
    }


def detections(fields: Fields):
    for key, value in fields.items():
        if isinstance(value, dict) and value.get("type") == DETECTION:
            yield fields[key.removesuffix("-metadata")], value


def edit_boxes(rng: random.Random):
    """Return what a person does to the boxes of an image: draw one more, take one out, turn them round."""

    def change(fields: Fields) -> None:
        for value, metadata in detections(fields):
            boxes, objects = value["annotations"], metadata["objects"]
            match rng.choice(["more", "less", "round"]):
                case "more":
                    metadata["class-map"] = metadata["class-map"] | {"7": "new"}
                    place = rng.randint(0, len(boxes))
                    boxes.insert(place, {"class_id": 7, "left": 1, "top": 2, "width": 3, "height": 4})
                    objects.append({"confidence": 1})
                case "less" if boxes:
                    del boxes[rng.randrange(len(boxes))], objects[0]
                case _:
                    boxes.reverse()

    return change


def fiddle(bench: Bench, seed: int, count: int) -> None:
    """Do random things at the console."""
    rng, console, arn = random.Random(seed), bench.console, bench.arn
    refs = [f"s3://bucket/{part}/{name}.jpg" for part in "jy" for name in "aceg"]

    def acts(ref: str):
        return [
            lambda: console.move_box(arn, ref, rng.randint(1, 9), rng.randint(0, 9)),
            lambda: console.relabel(
                arn, ref, rng.choice(["rose", "tulip", "é", "yes"]), rng.choice(["daisy", "on", "x y"])
            ),
            lambda: console.add_label(arn, ref, rng.choice(["daisy", "ü", "rose"])),
            lambda: console.remove_labels(arn, ref),
            lambda: console.resave(arn, ref),
            lambda: console.remove_image(arn, ref),
            lambda: console.add_image(arn, f"s3://bucket/{rng.choice('jyz')}/{rng.choice('bdfh')}.jpg"),
            lambda: console.edit(arn, ref, edit_boxes(rng)),
            lambda: console.put(arn, labelled(rng)),
        ]

    for _ in range(count):
        try:
            rng.choice(acts(rng.choice(refs)))()
        except ValueError:
            continue  # there is no such image, box or label


def labelled(rng: random.Random) -> Fields:
    """Return a new image with a box, as the shorthand would write it."""
    label = rng.choice(["rose", "🌼", "a, b"])
    return {
        "source-ref": f"s3://bucket/{rng.choice('jy')}/{rng.choice('bdfh')}.jpg",
        "bounding-box": {
            "image_size": [{"width": 640, "height": 480, "depth": 3}],
            "annotations": [{"class_id": 0, "left": 1, "top": 2, "width": 3, "height": 4}],
        },
        "bounding-box-metadata": {
            "objects": [{"confidence": 1}],
            "class-map": {"0": label},
            "type": DETECTION,
            "human-annotated": "yes",
            "creation-date": CREATED,
            "job-name": "labeling-job/bounding-box",
        },
    }


def check(shared, tmp_path_factory, case) -> None:
    project = f"p{uuid.uuid4().hex}"
    bench = Bench(shared.emulator, shared.next_world(), tmp_path_factory.mktemp("r"), project)
    bench.write(
        compare=case["compare"], more=case["more"], lines_jsonl=case["lines"], labels_yaml=case["labels"]
    )
    bench.apply()
    fiddle(bench, case["seed"], case["edits"])

    outcome = bench.propose()
    bench.take(outcome.patch)

    left = {change.source_ref for change in bench.plan().changes}
    assert set(outcome.refused) == left
    for ref, reason in outcome.refused.items():
        # A file must not become empty; and what the service itself holds with errors is not taken into git.
        errored = complaints(bench, ref)
        assert "would hold no entries" in reason or (errored and errored[0] in reason), (ref, reason)
    untouched(case, bench, outcome)


def complaints(bench: Bench, ref: str) -> tuple[str, ...]:
    """Return the codes that the service holds an image with."""
    listed = (json.loads(line) for page in bench.context.gateway.pages(bench.arn, ref) for line in page)
    return next((error_codes(fields) for fields in listed if fields["source-ref"] == ref), ())


def untouched(case, bench, outcome) -> None:
    """Check that every line about an image that nobody changed is there, byte for byte, in the same order."""
    touched = {ref.removeprefix("s3://bucket/y/") for ref in outcome.kinds}
    lines = case["lines"].split(b"\n")
    kept = [line for line in lines if line.strip() and json.loads(line)["source-ref"] not in outcome.kinds]
    assert_kept(kept, bench.read("lines.jsonl"))
    image, kept = "", []
    for line in case["labels"].split(b"\n"):
        image = found[0].decode() if (found := re.findall(rb"image: (\w+\.jpg)", line)) else image
        kept += [line] if image not in touched else []
    assert_kept(kept, bench.read("labels.yaml"))


def assert_kept(kept: list[bytes], content: bytes) -> None:
    """Find each line in turn; only the last of a file may have got an end."""
    left = iter(line.rstrip(b"\r") for line in content.split(b"\n"))
    assert [] == [line for line in kept if line.rstrip(b"\r") not in left]
    if kept and kept[0].endswith(b"\r"):
        assert b"\n" not in content.replace(b"\r\n", b"")


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
@example(case=UNLABELLED_WITH_A_NOTE)
def test_after_the_patch_the_plan_is_empty(shared, tmp_path_factory, case):
    """Random specs, random edits: what can be proposed is in place after git apply, the rest stays as it was."""
    check(shared, tmp_path_factory, case)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_after_the_patch_the_plan_is_empty_many_times(shared, tmp_path_factory, case):
    """The same law, for longer."""
    check(shared, tmp_path_factory, case)
