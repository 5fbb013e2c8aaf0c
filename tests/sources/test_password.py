"""A repository behind a password, over real HTTP, served by git itself."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.engine.usecases.reading import read_desired
from reconciler.errors import Exit, SourceError, UsageError
from reconciler.sources.blobs import Blobs
from reconciler.sources.git.address import Address
from reconciler.sources.git.clone import Clone
from reconciler.sources.git.repository import GitSource
from reconciler.sources.manifests import ManifestCache
from tests.loopback import Quiet, listening
from tests.sources.builders import dataset, line
from tests.sources.git.test_repository import Upstream

USER, PASSWORD = "robot", 's3cr3t/pa$$ "word\\n%'
IN_URL = "robot:s3cr3t%2Fpa%24%24%20%22word%5Cn%25@"


@contextmanager
def served(root: Path, seen: list[str | None], argued: set[str]) -> Iterator[str]:
    """Serve *root* to whoever knows the password; note what is sent, and what the list of processes shows."""

    class Door(Quiet):
        def do_GET(self) -> None:  # noqa: N802
            self.answer(b"")

        def do_POST(self) -> None:  # noqa: N802
            self.answer(self.rfile.read(int(self.headers["Content-Length"])))

        def answer(self, body: bytes) -> None:
            seen.append(self.headers.get("Authorization"))
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    argued.add(process.read_bytes().decode(errors="replace"))
            if seen[-1] != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="specs"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            if "/info/lfs/" in path:
                self.large_files(path, body)
                return
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                capture_output=True,
                env={
                    **os.environ,
                    "GIT_PROJECT_ROOT": os.fspath(root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                },
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            kind = next(
                v for k, _, v in (h.partition(b": ") for h in head.split(b"\r\n")) if k == b"Content-Type"
            )
            self.reply(content, kind=kind.decode())

        def large_files(self, path: str, body: bytes) -> None:
            """Answer as docs/api/batch.md and docs/api/basic-transfers.md of Git LFS say."""
            if not path.endswith("/objects/batch"):
                (kept,) = root.glob(f"upstream/.git/lfs/objects/*/*/{path.rpartition('/')[2]}")
                self.reply(kept.read_bytes())
                return
            here = f"http://{self.headers['Host']}{path.removesuffix('batch')}"
            found = [
                {**wanted, "actions": {"download": {"href": here + wanted["oid"]}}}
                for wanted in json.loads(body)["objects"]
            ]
            self.reply(json.dumps({"objects": found}).encode(), kind="application/vnd.git-lfs+json")

    with listening(Door) as url:
        yield url


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


def with_password(url: str) -> Address:
    return Address(f"{url}/upstream/.git".replace("http://", f"http://{IN_URL}"))


def from_elsewhere(url: str) -> Address:
    return Address(f"{url}/upstream/.git".replace("http://", f"http://{USER}@"), lambda: PASSWORD.encode())


@pytest.mark.parametrize("address", [with_password, from_elsewhere])
def test_a_password_is_given_to_its_host_and_never_shown(
    upstream: Upstream, tmp_path: Path, address: Callable[[str], Address]
):
    """Not even in the list of processes, which every user of a machine can read."""
    commit = upstream.commit(specs__a_yaml=dataset())
    seen: list[str | None] = []
    argued: set[str] = set()

    with served(tmp_path, seen, argued) as url:
        found = Clone(tmp_path / "state" / "git", address(url), "main").fetch()

    assert commit == found
    assert any("git-remote-http" in words for words in argued)
    assert [] == [words for words in argued if "s3cr3t" in words]
    assert seen[0] is None
    assert 2 == seen.count(None)  # ls-remote and fetch: each of them is asked for it once


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="there is no Git LFS")
def test_objects_of_git_lfs_are_fetched_with_it(upstream: Upstream, tmp_path: Path):
    """From the server that belongs to the repository."""
    upstream.git("lfs", "install", "--local")
    upstream.git("lfs", "track", "*.jsonl")
    upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a") + line("b"))
    argued: set[str] = set()

    with served(tmp_path, [], argued) as url:
        clone = Clone(tmp_path / "state" / "git", with_password(url), "main")
        cache = ManifestCache(tmp_path / "manifests")
        (loaded,) = GitSource(clone, "specs", Blobs(tmp_path / "blobs"), cache).poll(None).specs.datasets
        read = read_desired(loaded)

    assert [] == [problem.message for problem in read.problems if problem.is_error]
    assert 2 == len(read.index)
    assert [] == [words for words in argued if "s3cr3t" in words]


def test_a_wrong_password_is_reported_without_it(upstream: Upstream, tmp_path: Path):
    upstream.commit(specs__a_yaml=dataset())

    with served(tmp_path, [], set()) as url:
        wrong = Address(f"{url}/upstream/.git".replace("//", "//robot:s3cr3t-no@"))
        with pytest.raises(SourceError, match="Authentication failed") as caught:
            Clone(tmp_path / "git", wrong, "main").fetch()

    assert "s3cr3t" not in str(caught.value)


def test_a_password_is_read_again_for_every_fetch(upstream: Upstream, tmp_path: Path):
    """A token that lives for an hour is in its file before the old one ends."""
    upstream.commit(specs__a_yaml=dataset())
    secret = tmp_path / "secret"
    secret.write_text("of the last hour\n")

    with served(tmp_path, [], set()) as url:
        address = Address(
            f"{url}/upstream/.git".replace("//", f"//{USER}@"), lambda: secret.read_bytes().strip()
        )
        clone = Clone(tmp_path / "state" / "git", address, "main")
        with pytest.raises(SourceError, match="Authentication failed"):
            clone.fetch()
        secret.write_text(PASSWORD + "\n")
        before = clone.fetch()
        after = upstream.commit()

        assert before != after == clone.fetch()


def test_a_password_that_cannot_be_read_is_a_fault_of_the_source(tmp_path: Path):
    """It may be there again the next time; until then nothing is known of the specs."""

    def gone() -> bytes:
        raise UsageError("/secrets/git: no such file")

    with pytest.raises(SourceError, match="/secrets/git"):
        Clone(tmp_path / "git", Address("https://host.invalid/repo", gone), "main").fetch()


@pytest.mark.parametrize(
    "url", ["ssh://git@host/repo", "git@host:repo", "/srv/repo", "https://robot:known@host/repo"]
)
def test_a_password_has_one_place(url: str):
    with pytest.raises(UsageError, match="password"):
        Address(url, lambda: b"x")


@pytest.mark.git
def test_a_redirect_to_another_host_gets_no_password(tmp_path: Path):
    """Whoever takes over the first host must not learn what opens the second, nor the other way round."""
    seen: list[str | None] = []
    with served(tmp_path, seen, set()) as elsewhere:

        class Away(Quiet):
            def do_GET(self) -> None:  # noqa: N802
                self.send_response(302)
                self.send_header("Location", elsewhere + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()

        with listening(Away) as url, pytest.raises(SourceError):
            Clone(tmp_path / "git", with_password(url), "main").fetch()

    assert seen
    assert not any(sent and base64.b64decode(sent.removeprefix("Basic ")).strip(b":") for sent in seen)


def test_the_password_of_a_url_goes_before_those_that_the_machine_knows(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It was written down for this repository; the machine's own may be out of date."""
    commit = upstream.commit(specs__a_yaml=dataset())
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "credential.helper")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "!f() { echo username=old; echo password=old; }; f")

    with served(tmp_path, [], set()) as url:
        found = Clone(tmp_path / "state" / "git", with_password(url), "main").fetch()

    assert commit == found


def reconcile(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "reconciler",
        "--state-dir",
        str(place / "state"),
        "--log-format",
        "json",
    ]
    command += ["run", "specs", "--once", "--local", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=place)


def test_the_controller_reads_it_from_a_file(upstream: Upstream, tmp_path: Path):
    commit = upstream.commit(specs__a_yaml=dataset(), specs__train_jsonl=line("a"))
    (tmp_path / "secret").write_text(PASSWORD + "\n")
    argued: set[str] = set()

    with served(tmp_path, [], argued) as url:
        there = f"{url}/upstream/.git".replace("//", f"//{USER}@")
        ran = reconcile(tmp_path, "--git", there, "--git-password-file", "secret")

    events = [json.loads(text) for text in ran.stderr.splitlines() if text.startswith("{")]
    assert [commit] == [event["revision"] for event in events if event["event"] == "source.updated"]
    assert "s3cr3t" not in ran.stdout + ran.stderr + "".join(argued)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--git-password-env", "PATH"], "needs --git"),
        (["--git", "https://robot@host.invalid/r", "--git-password-file", "gone"], "gone: No such file"),
        (
            ["--git", "https://robot@host.invalid/r", "--git-password-env", "NOWHERE"],
            "NOWHERE is not set, or empty",
        ),
    ],
)
def test_a_password_that_is_none_is_reported_at_once(tmp_path: Path, words: list[str], expected: str):
    ran = reconcile(tmp_path, *words)

    assert Exit.USAGE == ran.returncode
    assert expected in ran.stderr
