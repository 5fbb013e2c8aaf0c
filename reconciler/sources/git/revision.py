"""Find the commit that is checked out in a directory, and the one that last changed a line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.core.spec.choices import COMMIT_ID
from reconciler.errors import SourceError
from reconciler.sources.git.checkout import Checkout, find, opened, toplevel
from reconciler.sources.git.work_tree import FileState, state_of

if TYPE_CHECKING:  # for doctor and explain; every command asks for the revision
    from reconciler.core.explanation import Blame
    from reconciler.core.preflight import CheckResult

_STATUS: Final = (
    "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all",
)  # fmt: skip
_OF_SPECS: Final = (".yaml", ".yml", ".jsonl", ".json", ".manifest")
_INSTALL: Final = "install git: revisions, explain, propose --branch and run --git need it"


class Revision(NamedTuple):
    """
    The commit of a tree.

    Attributes:
        reason: Why it is unknown although the tree may be kept in git; else None.
    """

    commit: str | None
    reason: str | None = None


def revision_of(directory: Path) -> Revision:
    """
    Return the commit that is checked out in a directory, which is given without links.

    Outside git nothing is run. Uncommitted changes are not looked for: see `uncommitted`. git-sync names a work
    tree after its commit: that name counts if the repository cannot be read, and must agree with it otherwise.
    """
    named = _git_sync_tree(directory)
    try:
        checkout = _checkout_of(directory, named)
        if named and checkout is None:
            return Revision(_commit_in(named))
        found = Revision(None) if checkout is None else _head(checkout, directory)
    except (SourceError, OSError) as exc:
        found = Revision(None, f"{exc}")
    if named is None or toplevel(directory) != named:
        return found
    if found.commit is not None and found.commit != _commit_in(named):
        return Revision(None, f"{named}: git says that it is at {found.commit}, and its name says otherwise")
    return Revision(_commit_in(named))


def uncommitted(directory: Path) -> str | None:
    """
    Return which files of a directory are not as they are committed, for messages; None if all are.

    Files that git ignores do not count, nor new ones that are neither YAML nor entries by their name. None too if
    git cannot tell.
    """
    try:
        checkout = _checkout_of(directory, _git_sync_tree(directory))
        if checkout is None:
            return None
        with opened(checkout, copies_index=True) as git:
            answer = git.ask(
                *_STATUS, "--", f":(top,literal){directory.relative_to(checkout.root).as_posix()}"
            )
    except (SourceError, OSError):
        return None
    found = [record for record in (answer or "").split("\0") if record]
    changed = [r[3:] for r in found if not r.startswith("??") or r.endswith(_OF_SPECS)]
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{changed[0]}{more} not committed" if changed else None


def check_git(path: Path) -> CheckResult | None:
    """Check that git can be run for specs in *path*; None outside git, where it is not needed."""
    from reconciler.core.preflight import Check, CheckResult, Mark

    try:
        directory = path.absolute() if path.is_dir() else path.absolute().parent
        if toplevel(directory) is None:
            return None
    except OSError:  # the path is too long: reading the specs reports it
        return None
    found = shutil.which("git")
    if found is None:
        text = f"{path} is kept in git, and there is no git program"
        return CheckResult(Check.GIT, Mark.WARNING, text, _INSTALL)
    revision = revision_of(directory.resolve())
    if revision.commit is None:
        text = f"{found} cannot tell which commit {path} is at: {revision.reason}"
        return CheckResult(Check.GIT, Mark.WARNING, text, "commit the specs, or see `git status`")
    if changed := uncommitted(directory.resolve()):
        text = f"{path} is not as commit {revision.commit[:12]}: {changed}"
        return CheckResult(Check.GIT, Mark.WARNING, text, "commit the specs, so that a revision names them")
    return CheckResult(Check.GIT, Mark.OK, f"{found}; {path} is at {revision.commit[:12]}")


def blame(file: Path, line: int) -> Blame | None:
    """
    Return the commit that last changed a line of a file.

    None outside git, if git fails, and for a file with uncommitted changes, whose line numbers differ.
    """
    try:
        found = find(file.parent)
        if found is None:
            return None
        path = file.relative_to(found.root).as_posix()
        with opened(found) as git:
            if state_of(git, "HEAD", path).state is not FileState.CLEAN:
                return None
            words = ("blame", "--no-textconv", "--porcelain", "-L", f"{line},{line}", "HEAD", "--", path)
            answer = git.ask(*words)
    except (OSError, SourceError):
        return None
    return _parsed_blame(answer) if answer else None


def _checkout_of(directory: Path, named: Path | None) -> Checkout | None:
    """Return the checkout that holds a directory; one around the work tree of git-sync is of something else."""
    checkout = find(directory)
    return None if checkout and named and not checkout.root.is_relative_to(named) else checkout


def _head(checkout: Checkout, directory: Path) -> Revision:
    """Return HEAD if the directory is part of it; an outer repository may not contain it."""
    below = directory.relative_to(checkout.root).as_posix()
    if "\n" in below:
        return Revision(None, f"{directory}: a line break in a path")
    with opened(checkout) as git:
        questions = f"HEAD^{{commit}}\nHEAD:{'' if below == '.' else below}\n"
        answer = git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=questions)
    commit, _, tree = answer.text.partition("\n")
    if answer.code or not re.fullmatch(rf"{COMMIT_ID} commit", commit):
        reason = (
            answer.reason
            if answer.code
            else "HEAD names no commit yet, or none that can be read; reports name no revision"
        )
        return Revision(None, f"{checkout.root}: {reason}")
    sha = commit.partition(" ")[0]
    if not tree.endswith(" tree"):
        return Revision(None, f"{directory} is not part of commit {sha} of {checkout.root}")
    return Revision(sha)


def _git_sync_tree(directory: Path) -> Path | None:
    """Return the work tree of git-sync around a directory: .worktrees/COMMIT, or rev-COMMIT before v4."""
    for path in (directory, *directory.parents):
        prefix = "" if path.parent.name == ".worktrees" else "rev-"
        if re.fullmatch(f"{prefix}{COMMIT_ID}", path.name):
            return path
    return None


def _commit_in(tree: Path) -> str:
    return tree.name.removeprefix("rev-")


def _parsed_blame(porcelain: str) -> Blame:
    from reconciler.core.explanation import Blame

    first, *rest = porcelain.split("\n")
    facts = dict(fact.partition(" ")[::2] for fact in rest if not fact.startswith("\t"))
    return Blame(
        commit=first.split(" ")[0],
        author=facts.get("author", ""),
        at=float(facts.get("author-time", 0)),
        summary=facts.get("summary", ""),
    )
