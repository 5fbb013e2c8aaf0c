"""``--source-ref``, ``--class`` and ``--label``: some changes are applied, and the rest is not forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli.main import main
from tests.cli.ended import ended
from tests.cli.specs import dataset, images

pytestmark = pytest.mark.usefixtures("place")

BEFORE = {"line-1/a.jpg": "bee", "line-1/b.jpg": "bee", "line-2/c.jpg": "queen", "line-2/d.jpg": "drone"}
AFTER = BEFORE | {"line-1/a.jpg": "wasp", "line-2/c.jpg": "bee", "line-2/new.jpg": "bee"}
CHANGED = {"s3://b/line-1/a.jpg", "s3://b/line-2/c.jpg", "s3://b/line-2/new.jpg"}


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]):
    def run(*words: str) -> tuple[int, str]:
        code = main([*words, "--local"] if words[0] != "status" else [*words])
        return code, capsys.readouterr().out

    return run


def write(labels: dict[str, str], orphans: str = "report") -> None:
    specs = Path("specs")
    specs.mkdir(exist_ok=True)
    document = dataset(f"mode: upsert, orphans: {orphans}", limits="maxChangeRatio: 1")
    (specs / "dataset.yaml").write_text(document)
    (specs / "images.yaml").write_text(images(labels))


@pytest.fixture
def changed(ran) -> None:
    """A dataset of four images as git has it, and three changes in git: two relabelled, one new."""
    write(BEFORE)
    assert 0 == ran("apply")[0]
    write(AFTER)


def pending(ran, *words: str) -> set[str]:
    code, out = ran("plan", "-o", "json", *words)
    (dataset,) = json.loads(out)["datasets"]
    assert 0 == code
    return {change["source_ref"] for change in dataset["changes"] if "withheld" not in change}


@pytest.mark.parametrize(
    ("flags", "selected"),
    [
        (["--source-ref", "s3://b/line-1/**"], {"line-1/a.jpg"}),
        (["--source-ref", "**/c.jpg", "--source-ref", "**/new.jpg"], {"line-2/c.jpg", "line-2/new.jpg"}),
        (["--class", "missing"], {"line-2/new.jpg"}),
        (["--class", "relabelled"], {"line-1/a.jpg", "line-2/c.jpg"}),
        (["--class", "spec_added", "--class", "drift_modified"], {"line-2/new.jpg"}),
        (["--class", "update", "--source-ref", "s3://b/line-2/*"], {"line-2/c.jpg"}),
        (["--label", "wasp"], {"line-1/a.jpg"}),  # gained
        (["--label", "queen"], {"line-2/c.jpg"}),  # lost
        (["--label", "b*", "--class", "update"], {"line-1/a.jpg", "line-2/c.jpg"}),
    ],
)
def test_what_is_selected_is_applied_and_the_next_plan_shows_the_rest(changed, ran, flags, selected):
    chosen = {f"s3://b/{name}" for name in selected}
    assert chosen == pending(ran, *flags)

    code, out = ran("apply", "-o", "json", *flags)

    (result,) = json.loads(out)["datasets"]
    counts = result["counts"]
    assert (0, "withheld", 3 - len(chosen)) == (code, result["verdict"], counts["not_selected"])
    assert (len(chosen), 0) == (counts["added"] + counts["updated"], counts["withheld"])
    assert result["entries"]["desired"] == result["entries"]["in_place"] + counts["not_selected"]
    assert CHANGED - chosen == pending(ran)


def test_people_read_what_was_left_out(changed, ran):
    """The rest is counted with its causes, gets no tick, and is a difference for scripts that ask."""
    flags = "--source-ref", "s3://b/line-1/*"

    code, out = ran("apply", "--detailed-exitcode", *flags)

    assert 2 == code
    assert (
        "≠ bees  withheld: everything selected is in place, as far as the policy allows; 0 added, 1 upd"
        in out
    )
    assert "  2 entries not selected: 1 new in git, 1 changed in git\n" in out
    code, out = ran("status")
    assert (0, True, True) == (code, "≠ bees" in out, "withheld  2 " in out), out
    (dataset,) = json.loads(ran("status", "-o", "json")[1])["datasets"]
    states = {one["type"]: (one["status"], one["reason"]) for one in dataset["conditions"]}
    assert ("False", "NotSelected") == states["Ready"]
    assert ("False", "DifferencesFound") == states["InSync"]
    assert 2 == dataset["counts"]["not_selected"]


def test_a_plan_counts_what_is_not_selected_and_lists_what_is(changed, ran):
    flags = "--source-ref", "s3://b/line-1/*"

    code, text = ran("plan", "--detailed-exitcode", *flags)

    assert 2 == code
    assert "Selected: --source-ref 's3://b/line-1/*'; any other change is not sent.\n" in text
    assert "1 to update: changed in git\n    ~ s3://b/line-1/a.jpg" in text
    assert "  1 not selected: new in git\n" in text
    assert "Plan: 0 to add, 1 to update, 2 not selected, 2 unchanged; 1 update call" in text
    assert "line-2" not in text
    for form in ("markdown", "html"):
        out = ran("plan", "-o", form, *flags)[1]
        assert ["s3://b/line-1/a.jpg" in out, "2 not selected" in out, "line-2" in out] == [True, True, False]


def test_a_plan_of_a_selection_with_nothing_to_do_still_says_that_something_is(changed, ran):
    """Detailed exit codes are about the dataset: a selection cannot make it look converged."""
    assert 2 == ran("plan", "--detailed-exitcode", "--label", "drone")[0]
    code, out = ran("apply", "--detailed-exitcode", "-o", "json", "--label", "drone")

    (result,) = json.loads(out)["datasets"]
    assert (2, "withheld", 0) == (code, result["verdict"], result["updates"])


def test_a_pattern_that_matches_no_change_is_named(changed, ran):
    """A misspelt address reads as one, not as if nothing were to be done."""
    typo = "s3://b/line1/*"

    _, out = ran("plan", "--source-ref", typo, "--source-ref", "s3://b/line-1/*")

    assert f"No change is of an image that matches {typo}\n" in out
    assert 1 == out.count("No change is")
    code, out = ran("apply", "--source-ref", typo)
    assert (0, True) == (
        code,
        "≠ bees  withheld: no selected image differs, others do; nothing was sent\n" in out,
    )
    assert "  3 entries not selected: 1 new in git, 2 changed in git\n" in out


def test_a_saved_plan_keeps_its_selection(changed, ran, capsys):
    """apply --plan sends what the plan selected; another selection beside it is a bad command line."""
    assert 0 == ran("plan", "--label", "wasp", "--out", "plan.json")[0]
    assert {"source_refs": [], "classes": [], "labels": ["wasp"]} == json.loads(
        Path("plan.json").read_text()
    )["selection"]
    assert 0 == main(["show", "plan.json"])
    assert "Selected: --label wasp; any other change is not sent." in capsys.readouterr().out

    assert 64 == ended("apply", "--local", "--plan", "plan.json", "--label", "bee")
    assert "make another plan" in capsys.readouterr().err
    code, out = ran("apply", "--plan", "plan.json", "-o", "json", "--label", "wasp")

    (result,) = json.loads(out)["datasets"]
    assert (0, 1, 2) == (code, result["counts"]["updated"], result["counts"]["not_selected"])
    assert CHANGED - {"s3://b/line-1/a.jpg"} == pending(ran)


def test_a_saved_plan_whose_selection_was_edited_is_refused(changed, ran, capsys):
    assert 0 == ran("plan", "--label", "wasp", "--out", "plan.json")[0]
    text = Path("plan.json").read_text()
    Path("plan.json").write_text(text.replace('"labels":["wasp"]', '"labels":["bee"]'))
    code, out = ran("apply", "--plan", "plan.json")
    assert (6, True) == (code, "the plan is outdated" in out)

    Path("plan.json").write_text(text.replace('"labels":["wasp"]', '"labels":"wasp"'))

    assert 64 == ended("apply", "--local", "--plan", "plan.json")
    assert "its selection" in capsys.readouterr().err
    assert CHANGED == pending(ran)


def test_orphans_that_are_not_selected_are_not_blanked(ran):
    write(BEFORE, "blank")
    assert 0 == ran("apply")[0]
    write({"line-1/a.jpg": "bee", "line-2/c.jpg": "queen"}, "blank")

    code, out = ran("apply", "--detailed-exitcode", "--source-ref", "s3://b/line-1/*")

    assert 2 == code
    assert "0 added, 1 updated" in out
    assert "  1 orphan left in AWS: not in git, not selected\n" in out
    assert "✓" not in out
    assert "1 orphan (blanked), 1 orphan (blank already)" in ran("plan")[1]


def test_a_guard_judges_what_is_selected(changed, ran):
    """Two of four entries are over a limit of 30 %, one alone is not; only ten and more have a ratio."""
    many = {f"n{number}.jpg": "bee" for number in range(10)}
    write(BEFORE | many)
    assert 0 == ran("apply")[0]
    spec = Path("specs/dataset.yaml")
    spec.write_text(spec.read_text().replace("maxChangeRatio: 1", "maxChanges: 3"))
    images = Path("specs/images.yaml")
    images.write_text(images.read_text().replace("bee", "wasp"))

    assert 6 == ran("apply")[0]
    assert 0 == ran("apply", "--source-ref", "s3://b/line-1/*")[0]


def test_nothing_is_created_for_a_selection_of_nothing(ran):
    write(BEFORE)
    assert "Apply creates" not in ran("plan", "--label", "nobody")[1]

    code, out = ran("apply", "-o", "json", "--label", "nobody")

    (result,) = json.loads(out)["datasets"]
    assert (0, "withheld", None, 4) == (
        code,
        result["verdict"],
        result["arn"],
        result["counts"]["not_selected"],
    )
    assert "Apply creates project bees" in ran("plan", "--label", "queen")[1]


@pytest.mark.parametrize("command", ["plan", "apply", "propose"])
@pytest.mark.parametrize(
    ("flag", "value", "hint"),
    [
        ("--class", "relabeled", "did you mean relabelled?"),
        ("--class", "spec-changed", "did you mean spec_changed?"),
        ("--source-ref", "line-1/a.jpg", "did you mean '**/line-1/a.jpg'?"),
        ("--source-ref", "", "the value is empty"),
        ("--label", "", "the value is empty"),
    ],
)
def test_a_selection_that_selects_nothing_is_refused_with_the_nearest_right_one(
    command, flag, value, hint, capsys
):
    write(BEFORE)

    assert 64 == ended(command, "--local", flag, value)

    assert hint in capsys.readouterr().err
