"""The commands themselves: what goes where, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli.main import main
from reconciler.emulator.server import Emulator
from tests.builders import boxed, classified, ref
from tests.propose.bench import DATASET, git


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A repository with one dataset, applied, and its box moved at the console."""
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    text = DATASET.format(project="flowers", entries="    - file: train.jsonl", compare="exact")
    Path("specs/train.yaml").write_text(text)
    Path("specs/train.jsonl").write_bytes(
        boxed("a", ("x", 1, 2, 30, 40)) + b"\n" + classified("b", "x") + b"\n"
    )
    git(tmp_path, "init", "-q", "-b", "main")
    for key, value in (("user.name", "Somebody"), ("user.email", "somebody@example.org")):
        git(tmp_path, "config", key, value)
    git(tmp_path, "add", "specs")
    git(tmp_path, "commit", "-q", "-m", "The specs")
    assert 0 == main(["apply", "specs", "--local"])
    at_console(lambda console, arn: console.move_box(arn, ref("a"), 5))
    return tmp_path


def at_console(act) -> None:
    emulator = Emulator(Path(".reconciler/local"))
    (row,) = emulator._context.store.all("SELECT arn FROM datasets")
    act(emulator.console, row["arn"])
    emulator.close()


def test_the_patch_goes_to_stdout_and_the_words_to_stderr(place, capfd):
    """So that `reconciler propose | git apply` works."""
    assert 0 == main(["propose", "specs", "--local"])

    said = capfd.readouterr()
    git(place, "apply", "-", stdin=said.out.encode())
    assert "In the patch: 1 changed" in said.err
    assert 0 == main(["plan", "specs", "--local", "--detailed-exitcode"])


def test_with_a_file_the_words_go_to_stdout(place, capfd):
    """And they say how to apply it."""
    assert 0 == main(["propose", "specs", "--local", "--patch", "keep.patch"])

    assert f"Apply it in {place}: git apply keep.patch" in capfd.readouterr().out
    git(place, "apply", "keep.patch")


def test_drift_that_is_left_out_is_exit_4(place, capfd):
    """Nothing of it is hidden: 0 means that the patch takes up all that was asked for."""
    bad = classified("z", "x").replace(b"image-classification", b"wrong").decode()
    at_console(lambda console, arn: console.put(arn, bad))

    assert 4 == main(["propose", "specs", "--local", "--patch", "keep.patch"])
    assert "Not in the patch: 1" in capfd.readouterr().out


def test_json_holds_the_patch_and_the_reasons(place, capfd):
    """propose/v1."""
    main(["propose", "specs", "--local", "-o", "json"])

    document = json.loads(capfd.readouterr().out)
    (dataset,) = document["datasets"]
    assert ("propose/v1", str(place)) == (document["format"], document["root"])
    assert [("change", ref("a"), "drift_modified", ["box_moved"], "specs/train.jsonl:1")] == [
        (one["action"], one["source_ref"], one["cause"], one["classes"], one["origin"])
        for one in dataset["proposed"]
    ]
    git(place, "apply", "--check", "-", stdin=document["patch"].encode())


def test_a_branch_leaves_work_tree_and_index_alone(place, capfd):
    """What is staged stays staged; the commit holds the patch and says since when."""
    Path("other").write_text("x")
    git(place, "add", "other")
    before = git(place, "status", "--porcelain")

    assert 0 == main(["propose", "specs", "--local", "--branch", "keep", "--patch", "keep.patch"])

    Path("keep.patch").unlink()
    assert before == git(place, "status", "--porcelain")
    assert b"specs/train.jsonl\n" == git(place, "diff", "--name-only", "main", "keep")
    message = git(place, "log", "-1", "--format=%B", "keep").decode()
    assert "Take 1 image from AWS into train" in message
    assert "since the apply of 20" in message
    assert f"* changed {ref('a')} (box_moved)" in message


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("main", "there is one already"),
        ("a..b", "not a name for a branch"),
        ("-x", "not a name for a branch"),
        ("main/x", "there is a branch main already"),
        ("labels", "there is a branch labels/old already"),
        ("labels/old/x", "there is a branch labels/old already"),
    ],
)
def test_a_branch_that_cannot_be_made_is_a_bad_command_line(place, capfd, name, reason):
    """One that is there is never moved, and git keeps none below another."""
    git(place, "branch", "labels/old")
    assert 64 == main(["propose", "specs", "--local", f"--branch={name}"])
    assert f"--branch {name}: {reason}" in capfd.readouterr().err


def test_uncommitted_edits_are_not_taken_along(place, capfd):
    """A commit would hold what its author did not mean to commit."""
    with Path("specs/train.jsonl").open("ab") as file:
        file.write(classified("c", "x") + b"\n")

    assert 64 == main(["propose", "specs", "--local", "--branch", "keep"])
    assert "not committed" in capfd.readouterr().err


def test_a_dataset_that_cannot_be_seen_is_exit_3(place, capfd):
    """No patch is made of what nobody saw."""
    text = (
        Path("specs/train.yaml")
        .read_text()
        .replace("project: flowers", "project: roses")
        .replace(", create: true", "")
    )
    Path("specs/train.yaml").write_text(text)

    assert 3 == main(["propose", "specs", "--local"])
    assert "" == capfd.readouterr().out


def explained(capfd, *words: str):
    code = main(["explain", "specs", *words, "--local", "-o", "json"])
    return code, json.loads(capfd.readouterr().out)


def test_explain_shows_the_whole_history(place, capfd):
    """Place, author, both sides, what differs, why, and the updates it was in."""
    capfd.readouterr()

    code, document = explained(capfd, ref("a"))

    (explanation,) = document["datasets"]
    assert (0, "explain/v1") == (code, document["format"])
    assert ("drifted", "drift_modified") == (explanation["verdict"], explanation["cause"])
    (origin,) = explanation["origins"]
    assert ("specs/train.jsonl:1", "The specs") == (origin["origin"], origin["blame"]["summary"])
    assert [{"path": "/boxes/annotations/0/left", "before": 6, "after": 1}] == explanation["fields"]
    assert explanation["applied"]["desired"] == explanation["applied"]["observed"] is not None
    assert [2] == [update["entries"] for update in explanation["updates"]]


@pytest.mark.parametrize(
    ("source_ref", "verdict"),
    [(ref("b"), "in_place"), (ref("c"), "unmanaged"), (ref("d"), "pending"), (ref("nowhere"), "nowhere")],
)
def test_explain_has_a_verdict_for_every_image(place, capfd, source_ref, verdict):
    """Also for one that nobody knows: to say so is an answer, and exit 0."""
    at_console(lambda console, arn: console.add_image(arn, ref("c")))
    with Path("specs/train.jsonl").open("ab") as file:
        file.write(classified("d", "x") + b"\n")
    capfd.readouterr()

    code, document = explained(capfd, source_ref)

    assert (0, [verdict]) == (code, [explanation["verdict"] for explanation in document["datasets"]])


def test_explain_shows_what_does_not_count(place, capfd):
    """A difference that a rule ignores is shown with the rule."""
    at_console(lambda console, arn: console.resave(arn, ref("b")))
    with Path("specs/train.yaml").open("a") as file:
        file.write('  ignore: [{paths: ["/*-metadata/creation-date", "/*-metadata/job-name"]}]\n')
    capfd.readouterr()

    _, document = explained(capfd, ref("b"))

    (explanation,) = document["datasets"]
    assert ("in_place", []) == (explanation["verdict"], explanation["fields"])
    assert {
        "/x-metadata/creation-date": "/*-metadata/creation-date",
        "/x-metadata/job-name": "/*-metadata/job-name",
    } == {ignored["path"]: ignored["rule"] for ignored in explanation["ignored"]}


def test_explain_of_an_unusable_line_is_exit_5(place, capfd):
    """Both places are named, and what AWS holds is shown."""
    with Path("specs/train.jsonl").open("ab") as file:
        file.write(classified("b", "y") + b"\n")
    capfd.readouterr()

    code, document = explained(capfd, ref("b"))

    (explanation,) = document["datasets"]
    assert (5, "unusable") == (code, explanation["verdict"])
    assert ["specs/train.jsonl:2", "specs/train.jsonl:3"] == [
        place["origin"] for place in explanation["origins"]
    ]
    assert explanation["observed"] is not None


def test_a_dataset_that_is_not_there_yet_was_observed(place, capfd):
    """The listing of nothing is an answer; “not observed” is for AWS that could not be asked."""
    assert 0 == main(["propose", "specs", "--local", "--state-dir", "empty"])

    assert "does not exist yet" in capfd.readouterr().err


def test_explain_names_the_argument_that_is_missing_before_the_image(place, capfd):
    """Not the image, which was given."""
    with pytest.raises(SystemExit, match="64"):
        main(["explain", ref("a"), "--local"])

    assert f"name the spec tree before it, such as specs {ref('a')}" in capfd.readouterr().err


def test_explain_says_nothing_of_a_memory_that_was_not_read(place, capfd):
    """A dataset without a usable line is not observed: no word on its applies, and each error stands once."""
    first, *_ = Path("specs/train.jsonl").read_bytes().splitlines(keepends=True)
    Path("specs/train.jsonl").write_bytes(first.replace(b'"left":1', b'"left":-1'))
    capfd.readouterr()

    assert 5 == main(["explain", "specs", ref("a"), "--local"])

    out = capfd.readouterr().out
    assert (False, 1) == ("applied " in out, out.count("ERROR_INVALID_BOUNDING_BOX")), out


def test_explain_costs_one_listing(place, capfd):
    """Text, too; and an address that is none is refused before anything is asked."""
    assert 0 == main(["explain", "specs", ref("a"), "--local"])
    assert "differs     Box “x” moved (5 px right; IoU 0.71)" in capfd.readouterr().out
