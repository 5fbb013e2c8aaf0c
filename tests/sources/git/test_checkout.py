"""Checkouts of others: their programs never run, and the revision is that of the tree that is read."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.errors import OutputError, SourceError, UsageError
from reconciler.sources.directory import as_committed, open_path
from reconciler.sources.git.checkout import find, opened
from reconciler.sources.git.revision import Revision, blame, revision_of
from reconciler.sources.git.work_tree import commit_to
from tests.sources.git.test_repository import Upstream

LINE = b'{"source-ref":"s3://bucket/a.jpg"}\n'
HOOKS = "reference-transaction", "post-index-change", "pre-commit", "post-commit", "fsmonitor-watchman"


def git(at: Path, *words: str, **env: str) -> str:
    command = ["git", "-c", "protocol.file.allow=always", *words]
    done = subprocess.run(
        command, cwd=at, capture_output=True, text=True, check=True, env={**os.environ, **env}
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Upstream:
    """A repository with two files: specs/train.jsonl and .gitattributes."""
    found = Upstream(tmp_path / "work")
    (found.root / "specs").mkdir()
    (found.root / "specs" / "train.jsonl").write_bytes(LINE)
    (found.root / ".gitattributes").write_text("")
    found.commit()
    return found


def propose(
    repository: Upstream, tmp_path: Path, content: bytes = LINE * 2, path="specs/train.jsonl"
) -> bytes:
    """Commit to a branch; return what it holds there."""
    (tmp_path / "new").write_bytes(content)
    commit_to("labels", repository.root, {path: tmp_path / "new"}, "message")
    words = ["git", "cat-file", "blob", f"labels:{path}"]
    return subprocess.run(words, cwd=repository.root, capture_output=True, check=True).stdout


def trap(repository: Upstream, tmp_path: Path) -> Path:
    """Let the repository name a program wherever git knows a place; return the file that any of them makes."""
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $0 $@ >> {ran}\ncat\n")
    program.chmod(0o755)
    (repository.root / ".git" / "hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        shutil.copy(program, repository.root / ".git" / "hooks" / name)
    run = str(program)
    (repository.root / ".git" / "more").write_text(
        f'[core]\n fsmonitor = {run}\n[filter "x"]\n clean = {run}\n smudge = {run}\n required = true\n'
    )
    for key, value in {
        "include.path": "more", "core.hooksPath": str(repository.root / ".git" / "hooks"), "core.pager": run,
        "core.editor": run, "core.sshCommand": run, "core.askPass": run, "credential.helper": f"!{run}",
        "diff.external": run, "diff.x.textconv": run, "diff.x.command": run, "filter.x.process": run,
        "gpg.program": run, "commit.gpgSign": "true", "core.alternateRefsCommand": run, "alias.blame": f"!{run}",
        "remote.origin.url": f"ext::{run}", "remote.origin.promisor": "true", "protocol.ext.allow": "always",
        "extensions.partialClone": "origin", "hook.x.command": run, "hook.x.event": "reference-transaction",
    }.items():  # fmt: skip
        git(repository.root, "config", key, value)
    git(repository.root, "config", "core.repositoryFormatVersion", "1")
    (repository.root / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n")
    ran.unlink(missing_ok=True)
    return ran


def test_no_program_of_a_repository_runs(repository: Upstream, tmp_path: Path):
    """Whoever owns a checkout must not become whoever reads it."""
    ran = trap(repository, tmp_path)

    opened_tree = open_path(repository.root / "specs").tree
    assert blame(repository.root / "specs" / "train.jsonl", 1) is not None
    assert LINE * 2 == propose(repository, tmp_path)
    (repository.root / "specs" / "train.jsonl").write_bytes(LINE * 3)
    assert blame(repository.root / "specs" / "train.jsonl", 1) is None

    assert opened_tree.revision
    assert not ran.exists(), ran.read_text()


def test_an_object_that_is_missing_is_not_fetched(repository: Upstream, tmp_path: Path):
    """A partial clone names the transport that would fetch it, which may be any program."""
    blob = git(repository.root, "rev-parse", "HEAD:specs/train.jsonl")
    ran = trap(repository, tmp_path)
    (repository.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    assert blame(repository.root / "specs" / "train.jsonl", 1) is None
    assert not ran.exists(), ran.read_text()


CONVERSIONS = {
    "eol": ("*.jsonl text eol=crlf\n", {}, lambda text: text.replace(b"\n", b"\r\n")),
    "autocrlf": ("", {"core.autocrlf": "true"}, lambda text: text.replace(b"\n", b"\r\n")),
    "auto": ("* text=auto\n", {"core.eol": "crlf"}, lambda text: text.replace(b"\n", b"\r\n")),
    "encoding": (
        "*.jsonl text working-tree-encoding=UTF-16LE\n",
        {},
        lambda text: text.decode().encode("utf-16-le"),
    ),
    "nothing": ("*.jsonl -text\n", {}, lambda text: text),
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_what_git_converts_by_itself_is_clean(repository: Upstream, tmp_path: Path, name: str):
    """A checkout with other ends of lines is not an edited one, and what is committed is as git keeps it."""
    attributes, config, convert = CONVERSIONS[name]
    (repository.root / ".gitattributes").write_text(attributes)
    repository.git("commit", "-qm", "x", "--allow-empty", "--", ".gitattributes")
    for key, value in config.items():
        git(repository.root, "config", key, value)
    git(repository.root, "rm", "-rq", "--cached", "specs")
    shutil.rmtree(repository.root / "specs")
    git(repository.root, "checkout", "HEAD", "--", "specs")
    file = repository.root / "specs" / "train.jsonl"

    assert convert(LINE) == file.read_bytes()
    assert blame(file, 1) is not None
    assert LINE * 2 == propose(repository, tmp_path, convert(LINE * 2))


def test_an_edit_is_seen_behind_a_conversion(repository: Upstream, tmp_path: Path):
    git(repository.root, "config", "core.autocrlf", "true")
    (repository.root / "specs" / "train.jsonl").write_bytes(LINE.replace(b'a.jpg"}\n', b'b.jpg"}\r\n'))

    with pytest.raises(UsageError, match="holds changes that are not committed"):
        propose(repository, tmp_path)


FILTER = "sed s/bucket/BUCKET/"


def filtered(repository: Upstream) -> None:
    """Commit what the filter makes of the file, which stays as it is in the work tree."""
    (repository.root / ".gitattributes").write_text("*.jsonl filter=shout\n")
    repository.git("-c", f"filter.shout.clean={FILTER}", "add", "--renormalize", "-A")
    repository.git("-c", f"filter.shout.clean={FILTER}", "add", "-A")
    repository.git("-c", f"filter.shout.clean={FILTER}", "commit", "-qm", "x")
    repository.git("-c", f"filter.shout.clean={FILTER}", "update-index", "--refresh")


@pytest.mark.parametrize("path", ["specs/train.jsonl", "specs/new.jsonl"])
def test_a_filter_that_only_the_repository_defines_is_named(repository: Upstream, tmp_path: Path, path: str):
    """It is not run, and nothing is committed past it."""
    filtered(repository)
    git(repository.root, "config", "filter.shout.clean", f"touch {tmp_path / 'ran'}; {FILTER}")

    with pytest.raises(UsageError, match="the filter “shout”"):
        propose(repository, tmp_path, path=path)

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("scope", ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"])
def test_a_filter_of_the_user_or_the_system_runs(
    repository: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str
):
    """And where the repository defines one of that name too, it is not the repository's."""
    filtered(repository)
    git(repository.root, "config", "filter.shout.clean", "false")
    (tmp_path / "config").write_text(f'[filter "shout"]\n\tclean = {FILTER}\n')
    monkeypatch.setenv(scope, str(tmp_path / "config"))

    assert LINE.replace(b"bucket", b"BUCKET") * 2 == propose(repository, tmp_path)


@pytest.mark.parametrize("kind", ["worktree", "packed", "sha256", "detached", "shallow"])
def test_checkouts_of_every_kind_work(repository: Upstream, tmp_path: Path, kind: str, monkeypatch):
    """Linked work trees, packed refs, long ids, no branch, no history; and a branch appears where it should."""
    root = repository.root
    match kind:
        case "worktree":
            repository.git("worktree", "add", "-q", str(tmp_path / "linked"))
            root = tmp_path / "linked"
        case "packed":
            repository.git("pack-refs", "--all")
            repository.git("gc", "-q")
        case "sha256":
            shutil.rmtree(root / ".git")
            repository.git("init", "-q", "-b", "main", "--object-format=sha256")
            repository.commit("--author=a <a@b>")
        case "detached":
            repository.git("checkout", "-q", "--detach")
        case "shallow":
            repository.commit()
            git(tmp_path, "clone", "-q", "--depth=1", f"file://{root}", "shallow")
            root = tmp_path / "shallow"
    (tmp_path / "new").write_bytes(LINE * 2)
    head = git(root, "rev-parse", "HEAD")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@b")
    if kind == "sha256":
        monkeypatch.setenv("GIT_DEFAULT_HASH", "sha1")

    assert Revision(head) == revision_of(root / "specs")
    assert blame(root / "specs" / "train.jsonl", 1).commit
    commit = commit_to("labels", root, {"specs/train.jsonl": tmp_path / "new"}, "message")
    assert (commit, head) == (git(root, "rev-parse", "labels"), git(root, "rev-parse", "labels~"))
    assert "" == git(root, "status", "--porcelain")
    git(root, "fsck", "--strict")


def test_who_commits_is_taken_from_the_repository(repository: Upstream, tmp_path: Path):
    repository.git("config", "user.name", 'A "quoted" \\ name')
    propose(repository, tmp_path)

    assert 'A "quoted" \\ name' == git(repository.root, "log", "-1", "--format=%an", "labels")


# Which commit


@pytest.mark.parametrize(
    "damage", ["missing", "empty file", "empty directory", "leads nowhere", "no HEAD", "bad HEAD"]
)
@pytest.mark.parametrize("outer", [False, True])
def test_a_damaged_repository_gives_no_revision_of_another_one(tmp_path: Path, damage: str, outer: bool):
    """Not that of a repository further up, which knows nothing of the tree; and the reason is given."""
    if outer:
        Upstream(tmp_path / "up").commit(readme_md="x")
    (tmp_path / "up").mkdir(exist_ok=True)
    inner = Upstream(tmp_path / "up" / "inner")
    inner.commit(specs__a_yaml="x")
    dot = inner.root / ".git"
    match damage:
        case "no HEAD":
            (dot / "HEAD").unlink()
        case "bad HEAD":
            (dot / "HEAD").write_text("0" * 40 + "\n")
        case _:
            shutil.rmtree(dot)
    match damage:
        case "empty file":
            dot.write_text("")
        case "empty directory":
            dot.mkdir()
        case "leads nowhere":
            dot.write_text("gitdir: /nowhere\n")

    found = revision_of(inner.root / "specs")

    assert found.commit is None
    assert (damage != "missing" or outer) is bool(found.reason)


def test_a_submodule_has_its_own_commit(repository: Upstream, tmp_path: Path):
    """And none where it was copied without its repository: the outer commit holds no file of it."""
    inner = Upstream(tmp_path / "inner")
    commit = inner.commit(a_yaml="x")
    git(repository.root, "submodule", "--quiet", "add", str(inner.root), "part")
    repository.commit()

    assert Revision(commit) == revision_of(repository.root / "part")
    (repository.root / "part" / ".git").unlink()
    found = revision_of(repository.root / "part")
    assert (None, True) == (found.commit, "not part of commit" in found.reason)


@pytest.fixture
def synced(repository: Upstream, tmp_path: Path) -> Path:
    """What git-sync leaves: a repository, and a work tree that is called after its commit."""
    git(tmp_path, "clone", "-q", str(repository.root), "root")
    head = git(tmp_path / "root", "rev-parse", "HEAD")
    git(tmp_path / "root", "worktree", "add", "-q", "--detach", f".worktrees/{head}")
    return tmp_path / "root" / ".worktrees" / head


@pytest.mark.parametrize("damage", ["none", "missing", "leads nowhere", "empty"])
def test_the_name_of_a_git_sync_tree_is_a_second_witness(synced: Path, damage: str):
    """A work tree whose repository cannot be read is still that of its commit."""
    match damage:
        case "missing":
            (synced / ".git").unlink()
        case "leads nowhere":
            (synced / ".git").write_text("gitdir: /git/.git/worktrees/other\n")
        case "empty":
            (synced / ".git").write_text("")

    assert Revision(synced.name) == revision_of(synced / "specs")


def test_two_witnesses_must_agree(synced: Path):
    git(synced, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x")

    found = revision_of(synced / "specs")

    assert (None, True) == (found.commit, synced.name in found.reason)


def test_an_untracked_directory_is_not_of_the_commit(repository: Upstream):
    (repository.root / "other").mkdir()

    assert "not part of commit" in revision_of(repository.root / "other").reason


def test_a_configuration_that_cannot_be_read_is_named(repository: Upstream, tmp_path: Path):
    (repository.root / ".git" / "config").write_text("[core\n")

    with pytest.raises(SourceError, match="bad config"), opened(find(repository.root)):
        pass
    with pytest.raises(OutputError, match="bad config"):
        propose(repository, tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("true", None),
        ("touch specs/train.jsonl README.yaml", None),
        ("echo x > specs/notes.md", None),
        ("echo x > specs/ours.yaml; echo specs/ours.yaml > .gitignore", None),
        ("printf x >> specs/train.jsonl", "specs/train.jsonl not committed"),
        ("printf x >> specs/train.jsonl; git add specs", "specs/train.jsonl not committed"),
        ("rm specs/train.jsonl", "specs/train.jsonl not committed"),
        ("echo x > specs/new.yaml; echo x > specs/next.jsonl", "specs/new.yaml and 1 more not committed"),
        ("rm .git/index", "specs/train.jsonl and 1 more not committed"),
    ],
)
def test_a_tree_with_changes_is_at_no_revision(repository: Upstream, change: str, named: str | None):
    """The revision is that of the tree that is read: a commit that does not hold it is not named."""
    head = git(repository.root, "rev-parse", "HEAD")
    subprocess.run(["/bin/sh", "-c", change], cwd=repository.root, check=True)

    tree = as_committed(open_path(repository.root / "specs")).tree

    assert (None if named else head) == tree.revision
    assert (named is None) == (tree.no_revision is None)
    assert str(named or None) in str(tree.no_revision)


def test_finding_changes_runs_no_program_of_the_repository(repository: Upstream, tmp_path: Path):
    """Neither hooks nor fsmonitor nor filters that the repository names are run."""
    ran = trap(repository, tmp_path)
    (repository.root / "specs" / "train.jsonl").write_bytes(LINE * 2)

    assert as_committed(open_path(repository.root / "specs")).tree.revision is None
    assert not ran.exists()


@pytest.mark.parametrize("missing", ["HEAD", "objects", "refs"])
def test_a_directory_that_lacks_a_part_of_a_repository_is_none(tmp_path: Path, missing: str):
    """Git itself takes no directory without one of the three for a repository."""
    repository = tmp_path / ".git"
    for name in {"objects", "refs"} - {missing}:
        (repository / name).mkdir(parents=True)
    if missing != "HEAD":
        (repository / "HEAD").write_text("ref: refs/heads/main\n")

    with pytest.raises(SourceError, match=r"/\.git: leads to no repository of git"):
        find(tmp_path)
