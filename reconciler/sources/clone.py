"""A repository of our own: cloned bare, fetched, and read commit by commit; there is no work tree."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from reconciler.errors import SourceError
from reconciler.sources.address import Address
from reconciler.sources.git import environment

FETCH_SECONDS: Final = 120
READ_SECONDS: Final = 60

_BLOB_MODES: Final = frozenset({"100644", "100755"})
_LINK_MODE: Final = "120000"
_ASIDE: Final = ("warning:", "hint:")
_LINES: Final = 2  # of what git says, that are shown


class _TookTooLong(SourceError):
    """Git had to be stopped: to try again at once would take as long."""


class Node(NamedTuple):
    """A file of a commit."""

    mode: str
    blob: str


class Clone:
    """
    A bare repository below the state directory.

    Args:
        address: What git fetches from.
        ref: A branch, tag or commit.
        verify: Accept only a commit with a good signature; git knows whose (gpg, or allowedSignersFile).
    """

    def __init__(self, directory: Path, address: Address, ref: str, *, verify: bool = False) -> None:
        if ref.startswith("-"):
            raise SourceError("--ref must not start with a dash")
        self._directory = directory
        self._address = address
        self._ref = ref
        self._verify = verify
        # A name of its own for each pair: another process may follow another branch in the same repository.
        self._fetched = (
            f"refs/reconciler/{blake2b(f'{address.url} {ref}'.encode(), digest_size=8).hexdigest()}"
        )

    @property
    def name(self) -> str:
        return f"{self._address.name}@{self._ref}"

    def fetch(self) -> str:
        """
        Return the commit that the ref names now. Fetches only what is missing.

        Raises:
            SourceError: Git could not fetch, or the commit is not signed as it must be.
        """
        with _alone(self._directory):
            self._fetch_or_begin_anew()
            commit = self._git("rev-parse", "--verify", f"{self._fetched}^{{commit}}").decode().strip()
        if self._verify:
            self._verified(commit)
        return commit

    def _fetch_or_begin_anew(self) -> None:
        """
        Fetch; if that fails, once more into a new repository.

        A fetch that was killed leaves locks that no later one gets past, and a disk may have damaged what was
        fetched. Nobody can tell that from a fault of the other side, except by trying.
        """
        known = (self._directory / "HEAD").exists()
        try:
            self._fetch_into(self._directory)
        except _TookTooLong:
            raise
        except SourceError:
            if not known:
                raise
            new = self._directory.with_name(f"{self._directory.name}.new")
            try:
                shutil.rmtree(new, ignore_errors=True)
                self._fetch_into(new)
                shutil.rmtree(self._directory, ignore_errors=True)
                new.replace(self._directory)
            finally:
                shutil.rmtree(new, ignore_errors=True)

    def _fetch_into(self, directory: Path) -> None:
        if not (directory / "HEAD").exists():
            self._git("init", "--bare", "--quiet", at=directory)
        self._git(
            "fetch", "--quiet", "--force", "--no-tags", "--depth=1", "--no-write-fetch-head",
            "--end-of-options", self._address.url, f"+{self._ref}:{self._fetched}",
            seconds=FETCH_SECONDS, at=directory, env=self._address.environment(),
        )  # fmt: skip

    def _verified(self, commit: str) -> None:
        """
        Make sure that somebody vouches for a commit whom git was told to trust.

        The answer of ``git log --format=%G?`` would not do: it is U for a gpg key whose owner nobody vouched
        for, and as well for an ssh key that is in no list of allowed signers.
        """
        try:
            self._git("verify-commit", "--end-of-options", commit)
        except SourceError as exc:
            raise SourceError(f"{self.name}: commit {commit} has no good signature ({exc})") from exc

    def tree(self, commit: str, path: str) -> dict[str, Node]:
        """
        Return every file below *path* in a commit, by its path from there.

        Raises:
            SourceError: There is no such directory in that commit.
        """
        spec = f"{commit}:{path.strip('/')}" if path not in {"", "."} else f"{commit}^{{tree}}"
        listing = self._git("ls-tree", "-r", "-z", "--end-of-options", spec)
        nodes = {}
        for record in filter(None, listing.split(b"\0")):
            head, _, name = record.partition(b"\t")
            mode, _kind, blob = head.decode().split()
            nodes[os.fsdecode(name)] = Node(mode, blob)
        return nodes

    def write_blob(self, blob: str, stream: BinaryIO) -> None:
        """
        Write the content of one file to *stream*, which is a real file.

        Raises:
            SourceError: It could not be read whole. Then the repository is given up: the next fetch fetches all.
        """
        try:
            self._git("cat-file", "blob", blob, into=stream)
        except SourceError:
            with _alone(self._directory):
                shutil.rmtree(self._directory, ignore_errors=True)
            raise

    def _git(
        self,
        *words: str,
        at: Path | None = None,
        seconds: int = READ_SECONDS,
        into: BinaryIO | None = None,
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        try:
            # In a session of its own git has no terminal to ask at, and its children can be stopped with it.
            process = subprocess.Popen(
                ["git", "--git-dir", str(at or self._directory), *words],
                env={**(env or environment()), "GIT_ASKPASS": "true", "GIT_SSH_COMMAND": _ssh_command()},
                stdin=subprocess.DEVNULL,
                stdout=into or subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as exc:
            raise SourceError(f"git cannot be run: {exc.strerror or exc}") from exc
        with process:
            try:
                answer, said = process.communicate(timeout=seconds)
            except BaseException as exc:
                # Not git alone: what hangs is a child that holds the connection.
                os.killpg(process.pid, signal.SIGKILL)
                if not isinstance(exc, subprocess.TimeoutExpired):
                    raise
                raise _TookTooLong(f"{self.name}: git {words[0]} took longer than {seconds} s") from None
        if process.returncode != 0:
            raise SourceError(f"{self.name}: git {words[0]}: {_reason(said)}")
        return answer or b""


BlobReader = Callable[[str], BinaryIO]


class GitTree:
    """
    `ports.Tree` of one commit.

    Args:
        read: Opens a blob by its id.
    """

    def __init__(self, name: str, revision: str, nodes: dict[str, Node], read: BlobReader) -> None:
        self.name = name
        self.revision: str | None = revision
        self._nodes = nodes
        self._read = read

    def files(self) -> Sequence[str]:
        visible = (path for path in self._nodes if not any(p.startswith(".") for p in path.split("/")))
        return sorted(visible)

    def open(self, path: str) -> BinaryIO:
        node = self._nodes.get(path)
        if node is None:
            raise FileNotFoundError(2, "no such file in this commit", path)
        if node.mode not in _BLOB_MODES:
            what = "it is a link" if node.mode == _LINK_MODE else "it is not a regular file"
            raise OSError(22, f"{what}; in a commit only regular files are read", path)
        return self._read(node.blob)

    def display(self, path: str) -> str:
        shown = path if self.name in {"", "."} else f"{self.name}/{path}"
        return os.fsencode(shown).decode(errors="backslashreplace")


def _ssh_command() -> str:
    """Let ssh ask nothing: nobody would answer."""
    return os.environ.get("GIT_SSH_COMMAND", "ssh") + " -o BatchMode=yes"


def _reason(stderr: bytes) -> str:
    """
    Return what git said, without passwords in URLs: the first lines. The last ones are advice.

    What ssh or the other side said comes before git's own words, and says more.
    """
    said = stderr.decode(errors="replace").partition("\n\n")[0].splitlines()
    lines = [line.strip() for line in said if line.strip() and not line.lower().startswith(_ASIDE)]
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", "; ".join(lines[:_LINES]) or "no reason given")


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """
    Keep other processes with the same state directory away from a repository; waits for them.

    Raises:
        SourceError: The state directory cannot be used.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(f"{directory}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        raise SourceError(f"{directory}.lock: {exc.strerror or exc}") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
