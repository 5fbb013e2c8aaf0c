"""Bad input: each with one clear error, nothing lost, and never a plan made of nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.lab import Lab, Ran, image_level, mixed, ref


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def blank(path: Path) -> None:
    path.write_bytes(b"\n \n\n")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def missing(path: Path) -> None:
    path.unlink()


def binary(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(4096))


def utf16(path: Path) -> None:
    path.write_bytes(path.read_text().encode("utf-16"))


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.jsonl")


def garbage(path: Path) -> None:
    path.write_bytes(b"<html>rate limited</html>\n")


DAMAGE = [emptied, blank, cut, missing, binary, zeros, utf16, a_directory, a_pipe, a_dangling_link, garbage]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.fault(
    "specs",
    "the only file of entries is empty, truncated, missing, binary, a pipe or a dangling link",
    "nothing is planned or sent, and the file is named",
)
def test_a_damaged_source_never_becomes_a_plan(lab: Lab, damage: Callable[[Path], None]) -> None:
    """Not offline, and not in an apply: nothing is sent, and the file is named."""
    lab.lines(mixed(12))
    lab.lines([image_level(ref("other.jpg"), "rose")], "other.jsonl")
    lab.spec(entries="train.jsonl")
    lab.service.make("flowers", lines=mixed(12))
    damage(lab.specs / "train.jsonl")
    (lab.directory / "listing.jsonl").write_text("".join(line + "\n" for line in mixed(12)))
    ran = lab.plan("--observed", "listing.jsonl")
    assert ran.code in (3, 5), ran
    assert_no_plan(ran)
    assert "train.jsonl" in ran.out
    applied = lab.apply()
    assert applied.code in (3, 5), applied
    assert applied.only["verdict"] in ("failed", "unknown")
    assert applied.only["updates"] == 0
    assert lab.service.writes == []


@pytest.mark.parametrize("damage", [emptied, cut, missing, binary])
@pytest.mark.fault(
    "specs",
    "one of two files of entries is damaged",
    "nothing is planned from the other file alone",
)
def test_one_damaged_file_of_two_stops_its_dataset(lab: Lab, damage: Callable[[Path], None]) -> None:
    """Half of what is desired is not what is desired."""
    lab.lines(mixed(3))
    lab.lines([image_level(ref("other.jpg"), "rose")], "other.jsonl")
    lab.spec(entries=["train.jsonl", "other.jsonl"])
    damage(lab.specs / "train.jsonl")
    (lab.directory / "listing.jsonl").write_text("")
    ran = lab.plan("--observed", "listing.jsonl")
    assert ran.code in (3, 5), ran
    assert_no_plan(ran)


def assert_no_plan(ran: Ran) -> None:
    for dataset in ran.json["datasets"]:
        assert dataset["changes"] == []
        assert dataset["applyable"] is False
        assert dataset["complete"] is False
        assert dataset["errors"]


def test_a_missing_or_empty_tree_is_an_unusable_source(lab: Lab) -> None:
    missing_tree = lab.plan("nowhere")
    assert missing_tree.code == 3, missing_tree
    empty_tree = lab.plan()
    assert empty_tree.code == 3, empty_tree
    for ran in (missing_tree, empty_tree):
        assert ran.json["format"] == "plan/v1"
        assert ran.json["datasets"] == []


@pytest.mark.fault(
    "specs",
    "one line is invalid",
    "the error names file and line; all other lines are applied",
)
def test_one_bad_line_stops_no_other_and_is_named(lab: Lab) -> None:
    lines = mixed(6)
    lines[2] = '{"source-ref": "https://example.org/a.jpg"}'
    lines[4] = '{"source-ref": "s3://acme-flowers/train/x.jpg", "a": 1,'
    lab.lines(lines)
    lab.spec()
    lab.service.make("flowers")
    ran = lab.apply()
    assert ran.code == 5, ran
    assert sum(map(len, lab.service.sent())) == 4
    origins = {error.get("origin") for error in ran.only["errors"]}
    assert {"specs/train.jsonl:3", "specs/train.jsonl:5"} <= origins
    assert ran.only["verdict"] == "partial"
    lab.assert_in_order()


def test_one_bad_dataset_stops_no_other(lab: Lab) -> None:
    lab.lines(mixed(3))
    lab.lines(mixed(3), "b.jsonl")
    lab.spec("a", entries="nowhere.jsonl")
    lab.spec("b", entries="b.jsonl", target={"project": "other", "type": "TRAIN"})
    lab.write(
        "specs/c.yaml", "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {name: c}\nspec: {target: {}}\n"
    )
    lab.service.make("flowers")
    lab.service.make("other")
    ran = lab.apply()
    assert ran.code == 5, ran
    verdicts = {d["name"]: d["verdict"] for d in ran.json["datasets"]}
    assert verdicts == {"a": "failed", "b": "converged", "c": "failed"}


YAML = """\
apiVersion: reconciler/v1
kind: Dataset
metadata:
  name: d
spec:
  target:
    project: flowers
    type: TRAIN
  entries:
    - file: train.jsonl
"""
BAD_YAML = {
    "unknown field": (YAML + "  polcy: {mode: upsert}\n", 11, "policy"),
    "repeated key": (YAML + "  entries: []\n", 11, "entries"),
    "wrong type": (YAML + "  suspend: maybe\n", 11, "suspend"),
    "octal": (YAML + "  limits:\n    maxChanges: 012\n", 12, "012"),
    "on": (YAML + "  suspend: on\n", 11, "on"),
    "sexagesimal": (YAML + "  limits:\n    maxChanges: 12:30\n", 12, "12:30"),
    "bad enum": (YAML + "  policy: {mode: upsrt}\n", 11, "upsert"),
    "bad name": (YAML.replace("name: d", "name: Not_DNS"), 4, "DNS"),
    "not YAML": (YAML + "  policy: {mode: upsert\n", None, ""),
    "a tab": (YAML + "\tsuspend: true\n", 11, ""),
}


@pytest.mark.parametrize("name", BAD_YAML)
def test_every_trap_of_yaml_is_named_by_line_and_column(lab: Lab, name: str) -> None:
    text, line, word = BAD_YAML[name]
    lab.lines(mixed(3))
    lab.write("specs/d.yaml", text)
    ran = lab.run("validate", "-o", "json")
    assert ran.code == 5, ran
    errors = [p for p in ran.json["problems"] if p["severity"] == "error"]
    assert len(errors) == 1, ran
    (error,) = errors
    assert error["file"] == "specs/d.yaml"
    assert line is None or error["line"] == line, error
    assert isinstance(error["column"], int)
    assert word in error["message"]


def test_all_errors_of_all_files_come_at_once(lab: Lab) -> None:
    lab.write("specs/a.yaml", YAML.replace("name: d", "name: a").replace("TRAIN", "TRIAN"))
    lab.write("specs/b.yaml", YAML + "  foo: 1\n  bar: 2\n")
    lab.write("specs/train.jsonl", "nonsense\n" + "\n".join(mixed(2)) + "\n{}\n")
    lab.spec("c")
    ran = lab.run("validate", "-o", "json")
    assert ran.code == 5
    named = {(p["file"], p["line"]) for p in ran.json["problems"] if p["severity"] == "error"}
    assert {
        ("specs/b.yaml", 11),
        ("specs/b.yaml", 12),
        ("specs/train.jsonl", 1),
        ("specs/train.jsonl", 4),
    } <= named
    assert any(file == "specs/a.yaml" for file, _ in named)


def test_the_lines_of_a_broken_document_are_judged_with_it(lab: Lab) -> None:
    lab.write("specs/a.yaml", YAML + "  foo: 1\n")
    line = image_level(ref(0), "rose")
    lab.write("specs/train.jsonl", f"nonsense\n{line}\n{line}\n")
    problems = lab.run("validate", "-o", "json").json["problems"]
    assert [
        ("specs/a.yaml", 11, "RKD1203"),
        ("specs/train.jsonl", 1, "ERROR_INVALID_JSON_LINE"),
        ("specs/train.jsonl", 2, "RKD3001"),
        ("specs/train.jsonl", 3, "RKD3001"),
    ] == [(p["file"], p["line"], p["code"]) for p in problems]
    planned = lab.plan()
    assert (planned.code, 4, False) == (5, len(planned.only["errors"]), planned.only["applyable"])


def test_merge_keys_work_and_two_datasets_may_not_share_a_name_or_target(lab: Lab) -> None:
    lab.lines(mixed(3))
    merged = YAML.replace(
        "    project: flowers\n    type: TRAIN\n", "    <<: {project: flowers, type: TRAIN}\n"
    )
    lab.write("specs/d.yaml", merged)
    assert lab.run("validate").code == 0
    lab.write("specs/e.yaml", YAML.replace("flowers", "others"))
    assert lab.run("validate").code == 5
    lab.write("specs/e.yaml", YAML.replace("name: d", "name: e"))
    assert lab.run("validate").code == 5


LINE = image_level(ref(0), "rose")
BAD_LINES = {
    "invalid UTF-8": LINE.encode().replace(b"rose", b"ros\xff"),
    "NaN": LINE.encode().replace(b'"confidence":1', b'"confidence":NaN'),
    "a repeated key": LINE.encode().replace(b'"a0":1', b'"a0":1,"a0":2'),
    "ten megabytes": LINE.encode().replace(b'"a0":1', b'"a0":1,"note":"' + b"x" * 10_000_000 + b'"'),
    "an array": b"[1]",
    "no source-ref": LINE.encode().replace(b"source-ref", b"source"),
    "100,000 characters": LINE.encode().replace(b'"a0":1', b'"a0":1,"note":"' + b"x" * 100_000 + b'"'),
    "a lone surrogate": LINE.encode().replace(b"rose", b"\\ud800"),
    "deeply nested": b'{"source-ref":"s3://acme-flowers/d.jpg","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
}


@pytest.mark.parametrize("name", BAD_LINES)
@pytest.mark.fault(
    "specs",
    "a line that AWS would drop or refuse",
    "the error names file and line; the line is never sent",
)
def test_a_bad_line_is_named_and_never_sent(lab: Lab, name: str) -> None:
    lab.write("specs/train.jsonl", BAD_LINES[name] + b"\n" + image_level(ref(1), "rose").encode() + b"\n")
    lab.spec()
    (lab.directory / "none.jsonl").write_text("")
    ran = lab.plan("--observed", "none.jsonl")
    assert ran.code == 5, ran
    assert [c["source_ref"] for c in ran.only["changes"]] == [ref(1)], ran
    assert ran.only["errors"][0]["origin"] == "specs/train.jsonl:1"


def test_bom_and_crlf_are_no_errors_or_are_named(lab: Lab) -> None:
    """Line ends of Windows are ordinary; a byte order mark is named in the first line if it is refused."""
    lines = mixed(4)
    lab.write("specs/train.jsonl", "\r\n".join(lines) + "\r\n")
    lab.spec()
    assert lab.run("validate").code == 0
    lab.write("specs/train.jsonl", b"\xef\xbb\xbf" + "\n".join(lines).encode() + b"\n")
    ran = lab.run("validate", "-o", "json")
    if ran.code == 5:
        (problem,) = ran.json["problems"]
        assert (problem["file"], problem["line"]) == ("specs/train.jsonl", 1)
    else:
        assert ran.json["entries"] == 4


def test_a_line_twice_is_named_in_both_places(lab: Lab) -> None:
    lab.lines([image_level(ref(0), "rose"), image_level(ref(1), "rose"), image_level(ref(0), "tulip")])
    lab.spec()
    ran = lab.run("validate", "-o", "json")
    assert ran.code == 5
    assert {(p["file"], p["line"]) for p in ran.json["problems"] if p["source_ref"] == ref(0)} == {
        ("specs/train.jsonl", 1),
        ("specs/train.jsonl", 3),
    }


def test_zero_entries_need_allow_empty(lab: Lab) -> None:
    lab.lines([])
    lab.spec()
    assert lab.run("validate").code == 5
    lab.spec(policy={"mode": "upsert", "allowEmpty": True})
    assert lab.run("validate").code == 0
    lab.service.make("flowers", lines=mixed(3))
    assert lab.plan().code == 0
    assert lab.service.writes == []
