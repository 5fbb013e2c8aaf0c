"""What a name means in a repository that somebody pushes to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reconciler.errors import SourceError
from reconciler.sources.git.address import candidates, chosen
from tests.sources.builders import dataset, line, texts
from tests.sources.git.test_repository import Upstream, source_of, upstream

__all__ = ["upstream"]  # a fixture


@pytest.fixture
def two(upstream: Upstream) -> tuple[str, str]:
    """Two commits on main: the entries are a, then b."""
    return (
        upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a")),
        upstream.commit(specs__train_jsonl=line("b")),
    )


@pytest.mark.parametrize("annotated", [False, True])
def test_a_branch_wins_over_a_tag_of_its_name(upstream: Upstream, tmp_path: Path, two, annotated):
    """A pushed tag never brings old data back, and pushes to the branch count as before."""
    old, new = two
    source = source_of(upstream, tmp_path)
    source.poll(None)
    upstream.git("tag", *(["-a", "-m", "x"] if annotated else []), "main", old)

    both = source.poll(new)
    assert (new, True) == (both.specs.revision, "refs/tags/main" in both.notice)
    assert source.poll(both.fingerprint) is None
    newest = upstream.commit(specs__train_jsonl=line("c"))
    assert newest == source.poll(both.fingerprint).specs.revision
    upstream.git("tag", "-d", "main")
    assert source.poll(both.fingerprint).notice is None


@pytest.mark.parametrize("ref", ["v1", "tags/v1", "refs/tags/v1"])
def test_a_tag_is_followed_where_no_branch_has_its_name(upstream: Upstream, tmp_path: Path, two, ref):
    """An annotated tag stands for its commit, and may be moved."""
    old, new = two
    upstream.git("tag", "-a", "-m", "x", "v1", old)
    source = source_of(upstream, tmp_path, ref=ref)

    assert old == source.poll(None).fingerprint
    upstream.git("tag", "-f", "v1", new)
    assert (new, None) == source.poll(old)[::2]


@pytest.mark.parametrize("ref", ["main", "heads/main", "refs/heads/main", "HEAD"])
def test_a_branch_can_be_written_in_several_ways(upstream: Upstream, tmp_path: Path, two, ref):
    assert two[1] == source_of(upstream, tmp_path, ref=ref).poll(None).fingerprint


def test_a_commit_is_fetched_by_its_id(upstream: Upstream, tmp_path: Path, two):
    """Where the other side gives it."""
    upstream.git("config", "uploadpack.allowAnySHA1InWant", "true")

    assert two[0] == source_of(upstream, tmp_path, ref=two[0]).poll(None).fingerprint


@pytest.mark.parametrize("restarted", [False, True])
def test_a_tag_does_not_take_over_from_a_deleted_branch(upstream: Upstream, tmp_path: Path, two, restarted):
    """The source is unavailable then, as without the tag, also after a restart; the branch may come back."""
    source = source_of(upstream, tmp_path)
    source.poll(None)
    upstream.git("tag", "main", two[0])
    upstream.git("branch", "-m", "other")
    if restarted:
        source = source_of(upstream, tmp_path)

    with pytest.raises(SourceError, match="the branch main is gone"):
        source.poll(two[1])

    upstream.git("branch", "main", two[1])
    assert [line("b").encode()] == texts(source.poll(None))


@pytest.mark.parametrize("ref", ["nowhere", "refs/heads/nowhere", "ma*", "two[01]", "deadbeef"])
def test_a_name_that_is_not_there_is_named(upstream: Upstream, tmp_path: Path, two, ref):
    """No pattern, and no beginning of an id."""
    with pytest.raises(SourceError, match="there is no"):
        source_of(upstream, tmp_path, ref=ref).poll(None)


def test_nothing_is_fetched_that_is_here(upstream: Upstream, tmp_path: Path, two, monkeypatch):
    """Asking is enough while nothing moves."""
    source = source_of(upstream, tmp_path)
    source.poll(None)
    monkeypatch.setattr(source._clone, "_fetch_into", lambda *a: pytest.fail("fetched"))

    assert source.poll(two[1]) is None


@pytest.mark.parametrize("default", [None, "sha256"])
def test_ids_may_have_either_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, default):
    """The repository decides, not what git would make here; a clone of the other kind makes way."""
    (tmp_path / "a").mkdir()
    short, long = Upstream(tmp_path / "a" / "short"), Upstream(tmp_path / "a" / "long")
    shutil.rmtree(long.root / ".git")
    long.git("init", "-q", "-b", "main", "--object-format=sha256")
    for one in (short, long):
        one.git("config", "user.name", "author")
        one.git("config", "user.email", "author@example.invalid")
        one.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    if default:
        monkeypatch.setenv("GIT_DEFAULT_HASH", default)

    lengths = [len(source_of(one, tmp_path).poll(None).fingerprint) for one in (short, long, short)]

    assert [40, 64, 40] == lengths


def test_full_names_stand_for_themselves():
    assert ("refs/heads/x",) == candidates("refs/heads/x")
    assert "refs/heads/a" == chosen("a", {"refs/heads/a": "1", "refs/tags/a": "2"}, was_branch=False)
