"""A bare clone below the state directory: fetch it, and read files of its commits."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from reconciler.core.runtime.quotas import MAX_MANIFEST_BYTES
from reconciler.core.spec.choices import Pointer
from reconciler.errors import SourceError, UsageError
from reconciler.private import private_directory, state_directory
from reconciler.sources.entry_files import open_object
from reconciler.sources.git.address import Address, ambiguity, candidates, chosen
from reconciler.sources.git.commit import CommitReader
from reconciler.sources.git.runner import READ_SECONDS, Answer, run

FETCH_SECONDS: Final = 120

_GIT_S_OWN: Final = ("file", "git", "http", "https", "ssh")
_SHA256_DIGITS: Final = 64


class _TookTooLong(SourceError):
    """Git exceeded its deadline: an immediate retry would take as long."""


class _Wanted(NamedTuple):
    """
    What the ref names in the remote repository.

    Attributes:
        full: A full ref name, or the commit itself.
        local_ref: The ref in the clone.
    """

    full: str
    oid: str
    local_ref: str


class Clone:
    """
    A bare repository below the state directory.

    Args:
        address: The remote repository.
        ref: A branch, tag or commit.
        verify: Accept only a commit with a trusted signature, as git is configured (gpg, or allowedSignersFile).

    Attributes:
        notice: A warning about the ref as of the last fetch, or None.
        commits: Reads the commits that were fetched.
    """

    def __init__(self, directory: Path, address: Address, ref: str, *, verify: bool = False) -> None:
        if ref.startswith("-"):
            raise UsageError("--ref must not start with a dash")
        self._directory = directory
        self._address = address
        self._ref = ref
        self._verify = verify
        self._was_branch = False
        self.notice: str | None = None
        self.commits = CommitReader(self.name, self._git)

    @property
    def name(self) -> str:
        return f"{self._address.name}#{self._ref}"

    def fetch(self) -> str:
        """
        Fetch what is missing, and return the commit that the ref names now.

        Raises:
            SourceError: Git could not fetch, or the commit is not signed as it must be.
        """
        with _alone(self._directory):
            wanted = self._resolve_ref()
            commit = self._known_commit(wanted)
            if commit is None:
                self._fetch_or_clone_again(wanted)
                commit = self._git("rev-parse", "--verify", f"{wanted.local_ref}^{{commit}}").text
        if self._verify:
            self._require_signature(commit)
        return commit

    def _resolve_ref(self) -> _Wanted:
        """
        Ask the remote repository what the ref names.

        Raises:
            SourceError: It does not answer, or has no such ref.
        """
        names = candidates(self._ref)
        words = ("ls-remote", "--quiet", "--end-of-options", self._address.url, *names)
        # Outside of the clone, which may be damaged, or have ids of another length.
        listing = self._git(*words, at=Path(os.devnull), seconds=FETCH_SECONDS, env=self._environment()).text
        rows = (line.partition("\t") for line in listing.splitlines())
        found = {name: oid for oid, _, name in rows if name in names}
        branch = self._local_ref(names[0])
        self._was_branch = self._was_branch or self._oid(branch) is not None
        try:
            full = chosen(self._ref, found, was_branch=self._was_branch)
        except SourceError as exc:
            raise SourceError(f"{self.name}: {exc}") from None
        self._was_branch = self._was_branch or full == names[0]
        self.notice = ambiguity(self._ref, full, found)
        return _Wanted(full, found.get(full, full), self._local_ref(full))

    def _local_ref(self, full: str) -> str:
        """Return the ref of the clone for a remote ref; other processes may use other branches of the clone."""
        digest = blake2b(f"{self._address.url} {full}".encode(), digest_size=8)
        return f"refs/reconciler/{digest.hexdigest()}"

    def _known_commit(self, wanted: _Wanted) -> str | None:
        """Return the commit if it was fetched before and is readable, or None."""
        if self._oid(wanted.local_ref) != wanted.oid:
            return None
        return self._oid(f"{wanted.local_ref}^{{commit}}")

    def _oid(self, name: str) -> str | None:
        if not (self._directory / "HEAD").exists():
            return None
        try:
            return self._git("rev-parse", "--verify", "--quiet", name).text or None
        except _TookTooLong:
            raise
        except SourceError:
            return None

    def _fetch_or_clone_again(self, wanted: _Wanted) -> None:
        """
        Fetch; if that fails, retry once into a new clone.

        A killed fetch leaves locks that block all later ones, and the clone may be damaged. Only a second attempt
        tells that from a failure of the remote repository.
        """
        known = (self._directory / "HEAD").exists()
        try:
            self._fetch_into(self._directory, wanted)
        except _TookTooLong:
            raise
        except SourceError:
            if not known:
                raise
            new = self._directory.with_name(f"{self._directory.name}.new")
            try:
                shutil.rmtree(new, ignore_errors=True)
                self._fetch_into(new, wanted)
                shutil.rmtree(self._directory, ignore_errors=True)
                new.replace(self._directory)
            finally:
                shutil.rmtree(new, ignore_errors=True)

    def _fetch_into(self, directory: Path, wanted: _Wanted) -> None:
        if not (directory / "HEAD").exists():
            kind = "sha256" if len(wanted.oid) == _SHA256_DIGITS else "sha1"
            private_directory(directory)
            words = ("init", "--bare", "--quiet", "--template=", "--shared=0600", f"--object-format={kind}")
            self._git(*words, at=directory)
        self._git(
            "fetch", "--quiet", "--force", "--no-tags", "--depth=1", "--no-write-fetch-head",
            "--end-of-options", self._address.url, f"+{wanted.full}:{wanted.local_ref}",
            seconds=FETCH_SECONDS, at=directory, env=self._environment(),
        )  # fmt: skip

    def _environment(self, *config: tuple[str, str]) -> dict[str, str]:
        asked_nothing = {"GIT_ASKPASS": "true", "GIT_SSH_COMMAND": _ssh_command()}
        # Overrides what a repository on this machine's disk configures for transports.
        return {
            "GIT_ALLOW_PROTOCOL": _protocols(self._address.url),
            **self._address.environment(*config),
            **asked_nothing,
        }

    def _require_signature(self, commit: str) -> None:
        """
        Require a signature that git is configured to trust.

        ``git log --format=%G?`` does not serve: it prints U both for a gpg key of unknown validity and for an ssh
        key that is not among the allowed signers.
        """
        try:
            self._git("verify-commit", "--end-of-options", commit)
        except SourceError as exc:
            raise SourceError(f"{self.name}: commit {commit} has no good signature ({exc})") from exc

    def write_blob(self, blob: str, stream: BinaryIO) -> None:
        """
        Write the content of one file to *stream*, which is a real file.

        Raises:
            SourceError: It could not be read. The clone is deleted then, and the next fetch makes a new one.
        """
        try:
            self.commits.write(blob, stream)
        except SourceError:
            with _alone(self._directory):
                shutil.rmtree(self._directory, ignore_errors=True)
            raise

    def large_file(self, pointer: Pointer) -> BinaryIO:
        """
        Open an object of Git LFS, fetched by ``git lfs`` from the server of the repository.

        The repository cannot name another one: Git LFS reads its ``.lfsconfig`` from a work tree or from HEAD, and
        this clone has neither.

        Raises:
            OSError: It could not be fetched.
        """
        if pointer.size > MAX_MANIFEST_BYTES:
            raise OSError(errno.EFBIG, f"it has {pointer.size} bytes, and AWS takes {MAX_MANIFEST_BYTES}")
        env = self._environment(("remote.origin.url", self._address.url)) | {"GIT_LFS_SKIP_SMUDGE": "0"}
        try:
            with _alone(self._directory), Path(os.devnull).open("wb") as nowhere:
                self._git(
                    "lfs", "smudge", cwd=self._directory, env=env,
                    stdin=pointer.content, into=nowhere, seconds=FETCH_SECONDS,
                )  # fmt: skip
                stream = open_object(self._directory, pointer.sha256)
                # What is used of the object is kept elsewhere; an open file outlives its name.
                shutil.rmtree(self._directory / "lfs", ignore_errors=True)
        except SourceError as exc:
            raise OSError(errno.EIO, f"its object cannot be fetched: {exc}") from exc
        return stream

    def _git(
        self,
        *words: str,
        at: Path | None = None,
        cwd: Path | None = None,
        seconds: int = READ_SECONDS,
        into: BinaryIO | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
    ) -> Answer:
        try:
            place = at or self._directory
            answer = run(*words, git_dir=place, cwd=cwd, env=env, stdin=stdin, into=into, seconds=seconds)
        except TimeoutError as exc:
            raise _TookTooLong(f"{self.name}: {exc}") from None
        except OSError as exc:
            raise SourceError(f"git cannot be run: {exc.strerror or exc}") from exc
        if answer.code:
            raise SourceError(f"{self.name}: git {words[0]}: {answer.reason}")
        return answer


def _protocols(url: str) -> str:
    """Return the allowed transports: git's own, and a helper that the URL names, such as codecommit."""
    named = re.match(r"([A-Za-z0-9][A-Za-z0-9+.-]*)(::|://)", url)
    helper = named[1] if named else ""
    return ":".join(_GIT_S_OWN if helper in {"", "ext", "fd"} else dict.fromkeys((*_GIT_S_OWN, helper)))


def _ssh_command() -> str:
    """Return the ssh command, without prompts."""
    return os.environ.get("GIT_SSH_COMMAND", "ssh") + " -o BatchMode=yes"


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """
    Lock a clone against other processes with the same state directory, and wait for the lock.

    Raises:
        SourceError: The state directory cannot be used.
    """
    try:
        state_directory(directory.parent)
        handle = os.open(f"{directory}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise SourceError(f"{directory}.lock: {exc.strerror or exc}") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
