"""
Use git in a checkout of the user without the configuration of that repository.

Git gets its own git directory over the objects and refs of the repository, like one of git's
contrib/git-new-workdir, but with only those settings that name no program. So no hook, filter, helper or
extension of the repository can run, not even one of a later version of git. The configuration of the user and of
the system applies.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from reconciler.errors import SourceError, reason_of
from reconciler.private import temporary_directory
from reconciler.sources.git.runner import Answer, environment, run

# Settings of a repository that are kept: file formats, and the committer. None names a program.
_INERT: Final = frozenset({
    "core.autocrlf", "core.checkroundtripencoding", "core.eol", "core.filemode", "core.ignorecase",
    "core.logallrefupdates", "core.precomposeunicode", "core.safecrlf", "core.sharedrepository",
    "core.symlinks", "extensions.objectformat", "extensions.refstorage", "i18n.commitencoding",
    "author.email", "author.name", "committer.email", "committer.name", "user.email", "user.name",
})  # fmt: skip
# What all work trees of a repository share; the filter of Git LFS stores its objects in lfs.
_SHARED: Final = ("objects", "refs", "packed-refs", "reftable", "shallow", "info", "logs", "lfs")
_OF_ONE_TREE: Final = ("refs", "reftable", "logs")
# Files beside HEAD that name a commit, as the last fetch or merge left them.
_NAMED_COMMITS: Final = ("FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


class Checkout(Struct, frozen=True):
    """
    A work tree of git.

    Attributes:
        root: The directory that contains ``.git``.
        git_dir: The directory of its HEAD.
        common_dir: The directory of objects and branches.
    """

    root: Path
    git_dir: Path
    common_dir: Path


@dataclass(frozen=True, slots=True)
class Git:
    """
    Runs git in a checkout, without its configuration.

    Attributes:
        root, common_dir: As of `Checkout`.
    """

    root: Path
    common_dir: Path
    _git_dir: Path
    _env: Mapping[str, str] = field(repr=False)

    def run(self, *words: str, stdin: str | bytes | None = None, into: BinaryIO | None = None) -> Answer:
        """
        Run git.

        Args:
            into: A real file for the output of git.

        Raises:
            OSError: It cannot be run, or takes too long.
        """
        text = os.fsencode(stdin) if isinstance(stdin, str) else stdin
        return run(*words, git_dir=self._git_dir, cwd=self.root, env=self._env, stdin=text, into=into)

    def require(self, *words: str, stdin: str | bytes | None = None) -> str:
        """
        Return the output of git.

        Raises:
            SourceError: It fails, or a filter does.
            OSError: It cannot be run, or takes too long.
        """
        answer = self.run(*words, stdin=stdin)
        if answer.code:
            raise SourceError(f"git {words[0]}: {answer.reason}")
        return answer.text

    def ask(self, *words: str) -> str | None:
        """Return the output of git; None if it fails or cannot be run."""
        try:
            answer = self.run(*words)
        except OSError:
            return None
        return None if answer.code else answer.text


def toplevel(directory: Path) -> Path | None:
    """Return the root of the work tree around a directory; None outside git. Runs nothing."""
    return next(
        (parent for parent in (directory, *directory.parents) if os.path.lexists(parent / ".git")), None
    )


def find(directory: Path) -> Checkout | None:
    """
    Return the checkout around a directory; None outside git. Runs nothing.

    Raises:
        SourceError: The nearest ``.git`` leads to no repository.
    """
    root = toplevel(directory)
    if root is None:
        return None
    try:
        git_dir = _git_dir(root / ".git")
        link = git_dir / "commondir"
        common = (git_dir / link.read_text().strip()).resolve() if link.exists() else git_dir
        whole = (git_dir / "HEAD").is_file() and (common / "objects").is_dir() and (common / "refs").exists()
    except (OSError, ValueError, RuntimeError) as exc:
        raise SourceError(f"{root / '.git'}: {reason_of(exc)}") from exc
    if not whole:
        raise SourceError(f"{root / '.git'}: leads to no repository of git")
    return Checkout(root, git_dir, common)


@contextmanager
def opened(checkout: Checkout, *, copies_index: bool = False) -> Iterator[Git]:
    """
    Open a checkout for git, with an index of its own.

    Args:
        copies_index: Whether it is a copy of the index of the checkout; else it is empty.

    Raises:
        SourceError: The configuration of the repository cannot be read.
        OSError: There is no git, or no room for a temporary directory.
    """
    with temporary_directory() as directory:
        common = directory / "common"
        common.mkdir()
        _link(_SHARED, checkout.common_dir, common)
        (common / "HEAD").write_bytes((checkout.common_dir / "HEAD").read_bytes())
        (common / "config").write_text(_config(checkout, directory))
        own = common
        if checkout.git_dir != checkout.common_dir:
            own = directory / "own"
            own.mkdir()
            _link(_OF_ONE_TREE, checkout.git_dir, own)
            (own / "HEAD").write_bytes((checkout.git_dir / "HEAD").read_bytes())
            (own / "commondir").write_text("../common\n")
        for name in _NAMED_COMMITS:
            if (file := checkout.git_dir / name).is_file():
                (own / name).write_bytes(file.read_bytes())
        if copies_index and (index := checkout.git_dir / "index").is_file():
            shutil.copy2(index, directory / "index")  # git compares its time with those of files
        local = {
            "GIT_WORK_TREE": str(checkout.root),
            "GIT_INDEX_FILE": str(directory / "index"),
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
        }
        yield Git(checkout.root, checkout.common_dir, own, {**environment(), **local})


def _git_dir(path: Path) -> Path:
    if path.is_dir():
        return path.resolve()
    found = re.fullmatch(r"gitdir: (.+)", path.read_text(errors="surrogateescape").rstrip("\r\n"))
    if found is None:
        raise ValueError("names no directory of git")
    return (path.parent / found[1]).resolve(strict=True)


def _link(names: tuple[str, ...], source: Path, target: Path) -> None:
    for name in names:
        if (source / name).exists():
            (target / name).symlink_to(source / name)


def _config(checkout: Checkout, scratch: Path) -> str:
    """Return the kept settings of a repository as the text of a configuration file."""
    places = (checkout.common_dir / "config", checkout.git_dir / "config.worktree")
    (scratch / "includes").write_text(
        "".join(f"[include]\n\tpath = {_quoted(str(path))}\n" for path in places)
    )
    answer = run(
        "config", "--file", str(scratch / "includes"), "--includes", "--list", "-z", git_dir=scratch / "none"
    )
    if answer.code:
        raise SourceError(f"{checkout.root / '.git'}: {answer.reason}")
    pairs = (record.partition("\n")[::2] for record in os.fsdecode(answer.out).split("\0") if record)
    kept = [(key, value) for key, value in pairs if key in _INERT]
    version = 1 if any(key.startswith("extensions.") for key, _ in kept) else 0
    lines = [f"[core]\n\trepositoryformatversion = {version}\n\tbare = false\n"]
    for key, value in kept:
        section, _, name = key.partition(".")
        lines.append(f"[{section}]\n\t{name} = {_quoted(value)}\n")
    return "".join(lines)


def _quoted(value: str) -> str:
    return '"' + "".join(_ESCAPES.get(char, char) for char in value) + '"'
