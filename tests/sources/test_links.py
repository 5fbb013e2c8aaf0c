"""Links: one rule, and one answer, for a directory, a work tree and a commit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.errors import SourceError
from reconciler.sources import links
from reconciler.sources.blobs import Blobs
from reconciler.sources.directory import open_path
from reconciler.sources.directory_source import DirectorySource
from reconciler.sources.load import load
from tests.sources.builders import LINE, dataset, write
from tests.sources.git.test_repository import Upstream, source_of

OUT = "leads out of the spec tree"


def build(root: Path, made: dict[str, str]) -> None:
    """Make files, and links: those whose text begins with an arrow."""
    for name, text in made.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            path.symlink_to(text[2:])
        else:
            path.write_text(text)


def answer(specs) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """What a tree declares, and its errors; paths as in the tree."""
    found = [
        (one.name, [file.path.rpartition("specs/")[2] for file in one.files])
        for one in specs.datasets
        if one.usable
    ]
    errors = [f"{Path(p.origin.file).name}: {p.message}" for p in specs.problems if p.is_error]
    return sorted(found), sorted(errors)


def answers(tmp_path: Path, made: dict[str, str], path: str = "specs"):
    """Ask a directory, a followed directory, a work tree of git, and a commit; they must agree."""
    upstream = Upstream(tmp_path / "up")
    build(upstream.root, made)
    upstream.git("add", "-A")
    upstream.git("commit", "-qm", "x")
    upstream.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    found = []
    for root in (upstream.root, tmp_path / "tree"):
        found.append(answer(load(*open_path(root / path))))
        found.append(answer(DirectorySource(root / path, Blobs(tmp_path / "b")).poll(None).specs))
    found.append(answer(source_of(upstream, tmp_path, path).poll(None).specs))
    cleaned = [
        (
            datasets,
            [error.replace(str(tmp_path / "up"), "").replace(str(tmp_path / "tree"), "") for error in errors],
        )
        for datasets, errors in found
    ]
    assert all(cleaned[0][0] == one[0] and len(cleaned[0][1]) == len(one[1]) for one in cleaned), cleaned
    return cleaned[0][0], cleaned[-1][1]


D = dataset("d", "d.jsonl")


@pytest.mark.parametrize(
    "made",
    [
        {"specs/d.yaml": D, "specs/d.jsonl": "->real.jsonl", "specs/real.jsonl": LINE},
        {"specs/d.yaml": D, "specs/d.jsonl": "->a/b/real.jsonl", "specs/a/b/real.jsonl": LINE},
        {"specs/d.yaml": D, "specs/d.jsonl": "->a/../real.jsonl", "specs/a/x": "", "specs/real.jsonl": LINE},
        {"specs/d.yaml": D, "specs/d.jsonl": "->../specs/real.jsonl", "specs/real.jsonl": LINE},
        {"specs/d.yaml": D, "specs/d.jsonl": "->one", "specs/one": "->two", "specs/two": "->real.jsonl",
         "specs/real.jsonl": LINE},
        {"specs/d.yaml": D, "specs/d.jsonl": "->.hidden/real.jsonl", "specs/.hidden/real.jsonl": LINE},
        {"specs/d.yaml": "->real.yml", "specs/real.yml": D, "specs/d.jsonl": LINE},
        {"specs/d.yaml": "->.data/d.yaml", "specs/.data": "->.1", "specs/.1/d.yaml": D, "specs/d.jsonl": LINE},
        {"specs/team": "->.teams/a", "specs/.teams/a/d.yaml": D, "specs/.teams/a/d.jsonl": LINE},
        {"specs/a/d.yaml": D, "specs/a/d.jsonl": LINE, "specs/b": "->a", "specs/a/up": "->..", "specs/c/c": "->."},
        {"specs": "->really/here", "really/here/d.yaml": D, "really/here/d.jsonl": LINE},
        {"specs": "->one", "one": "->two/deep", "two": "->real", "real/deep/d.yaml": D, "real/deep/d.jsonl": LINE},
        {"specs/d.yaml": dataset("d", "shots/*.jsonl"), "specs/shots": "->real", "specs/real/d.jsonl": LINE},
        {"specs/d.yaml": dataset("d", "*/d.jsonl"), "specs/x": "->.real", "specs/.real/d.jsonl": LINE},
        {"specs/d.yaml": dataset("d", "*.jsonl"), "specs/a.jsonl": LINE, "specs/b.jsonl": "->a.jsonl"},
        {"specs/d.yaml": D, "specs/d.jsonl": LINE, "specs/LICENSE": "->../LICENSE", "LICENSE": ""},
        {"specs/d.yaml": D, "specs/d.jsonl": LINE, "specs/loop": "->loop", "specs/gone": "->nowhere"},
    ],
)  # fmt: skip
def test_links_within_the_tree_are_followed(tmp_path: Path, made: dict[str, str]):
    """To files, to directories, in chains, in circles, and PATH itself; each file counts once."""
    datasets, errors = answers(tmp_path, made)

    assert (["d"], []) == ([name for name, _ in datasets], errors)
    assert 1 == len(datasets[0][1])


GOOD = {"specs/good.yaml": dataset("good", "good.jsonl"), "specs/good.jsonl": LINE}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({"specs/d.yaml": D, "specs/d.jsonl": "->../d.jsonl", "d.jsonl": LINE}, OUT),
        ({"specs/d.yaml": D, "specs/d.jsonl": "->/etc/hostname"}, OUT),
        ({"specs/d.yaml": D, "specs/d.jsonl": "->in", "specs/in": "->../d.jsonl", "d.jsonl": LINE}, OUT),
        ({"specs/d.yaml": D, "specs/d.jsonl": "->../specs2/d.jsonl", "specs2/d.jsonl": LINE}, OUT),
        ({"specs/d.yaml": "->../d.yaml", "d.yaml": D}, OUT),
        ({"specs/d.yaml": "->/nowhere/d.yaml"}, OUT),
        ({"specs/d.yaml": "->nowhere.yaml"}, "cannot be read: "),
        ({"specs/d.yaml": "->d.yaml"}, "the links go round in a circle"),
        ({"specs/d.yaml": D, "specs/d.jsonl": "->e.jsonl", "specs/e.jsonl": "->d.jsonl"}, "in a circle"),
        ({"specs/d.yaml": D, "specs/d.jsonl": "->nowhere.jsonl"}, "does not exist"),
        ({"specs/team": "->../teams", "teams/d.yaml": D, "teams/d.jsonl": LINE}, OUT),
        ({"specs/v1.2": "->../teams", "teams/d.yaml": D, "teams/d.jsonl": LINE}, OUT),
        ({"specs/team": "->/nowhere"}, OUT),
        ({"specs/up": "->..", "d.yaml": D, "d.jsonl": LINE}, OUT),
    ],
)
def test_links_that_lead_nowhere_or_out_are_errors(tmp_path: Path, made: dict[str, str], expected: str):
    """With the place of the link, and no other dataset suffers; never silently less desire."""
    datasets, errors = answers(tmp_path, GOOD | made)

    assert ["good"] == [name for name, _ in datasets]
    assert 1 == len(errors)
    assert expected in errors[0]


@pytest.mark.parametrize("target", ["/etc", "../..", "specs"])
def test_path_itself_may_not_lead_out_of_a_commit(tmp_path: Path, target: str):
    upstream = Upstream(tmp_path / "up")
    (upstream.root / "specs").symlink_to(target)
    upstream.commit()

    with pytest.raises(SourceError, match=r"leads out of the spec tree|in a circle"):
        source_of(upstream, tmp_path).poll(None)


def test_links_that_multiply_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Ten directories that all link to each other have millions of names."""
    monkeypatch.setattr(links, "_MAX_NAMES", 1_000)
    for one in range(8):
        for other in range(8):
            (tmp_path / str(one)).mkdir(exist_ok=True)
            (tmp_path / str(one) / f"to{other}").symlink_to(f"../{other}")

    with pytest.raises(SourceError, match="more than 1,000 names"):
        open_path(tmp_path).tree.files()


def test_a_link_made_while_a_tree_is_read_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What was listed before is not what is there now."""
    write(tmp_path / "specs", d_yaml=D, d_jsonl=LINE)
    source = DirectorySource(tmp_path / "specs", Blobs(tmp_path / "b"))
    first = source.poll(None)
    (tmp_path / "specs" / "e.yaml").symlink_to("d.yaml")

    assert source.poll(first.fingerprint) is not None


# Submodules of a commit


@pytest.fixture
def nested(tmp_path: Path) -> Upstream:
    inner, outer = Upstream(tmp_path / "inner"), Upstream(tmp_path / "outer")
    inner.commit(d_yaml=D, d_jsonl=LINE)
    outer.commit(specs__good_yaml=dataset("good", "good.jsonl"), specs__good_jsonl=LINE)
    outer.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.root), "specs/part"
    )
    outer.commit()
    return outer


@pytest.mark.parametrize("path", ["specs/part", "specs/part/deeper"])
def test_a_path_in_a_submodule_names_the_cause(nested: Upstream, tmp_path: Path, path: str):
    with pytest.raises(SourceError, match="specs/part is a submodule"):
        source_of(nested, tmp_path, path).poll(None)


def test_a_submodule_in_the_tree_is_an_error_of_its_own(nested: Upstream, tmp_path: Path):
    """A checkout of both repositories has its datasets, so that their absence must not pass in silence."""
    specs = source_of(nested, tmp_path).poll(None).specs

    assert ["good"] == [one.name for one in specs.datasets if one.usable]
    (problem,) = [p for p in specs.problems if p.is_error]
    assert ("specs/part", True) == (problem.origin.file, "it is a submodule" in problem.message)
    assert os.fspath("specs/part") in [one.name for one in specs.broken]


def test_a_file_in_a_submodule_names_the_cause(nested: Upstream, tmp_path: Path):
    nested.commit(specs__e_yaml=dataset("e", "part/d.jsonl"))

    messages = [p.message for p in source_of(nested, tmp_path).poll(None).specs.problems if p.is_error]

    assert any("part/d.jsonl cannot be read: it is in a submodule" in message for message in messages)


def test_a_path_that_is_not_there_names_the_commit(tmp_path: Path):
    upstream = Upstream(tmp_path / "up")
    upstream.commit(specs__d_yaml=D)

    with pytest.raises(SourceError, match="there is no specs/x in commit"):
        source_of(upstream, tmp_path, "specs/x").poll(None)
