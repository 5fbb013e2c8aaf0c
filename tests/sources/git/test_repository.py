"""A repository of our own: fetched, and read from the commit."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from reconciler.errors import SourceError, UsageError
from reconciler.sources.blobs import Blobs
from reconciler.sources.git.address import Address, without_password
from reconciler.sources.git.clone import Clone, _protocols
from reconciler.sources.git.repository import GitSource
from reconciler.sources.git.runner import _reason
from tests.sources.builders import dataset, line, texts, write

BOILERPLATE = "Please make sure you have the correct access rights\nand the repository exists.\n"
DUBIOUS = (
    "fatal: detected dubious ownership in repository at '/srv/r.git'; "
    "To add an exception for this directory, call: git config --global --add safe.directory /srv/r.git"
)


class Upstream:
    """A repository that somebody pushes to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "author")
        self.git("config", "user.email", "author@example.invalid")
        self.git("config", "commit.gpgsign", "false")

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, *options: str, **files: str) -> str:
        write(self.root, **files)
        self.git("add", "-A")
        self.git("commit", "-qm", "change", "--allow-empty", *options)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


def source_of(
    upstream: Upstream, tmp_path: Path, path: str = "specs", *, ref="main", verify=False
) -> GitSource:
    clone = Clone(tmp_path / "state" / "git", Address(f"file://{upstream.root}"), ref, verify=verify)
    return GitSource(clone, path, Blobs(tmp_path / "blobs"))


def test_a_commit_is_read_without_a_work_tree(upstream: Upstream, tmp_path: Path):
    """What is committed counts; what lies about in somebody's directory does not."""
    commit = upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    write(upstream.root, specs__train_jsonl=line("not committed"))

    revision = source_of(upstream, tmp_path).poll(None)

    assert revision is not None
    assert (commit, commit) == (revision.fingerprint, revision.specs.revision)
    assert [line("a").encode()] == texts(revision)
    assert "specs/a.yaml" == revision.specs.datasets[0].origin.file


def test_a_known_commit_is_not_read_again(upstream: Upstream, tmp_path: Path):
    """Fetching nothing costs nothing more."""
    commit = upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    source = source_of(upstream, tmp_path)
    source.poll(None)

    assert source.poll(commit) is None


def test_no_other_user_reads_the_clone(upstream: Upstream, tmp_path: Path):
    """It holds every spec, and comes before the rest of the state directory is made."""
    upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    before = os.umask(0o022)
    try:
        source = source_of(upstream, tmp_path)
        source.poll(None)
    finally:
        os.umask(before)

    found = {tmp_path / "state", *(tmp_path / "state").rglob("*")}
    assert not [path for path in found if path.stat().st_mode & 0o077]
    source.close()


def test_history_may_be_rewritten(upstream: Upstream, tmp_path: Path):
    """A forced push is a new revision like any other."""
    first = upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    source = source_of(upstream, tmp_path)
    source.poll(None)
    second = upstream.commit("--amend", specs__train_jsonl=line("b"))

    revision = source.poll(first)

    assert revision is not None
    assert (second, [line("b").encode()]) == (revision.fingerprint, texts(revision))


@pytest.mark.parametrize("what", ["repository", "branch", "directory", "everything"])
def test_what_is_gone_is_unavailable(upstream: Upstream, tmp_path: Path, what: str):
    """And what was read before stays readable."""
    upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    source = source_of(upstream, tmp_path)
    first = source.poll(None)
    match what:
        case "repository":
            shutil.rmtree(upstream.root)
        case "branch":
            upstream.git("branch", "-m", "other")
        case "directory":
            upstream.git("mv", "specs", "elsewhere")
            upstream.commit()
        case "everything":
            upstream.git("rm", "-rq", "specs")
            upstream.commit(readme_md="nothing here")

    with pytest.raises(SourceError):
        source.poll(first.fingerprint)

    assert [line("a").encode()] == texts(first)


def test_the_root_can_be_the_tree(upstream: Upstream, tmp_path: Path):
    """``--path .``"""
    upstream.commit(a_yaml=dataset(), train_jsonl=line("a"))

    assert [line("a").encode()] == texts(source_of(upstream, tmp_path, ".").poll(None))


def test_a_link_in_a_commit_is_not_followed(upstream: Upstream, tmp_path: Path):
    """Its target is text that anybody may write."""
    write(upstream.root, specs__a_yaml=dataset())
    (upstream.root / "specs" / "train.jsonl").symlink_to("/etc/passwd")
    upstream.commit()

    revision = source_of(upstream, tmp_path).poll(None)

    (problem,) = [p for p in revision.specs.problems if p.is_error]
    assert "link" in problem.message


def test_an_unsigned_commit_is_refused(upstream: Upstream, tmp_path: Path):
    """With --verify-signatures a commit that nobody vouches for is no desire."""
    upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))

    with pytest.raises(SourceError, match="no good signature"):
        source_of(upstream, tmp_path, verify=True).poll(None)


@pytest.fixture
def keys(upstream: Upstream, tmp_path: Path) -> dict[str, Path]:
    """Two ssh keys; the list of allowed signers holds the one that is called known."""
    keygen = shutil.which("ssh-keygen")
    if keygen is None:
        pytest.skip("ssh-keygen is not installed")
    found = {name: tmp_path / name for name in ("known", "unknown")}
    for key in found.values():
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = found["known"].with_suffix(".pub").read_text()
    (tmp_path / "signers").write_text(f"author@example.invalid {public}")
    upstream.git("config", "gpg.format", "ssh")
    return found


def sign(upstream: Upstream, key: Path) -> None:
    upstream.git("config", "user.signingkey", str(key))
    upstream.commit("-S", specs__a_yaml=dataset(), specs__train_jsonl=line("a"))


def test_a_signed_commit_is_accepted(
    upstream: Upstream, tmp_path: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    """By a key that git was told to trust."""
    config = tmp_path / "gitconfig"
    config.write_text(f'[gpg "ssh"]\nallowedSignersFile = {tmp_path / "signers"}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    sign(upstream, keys["known"])

    assert [line("a").encode()] == texts(source_of(upstream, tmp_path, verify=True).poll(None))


def test_the_environment_can_say_whom_git_trusts(
    upstream: Upstream, tmp_path: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    """A container often has no home to keep a configuration in."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "gpg.ssh.allowedSignersFile")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path / "signers"))
    sign(upstream, keys["known"])

    assert [line("a").encode()] == texts(source_of(upstream, tmp_path, verify=True).poll(None))


def test_a_commit_signed_by_a_stranger_is_refused(
    upstream: Upstream, tmp_path: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    """A signature proves nothing but that somebody has a key: it must be one of those that were allowed."""
    config = tmp_path / "gitconfig"
    config.write_text(f'[gpg "ssh"]\nallowedSignersFile = {tmp_path / "signers"}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    sign(upstream, keys["unknown"])

    with pytest.raises(SourceError, match="no good signature"):
        source_of(upstream, tmp_path, verify=True).poll(None)


def damage(clone: Path, how: str) -> None:
    """Do to a repository what a killed process or a broken disk does."""
    match how:
        case "a lock is left":
            (clone / "shallow.lock").touch()
        case "a ref is locked":
            for ref in (clone / "refs" / "reconciler").iterdir():
                ref.with_name(f"{ref.name}.lock").touch()
        case "HEAD is empty":
            (clone / "HEAD").write_bytes(b"")
        case "objects are empty":
            for path in filter(Path.is_file, clone.glob("objects/*/*")):
                path.chmod(0o644)
                path.write_bytes(b"")
        case "objects are gone":
            shutil.rmtree(clone / "objects")


@pytest.mark.parametrize(
    "how", ["a lock is left", "a ref is locked", "HEAD is empty", "objects are empty", "objects are gone"]
)
def test_a_damaged_clone_is_replaced(upstream: Upstream, tmp_path: Path, how: str):
    """It is a copy, and no reason to wait for a person."""
    upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    source = source_of(upstream, tmp_path)
    first = source.poll(None)
    damage(tmp_path / "state" / "git", how)
    second = upstream.commit(specs__train_jsonl=line("b"))

    found = source.poll(first.fingerprint)

    assert (second, [line("b").encode()]) == (found.fingerprint, texts(found))
    assert [".gitignore", "git", "git.lock"] == sorted(path.name for path in (tmp_path / "state").iterdir())


def test_a_file_that_cannot_be_read_from_the_clone_is_fetched_again(upstream: Upstream, tmp_path: Path):
    """One look fails; the next one does not believe the repository any more."""
    commit = upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    first = source_of(upstream, tmp_path)
    first.poll(None)
    blob = first._clone.commits.directory(commit, "specs").nodes["train.jsonl"].blob
    first.close()
    stored = tmp_path / "state" / "git" / "objects" / blob[:2] / blob[2:]
    stored.chmod(0o644)
    stored.write_bytes(b"what a broken disk gives")
    source = source_of(upstream, tmp_path)
    with pytest.raises(SourceError, match="cat-file"):
        source.poll(None)

    assert [line("a").encode()] == texts(source.poll(None))


def test_two_branches_in_one_clone_do_not_mix(upstream: Upstream, tmp_path: Path):
    """A pass for cron may follow another branch with the same state directory."""
    main = upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    upstream.git("checkout", "-q", "-b", "other")
    other = upstream.commit(specs__train_jsonl=line("b"))
    sources = [source_of(upstream, tmp_path), source_of(upstream, tmp_path, ref="other")]
    (first, second) = (source._clone for source in sources)

    assert (main, other, main) == (first.fetch(), second.fetch(), first.fetch())
    refs = subprocess.run(
        ["git", "--git-dir", str(tmp_path / "state" / "git"), "for-each-ref"], capture_output=True, text=True
    ).stdout.splitlines()
    assert {main, other} == {ref.split()[0] for ref in refs}


@pytest.mark.slow
@pytest.mark.git
def test_a_fetch_that_hangs_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The child that holds the connection is stopped too: else an outage of a day leaves hundreds."""
    monkeypatch.setattr("reconciler.sources.git.clone.FETCH_SECONDS", 3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        with pytest.raises(SourceError, match="took longer"):
            Clone(tmp_path / "git", Address(f"http://{host}:{port}/repo"), "main").fetch()
        silent.settimeout(5)
        connection, _ = silent.accept()
        connection.settimeout(5)
        while connection.recv(1000):  # the request, and then the end: nobody holds the other side
            pass
        connection.close()


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        (
            "fatal: detected dubious ownership in repository at '/srv/r.git'\n"
            "To add an exception for this directory, call:\n\n"
            "\tgit config --global --add safe.directory /srv/r.git\n"
            "fatal: Could not read from remote repository.\n\n" + BOILERPLATE,
            DUBIOUS,
        ),
        (
            "fatal: '/srv/r' is not a repository\nfatal: Could not read.\n\n" + BOILERPLATE,
            "fatal: '/srv/r' is not a repository; fatal: Could not read.",
        ),
        (
            "Warning: Permanently added 'host'.\r\ngit@host: denied.\r\nfatal: Could not read.\n\n"
            + BOILERPLATE,
            "git@host: denied.; fatal: Could not read.",
        ),
        (
            "fatal: unable to access 'https://user:pass@host/r.git/': Could not resolve host: host\n",
            "fatal: unable to access 'https://host/r.git/': Could not resolve host: host",
        ),
        ("", "no reason given"),
    ],
)
def test_git_s_reason_is_what_is_reported(stderr: str, expected: str):
    """Not its advice, and no password."""
    assert expected == _reason(stderr.encode(), 128)


@pytest.mark.parametrize("word", ["--upload-pack=touch /tmp/x", "-x"])
def test_no_flag_hides_in_an_argument(tmp_path: Path, word: str):
    """Whoever controls a URL or a ref must not control git."""
    with pytest.raises(UsageError):
        Address(word)
    with pytest.raises(UsageError):
        Clone(tmp_path, Address("file:///x"), word)


@pytest.mark.parametrize(
    ("url", "helper"),
    [
        ("https://host/r", ""),
        ("codecommit::us-east-1://r", ":codecommit"),
        ("s3://b/r", ":s3"),
        ("ext::x", ""),
    ],
)
def test_transports_are_those_of_git_and_the_one_that_is_named(url: str, helper: str):
    """None that a repository names, and no shell command at all."""
    assert f"file:git:http:https:ssh{helper}" == _protocols(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@host/repo.git", "https://host/repo.git"),
        ("https://token@host:8443/repo.git", "https://host:8443/repo.git"),
        ("ssh://git@host/repo.git", "ssh://host/repo.git"),
        ("git@host:team/repo.git", "git@host:team/repo.git"),
        ("user:secret@host:team/repo.git", "host:team/repo.git"),
        ("/srv/repo.git", "/srv/repo.git"),
        ("/srv/a@b/repo.git", "/srv/a@b/repo.git"),
    ],
)
def test_no_password_is_shown(url: str, shown: str):
    """Neither in logs nor in statuses."""
    assert shown == without_password(url)


def test_a_state_directory_that_cannot_be_used_is_named(upstream: Upstream, tmp_path: Path):
    upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    (tmp_path / "state").write_text("")

    with pytest.raises(SourceError) as found:
        source_of(upstream, tmp_path).poll(None)

    assert f"{tmp_path}/state/git.lock: Not a directory" == str(found.value)


def test_without_git_a_repository_cannot_be_followed(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SourceError, match="git cannot be run: No such file or directory"):
        source_of(upstream, tmp_path).poll(None)
