"""``reconciler diff``: two revisions of a real repository, compared without a network or AWS."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.ended import ended
from tests.cli.specs import dataset, images

pytestmark = pytest.mark.usefixtures("place")

DATASET = dataset("mode: observe")
BEFORE = {"a.jpg": "bee", "b.jpg": "bee", "c.jpg": "queen"}
AFTER = {"a.jpg": "bee", "b.jpg": "drone", "d.jpg": "drone"}


def git(*words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write(labels: dict[str, str], place: str = "specs", document: str = DATASET) -> None:
    specs = Path(place)
    specs.mkdir(parents=True, exist_ok=True)
    (specs / "dataset.yaml").write_text(document)
    (specs / "images.yaml").write_text(images(labels))


def commit(message: str) -> str:
    git("add", "--all")
    git("commit", "--quiet", "--message", message)
    return git("rev-parse", "HEAD")


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> None:
    """Two commits: one image stays, one is relabelled, one goes, one comes."""
    git(
        "init",
        "--quiet",
        f"--object-format={getattr(request, 'param', 'sha1')}",
        "--initial-branch=main",
        ".",
    )
    write(BEFORE)
    commit("before")
    git("tag", "v1")
    write(AFTER)
    commit("after")


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]):
    def run(*words: str) -> tuple[int, str, str]:
        return ended("diff", *words), *capsys.readouterr()

    return run


def test_people_read_the_numbers_by_label_and_by_image_on_request(repository, ran):
    code, out, err = ran("v1", "HEAD")
    assert (2, "") == (code, err)
    assert "bees  changed  HEAD:specs/dataset.yaml:1\n" in out
    assert "  1 image added, 1 changed, 1 removed, 1 unchanged\n" in out
    for row in ("bee \N{MINUS SIGN}1", "drone +2", "queen \N{MINUS SIGN}1"):
        assert f"    {row}\n" in out
    assert "s3://" not in out

    out = ran("v1", "HEAD", "--all")[1]

    assert "    ~ s3://b/b.jpg  HEAD:specs/images.yaml:7\n" in out
    assert "became “drone”\n" in out
    assert "    - s3://b/c.jpg  v1:specs/images.yaml:8\n" in out
    assert "    + s3://b/d.jpg  HEAD:specs/images.yaml:8\n" in out


@pytest.mark.parametrize("repository", ["sha1", "sha256"], indirect=True)
def test_scripts_read_the_document(repository, ran):
    code, out, _ = ran("v1", "HEAD", "-o", "json")

    document = json.loads(out)
    (dataset,) = document["datasets"]
    assert (2, "diff/v1") == (code, document["format"])
    assert {"revision": "v1", "commit": git("rev-parse", "v1")} == document["before"]
    assert {
        "before": 3,
        "after": 3,
        "added": 1,
        "changed": 1,
        "removed": 1,
        "unchanged": 1,
        "ignored": 0,
    } == (dataset["counts"])
    assert [("changed", ["relabelled"]), ("removed", []), ("added", [])] == [
        (change["action"], change["classes"]) for change in dataset["changes"]
    ]
    assert "specs/images.yaml:8" in ran("v1", "HEAD", "-o", "markdown")[1]


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        (["HEAD~1"], "HEAD~1", None),
        (["HEAD~1", "specs"], "HEAD~1", None),
        (["v1", "main", "specs/dataset.yaml"], "v1", "main"),
        (["v1..main"], "v1", "main"),
        (["v1..", "specs"], "v1", "HEAD"),
        (["HEAD~1", "HEAD", "specs"], "HEAD~1", "HEAD"),
    ],
)
def test_revisions_and_path_are_distinguished_as_git_does(repository, ran, words, before, after):
    document = json.loads(ran(*words, "-o", "json")[1])

    assert (before, after) == (document["before"]["revision"], document["after"]["revision"])
    assert ["changed"] == [dataset["state"] for dataset in document["datasets"]]


def test_three_dots_begin_where_the_branches_parted(repository, ran):
    """As in a pull request: what the other branch has gained meanwhile is no part of it."""
    git("checkout", "--quiet", "-b", "topic", "v1")
    write(BEFORE | {"e.jpg": "bee"})
    commit("topic")

    code, out, _ = ran("main...topic", "-o", "json")

    (dataset,) = json.loads(out)["datasets"]
    assert (2, ["s3://b/e.jpg"]) == (code, [change["source_ref"] for change in dataset["changes"]])


def test_the_working_tree_is_read_as_it_is(repository, ran):
    """What is not committed yet counts too, a new file that git does not know included."""
    assert (0, True) == ((found := ran("HEAD"))[0], "No changes." in found[1])
    write(AFTER | {"new.jpg": "bee"}, document=DATASET.replace("images.yaml", "other.yaml"))
    Path("specs/images.yaml").rename("specs/other.yaml")

    code, out, _ = ran("HEAD", "--all")

    assert (2, True) == (code, "    + s3://b/new.jpg  specs/other.yaml:9\n" in out)


def test_settings_are_shown_and_file_names_are_not(repository, ran):
    Path("specs/images.yaml").rename("specs/renamed.yaml")
    document = DATASET.replace("images.yaml", "renamed.yaml")
    Path("specs/dataset.yaml").write_text(document)
    assert 0 == ran("HEAD")[0]
    Path("specs/dataset.yaml").write_text(document.replace("observe", "upsert"))

    code, out, _ = ran("HEAD")

    assert (2, True) == (code, '    policy.mode: "observe" → "upsert"\n' in out)


def test_datasets_that_come_and_go(repository, ran):
    other = DATASET.replace("bees", "wasps")
    write(AFTER, "specs/wasps", other)
    commit("more")
    assert (2, "wasps  added  HEAD:specs/wasps/dataset.yaml:1") == (
        (found := ran("HEAD~1", "HEAD"))[0],
        found[1].splitlines()[2],
    )

    git("rm", "-r", "--quiet", "specs/wasps")
    code, out, _ = ran("HEAD", "--dataset", "wasps")

    assert (2, True, True) == (
        code,
        "wasps  removed  HEAD:specs/wasps" in out,
        "drone \N{MINUS SIGN}2" in out,
    )
    assert (64, True) == ((found := ran("HEAD", "--dataset", "ants"))[0], "ants" in found[2])


@pytest.mark.parametrize("order", [("v1", "HEAD"), ("HEAD", "v1")])
def test_specs_that_are_broken_on_one_side_are_named_with_their_revision(repository, ran, order):
    images = Path("specs/images.yaml")
    images.write_text(images.read_text() + "  - {image: e.jpg, labels: bee}\n")
    commit("broken")

    code, out, _ = ran(*order)

    assert 5 == code
    assert "HEAD:specs/images.yaml:9:" in out
    assert "error: " in out


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["nothing"], 64, "'nothing' names no commit"),
        (["HEAD", "nothing"], 64, "'nothing' names no commit"),
        (["HEAD:specs"], 64, "names no commit"),
        (["^HEAD"], 64, "names no commit"),
        (["specs"], 64, "a revision comes before the path"),
        (["main..HEAD", "v1", "specs"], 64, "v1 is a third"),
        (["HEAD", "HEAD", "nowhere"], 3, "there is no nowhere in commit"),
        (["HEAD", "HEAD", "empty"], 3, "no document with apiVersion reconciler/v1"),
        (["v1", "HEAD", "empty"], 3, "there is no empty in commit"),
        ([], 64, "required: REV1"),
    ],
)
def test_what_cannot_be_compared_is_refused(repository, ran, words, code, reason):
    """An unknown revision is a bad command line, a path without specs at a revision is an unknown state."""
    Path("empty").mkdir()
    Path("empty/note.txt").write_text("nothing\n")
    commit("empty")

    found, _, err = ran(*words)

    assert (code, True) == (found, reason in err), err


def test_a_failure_as_a_whole_has_a_document(repository, ran):
    code, out, _ = ran("HEAD", "HEAD", "nowhere", "-o", "json")

    document = json.loads(out)
    assert (3, "diff/v1", []) == (code, document["format"], document["datasets"])
    assert "nowhere" in document["errors"][0]["message"]


def test_a_word_that_is_a_revision_and_a_path_must_be_disambiguated(repository, ran):
    git("branch", "specs")

    assert (64, True) == ((found := ran("v1", "specs"))[0], "./specs" in found[2])
    assert 2 == ran("v1", "./specs")[0]
    assert 2 == ran("v1", "specs", "specs")[0]


def test_outside_of_a_repository_there_are_no_revisions(ran):
    write(BEFORE)

    assert (3, True) == ((found := ran("HEAD"))[0], "not in a git repository" in found[2])


def test_a_shallow_clone_says_what_it_lacks(repository, ran, tmp_path, monkeypatch):
    git("clone", "--quiet", "--depth=1", f"file://{tmp_path}", "shallow")
    monkeypatch.chdir("shallow")

    assert (64, True) == ((found := ran("HEAD~1"))[0], "git fetch --unshallow" in found[2])
    git("fetch", "--quiet", "--depth=1", "origin", "tag", "v1")
    assert 2 == ran("v1", "HEAD")[0]
    assert (64, True) == ((found := ran("v1...HEAD"))[0], "git fetch --unshallow" in found[2])


def test_nothing_that_the_repository_names_is_run(repository, ran, tmp_path):
    """A pull request can change .gitattributes, and a checkout its configuration: neither starts a program."""
    trap = tmp_path / "trap"
    Path(".gitattributes").write_text("* filter=trap diff=trap\n")
    commit("attributes")
    for key in ("core.fsmonitor", "filter.trap.smudge", "filter.trap.clean", "diff.trap.textconv"):
        git("config", key, f"touch {trap}; cat")
    git("config", "core.hooksPath", str(tmp_path))
    trap.unlink(missing_ok=True)

    assert 0 == ran("HEAD~1", "HEAD")[0]

    assert not trap.exists()


def test_links_work_trees_and_fetched_heads_are_read(repository, ran, tmp_path, monkeypatch):
    """PATH through a link, at each revision where that one leads; in another work tree; and what was fetched."""
    Path("current").symlink_to("specs")
    commit("link")
    write(BEFORE, "old")
    Path("current").unlink()
    Path("current").symlink_to("old")
    commit("another link")
    code, out, _ = ran("HEAD~1", "HEAD", "current", "-o", "json")
    (dataset,) = json.loads(out)["datasets"]
    assert (2, {"added", "changed", "removed"}) == (code, {change["action"] for change in dataset["changes"]})

    git("worktree", "add", "--quiet", str(tmp_path / "other"), "v1")
    monkeypatch.chdir(tmp_path / "other")
    assert (2, 0) == (ran("main")[0], ran("v1")[0])
    git("fetch", "--quiet", str(tmp_path), "main")
    assert 2 == ran("HEAD", "FETCH_HEAD")[0]


def test_a_submodule_is_another_repository(repository, ran, tmp_path):
    """Within it, its own revisions are compared; as a part of the specs, it is named and not read."""
    inner = tmp_path / "inner"
    inner.mkdir()
    git("init", "--quiet", str(inner))
    git("-C", str(inner), "commit", "--quiet", "--allow-empty", "--message", "empty")
    git("submodule", "--quiet", "add", str(inner), "specs/part")
    commit("submodule")

    code, out, _ = ran("HEAD~1", "HEAD")

    assert (5, True) == (code, "HEAD:specs/part:1: error: cannot be read: it is a submodule" in out)
    assert (3, True) == ((found := ran("HEAD", "HEAD", "specs/part"))[0], "no document" in found[2])
