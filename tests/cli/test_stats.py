"""``reconciler stats`` as a user runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
from reconciler.engine.dataset import observe_and_plan
from tests.builders import boxed, classified, line
from tests.cli.specs import dataset


@pytest.fixture
def stats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Callable[..., dict[str, Any]]:
    """Write datasets by kind, run the command, and return stats/v1."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()

    def run(code: int = 0, **lines: list[bytes]) -> dict[str, Any]:
        for kind, content in lines.items():
            name = kind.lower()
            text = dataset(name=name, project="flowers", kind=kind, file=f"{name}.jsonl")
            (tmp_path / "specs" / f"{name}.yaml").write_text(text)
            (tmp_path / "specs" / f"{name}.jsonl").write_bytes(b"".join(raw + b"\n" for raw in content))
        assert code == main(["stats", "-o", "json"])
        found: dict[str, Any] = json.loads(capfd.readouterr().out)
        return found

    return run


def test_both_datasets_are_counted_and_compared(stats):
    """Labels of both, and what training says of the pair."""
    found = stats(
        TRAIN=[classified("a", "rose"), classified("b", "tulip"), classified("c", "lily")],
        TEST=[classified("d", "rose")],
    )

    train = next(one for one in found["datasets"] if one["type"] == "TRAIN")
    test = next(one for one in found["datasets"] if one["type"] == "TEST")
    assert ({"lily", "rose", "tulip"}, []) == ({one["label"] for one in train["labels"]}, train["training"])
    assert ["ERROR_MANIFEST_TOO_FEW_LABELS"] == [problem["code"] for problem in test["training"]]
    (balance,) = found["balances"]
    assert [("lily", 1, 0, 0.0), ("tulip", 1, 0, 0.0), ("rose", 1, 1, 0.5)] == [
        tuple(split.values()) for split in balance["labels"]
    ]
    assert ["ERROR_INSUFFICIENT_LABEL_OVERLAP"] == [problem["code"] for problem in balance["training"]]


def test_lines_with_errors_are_not_counted_and_named(stats):
    """Exit 5; a repeated image counts not at all, since which line is meant is not known."""
    good = [classified(name, "rose") for name in "abcdefgh"]
    found = stats(5, TRAIN=[*good, b"{", b"[]", b'{"a":1}', classified("x", "rose"), classified("x", "lily")])

    (dataset,) = found["datasets"]
    assert (8, ["rose"]) == (dataset["images"]["total"], [one["label"] for one in dataset["labels"]])
    assert {"ERROR_INVALID_JSON_LINE", "RKD3001"} <= {error["code"] for error in dataset["errors"]}


def test_people_read_a_table(stats, capfd):
    """Numbers to the right, labels that hide something in sight."""
    stats(TRAIN=[boxed("a", ("rose", 0, 0, 9, 9), ("t\u200bulip", 0, 0, 99, 99)), boxed("b"), line("c")])

    assert 0 == main(["stats"])

    assert capfd.readouterr().out.splitlines() == [
        "train  TRAIN of flowers",
        "  3 images: 1 with labels, 1 negative, 1 unlabelled",
        "  2 boxes on 1 image: 2.0 on average, at most 2; 1 small, 0 medium, 1 large",
        "  label        images  boxes  small  medium  large",
        "  rose              1      1      1       0      0",
        "  t\\u200bulip       1      1      0       0      1",
        "  rarest: rose 1, t\\u200bulip 1",
        "  most often on one image: rose + t\\u200bulip 1",
        "  training: the minimum is met",
    ]


def test_a_path_without_specs_is_unknown(stats):
    """Exit 3, with the document."""
    found = stats(3)

    assert ("stats/v1", [], [], 1) == (
        found["format"],
        found["datasets"],
        found["balances"],
        len(found["errors"]),
    )


def test_the_page_draws_what_the_table_says(stats, capfd):
    """Each chart is as wide as its number, says it to a screen reader, and a label is only text."""
    stats(
        TRAIN=[classified("a", "<rose>"), classified("b", "<rose>"), classified("c", "lily"), line("d")],
        TEST=[classified("e", "<rose>"), classified("f", "lily")],
    )

    assert 0 == main(["stats", "--dataset", "train", "-o", "html"])

    page = capfd.readouterr().out
    assert (False, True) == ("<rose>" in page, "&lt;rose&gt;" in page)
    assert [("labelled", 0.0, 180.0), ("unlabelled", 180.0, 60.0)] == bars(
        page, "4 images: 3 with labels, 1 unlabelled"
    )
    assert [[("labelled", 0.0, 240.0)], [("labelled", 0.0, 120.0)]] == [
        bars(page, "2 images"),
        bars(page, "1 image"),
    ]

    assert 0 == main(["stats", "-o", "html"])
    assert [("train", 0.0, 160.0), ("test", 160.0, 80.0)] == bars(capfd.readouterr().out, "33% in test")


def bars(page: str, label: str) -> list[tuple[str, float, float]]:
    """Return the first chart with a label: the class, place and width of each of its parts."""
    _, _, rest = page.partition(f'aria-label="{label}">')
    found = re.findall(r'class="(\w+)" x="([\d.]+)" width="([\d.]+)"', rest.partition("</svg>")[0])
    return [(kind, float(x), float(width)) for kind, x, width in found]


def test_a_plan_has_the_numbers_of_the_statistics_before_and_after(stats, capfd):
    """Of each label whose number of images changes; a label on two boxes of an image counts once."""
    before = [
        boxed("a", ("crack", 0, 0, 9, 9), ("crack", 20, 0, 9, 9), ("dent", 0, 0, 9, 9)),
        boxed("b", ("crack", 0, 0, 9, 9)),
        classified("c", "rose"),
        classified("d", "tulip"),
        classified("left", "tulip"),
    ]
    after = [
        before[0],
        boxed("b", ("dent", 0, 0, 9, 9)),
        classified("c", "rose", "lily"),
        classified("d", "tulip"),
        classified("new", "rose"),
    ]

    counted = [stats(TRAIN=lines)["datasets"][0]["labels"] for lines in (before, after)]
    of_images = [{row["label"]: row["images"] for row in labels} for labels in counted]
    of_boxes = [{row["label"]: row["boxes"]["total"] for row in labels} for labels in counted]
    of_images[1]["tulip"] += 1  # an orphan stays
    Path("listed.jsonl").write_bytes(b"".join(raw + b"\n" for raw in before))
    assert 0 == main(["plan", "--observed", "listed.jsonl", "-o", "json"])
    (dataset,) = json.loads(capfd.readouterr().out)["datasets"]

    def rows(old: dict[str, int], new: dict[str, int]) -> list[dict[str, Any]]:
        changed = sorted(label for label in old | new if old.get(label, 0) != new.get(label, 0))
        return [{"label": one, "before": old.get(one, 0), "after": new.get(one, 0)} for one in changed]

    assert ["crack", "dent", "lily", "rose"] == [row["label"] for row in rows(*of_images)]
    assert rows(*of_images) == dataset["images_by_label"]
    assert ["crack", "dent"] == [row["label"] for row in rows(*of_boxes)]
    assert rows(*of_boxes) == dataset["boxes_by_label"]

    for words in ([], ["-o", "markdown"], ["-o", "html"]):
        main(["plan", "--observed", "listed.jsonl", *words])
        text = unescape(capfd.readouterr().out)
        assert "crack 2 → 1, dent 1 → 2, lily 0 → 1, rose 1 → 2" in text
        assert "crack 3 → 2, dent 1 → 2" in text
    main(["plan", "--observed", "listed.jsonl", "--out", "plan.json"])
    capfd.readouterr()
    main(["show", "plan.json"])
    text = capfd.readouterr().out
    assert "Images by label: crack 2 → 1, dent 1 → 2" in text
    assert "Boxes by label: crack 3 → 2, dent 1 → 2" in text


def test_a_plan_of_a_large_dataset_counts_no_boxes(stats, capfd, monkeypatch):
    """It would have to read every line once more."""
    monkeypatch.setattr(observe_and_plan, "MAX_VIEWS", 1)
    stats(TRAIN=[boxed("a", ("dent", 0, 0, 9, 9)), classified("b", "rose")])
    Path("listed.jsonl").write_bytes(
        boxed("a", ("crack", 0, 0, 9, 9)) + b"\n" + classified("b", "rose") + b"\n"
    )

    main(["plan", "--observed", "listed.jsonl", "-o", "json"])
    (dataset,) = json.loads(capfd.readouterr().out)["datasets"]

    assert ["crack", "dent"] == [row["label"] for row in dataset["images_by_label"]]
    assert "boxes_by_label" not in dataset


def test_a_plan_that_lacks_lines_counts_no_images(stats, capfd):
    """What is desired is not known then; and what is not selected is not counted as changed."""
    stats(TRAIN=[classified("a", "rose"), classified("b", "rose"), classified("c", "lily")])
    Path("listed.jsonl").write_bytes(classified("a", "tulip") + b"\n" + classified("c", "rose") + b"\n")

    main(["plan", "--observed", "listed.jsonl", "-o", "json", "--source-ref", "**/a.jpg"])
    (dataset,) = json.loads(capfd.readouterr().out)["datasets"]
    rows = {row["label"]: (row["before"], row["after"]) for row in dataset["images_by_label"]}
    assert {"rose": (1, 2), "tulip": (1, 0)} == rows

    with Path("specs/train.jsonl").open("ab") as stream:
        stream.write(b"{}\n")
    main(["plan", "--observed", "listed.jsonl", "-o", "json"])
    (dataset,) = json.loads(capfd.readouterr().out)["datasets"]
    assert "images_by_label" not in dataset
