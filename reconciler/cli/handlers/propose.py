"""
``reconciler propose``: turn drift into a patch or branch of the specs. Makes no call that writes.

The edits are tried before they are shown: the edited specs are read, and only edits with the intended effect stay.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.output.files import write_whole
from reconciler.cli.output.show import next_step, show, show_on_stderr
from reconciler.cli.output.terminal import stream
from reconciler.cli.specs import change_selection_of, kept_manifests, opened_specs, require_credentials
from reconciler.cli.wiring import connected
from reconciler.core.proposals.patch import file_diff, new_file_diff
from reconciler.core.proposals.report import Branch, DatasetProposal, EditRequest, Proposal, Refusal, refused
from reconciler.core.validation.problem import Problem
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.propose import Proposed, propose_each, unfulfilled
from reconciler.engine.usecases.reading import read_desired
from reconciler.engine.usecases.spec_tree import Reading
from reconciler.errors import OutputError, ReconcilerError, UsageError, gravest
from reconciler.ports import Manifests, Memory, Specs
from reconciler.reports.propose import message
from reconciler.sources.directory import Directory, Opened, Overlay, overlaid
from reconciler.sources.git.checkout import toplevel
from reconciler.sources.git.work_tree import commit_to
from reconciler.sources.load import load
from reconciler.sources.tree_edits import TreeEdits, edit_tree

UNPROVEN = "the edited specs would not say the same as AWS; please report it"


@dataclass(frozen=True, slots=True)
class CheckedEdits:
    """
    Edits that were checked, and their result.

    Attributes:
        problems: Problems of the edited specs that the original specs did not have.
    """

    edits: TreeEdits
    overlay: Overlay
    refusals: tuple[Refusal, ...]
    problems: tuple[Problem, ...]


def run(args: argparse.Namespace) -> int:
    """Write the patch, and print what it contains, what it omits, and why."""
    proposal = _proposal(args)
    try:
        if args.patch:
            write_whole(Path(args.patch), lambda target: target.write(proposal.patch))
    except OutputError:  # still print the proposal
        _show(proposal, args)
        raise
    _show(proposal, args)
    if proposal.branch:
        next_step(
            args, f"show --stat {proposal.branch.name}", f"push origin {proposal.branch.name}", program="git"
        )
    elif args.patch and proposal.patch:
        next_step(
            args,
            f"-C {shlex.quote(proposal.root)} apply {shlex.quote(str(Path(args.patch).resolve()))}",
            program="git",
        )
    return gravest([code for dataset in proposal.datasets for code in dataset.exit_codes])


def _show(proposal: Proposal, args: argparse.Namespace) -> None:
    """Print the proposal; as text without --patch, the patch goes to stdout and the text to stderr."""
    if args.patch or args.output != "text":
        show("propose", proposal, args)
        return
    stream(lambda target: target.write(proposal.patch))
    show_on_stderr("propose", proposal, args)


def _proposal(args: argparse.Namespace) -> Proposal:
    with opened_specs(args) as (opened, specs, found), connected(args, read_only=True) as wiring:
        require_credentials(wiring, found, args)
        root = root_of(opened.tree)
        if args.branch and toplevel(opened.tree.root) is None:
            raise UsageError("--branch: the specs are not in a git repository")
        proposed = list(propose_each(found.datasets, wiring.context, change_selection_of(args)))
        broken = [each_dataset.broken(dataset) for dataset in found.broken]
        with tried(opened, specs, found, proposed, kept_manifests(args)) as result:
            datasets = (
                *(summed_up(one, result, wiring.memory) for one in proposed),
                *(DatasetProposal(p.name, p.arn, errors=p.errors, error_code=p.exit_code) for p in broken),
            )
            patch = diff_of(opened.tree, root, result.edits)
            branch = None
            if args.branch and patch:
                branch = _commit(args.branch, opened.tree, root, result, message(datasets))
            return Proposal(datasets, str(root), patch, result.problems, found.revision, branch)


def _commit(name: str, tree: Directory, root: Path, result: CheckedEdits, text: str) -> Branch:
    files = {relative(tree, root, path): content for path, content in result.overlay.changed.items()}
    return Branch(name, commit_to(name, root, files, text))


@contextmanager
def tried(
    opened: Opened, specs: Specs, found: Reading, proposed: Sequence[Proposed], manifests: Manifests
) -> Iterator[CheckedEdits]:
    """Yield the edits that are verified to have the intended effect; refuse the others."""
    requests = [request for one in proposed for request in one.requests]
    refusals: list[Refusal] = []
    while True:
        with ExitStack() as stack:
            edits = edit_tree(opened.tree, specs.datasets, requests)
            overlay = stack.enter_context(overlaid(opened.tree, edits))
            wrong, problems = _check_edits(opened, overlay, found, proposed, edits, manifests)
            if not wrong:
                yield CheckedEdits(edits, overlay, (*refusals, *edits.refusals), problems)
                return
        bad = [request for request in requests if request.source_ref in wrong]
        if not bad:
            raise ReconcilerError(
                f"the edits would change other images as well: {', '.join(sorted(wrong)[:3])}"
            )
        refusals += (refused(request, UNPROVEN) for request in bad)
        requests = [request for request in requests if request.source_ref not in wrong]


def _check_edits(
    opened: Opened,
    overlay: Overlay,
    found: Reading,
    proposed: Sequence[Proposed],
    edits: TreeEdits,
    manifests: Manifests,
) -> tuple[frozenset[str], tuple[Problem, ...]]:
    """Read the edited specs; return images whose edit lacks the intended effect, and new problems."""
    if not edits.accepted:
        return frozenset(), ()
    edited = load(overlay, opened.only, manifests)
    datasets = {dataset.name: dataset for dataset in edited.datasets}
    wrong: set[str] = set()
    before = {_identity(problem) for problem in found.problems}
    new: dict[Problem, None] = {}
    for one in proposed:
        mine = [request for request in edits.accepted if request.dataset == one.desired.name]
        if not mine:
            continue
        if one.desired.name not in datasets:
            raise ReconcilerError(
                f"the edits would break the document of {one.desired.name}; please report it"
            )
        with closing(read_desired(datasets[one.desired.name])) as after:
            wrong |= unfulfilled(after, one, mine)
            new |= dict.fromkeys(p for p in after.problems if _identity(p) not in before)
    return frozenset(wrong), tuple(new)


def _identity(problem: Problem) -> tuple[str, str, str | None]:
    return problem.code, problem.message, problem.source_ref


def diff_of(tree: Directory, root: Path, edits: TreeEdits) -> bytes:
    """Return all edits as one patch, with paths relative to *root*."""
    pieces: list[bytes] = []
    for path, changes in sorted(edits.edits.items()):
        with tree.open(path) as old:
            pieces += file_diff(relative(tree, root, path), old, changes)
    for path, lines in sorted(edits.created.items()):
        pieces += new_file_diff(relative(tree, root, path), lines)
    return b"".join(pieces)


def relative(tree: Directory, root: Path, path: str) -> str:
    """Return a path of the tree relative to *root*, with links resolved, since git follows none."""
    return (tree.root / path).resolve().relative_to(root).as_posix()


def root_of(tree: Directory) -> Path:
    """
    Return the directory that paths of the patch are relative to: the root of the git repository.

    Outside git, the working directory if the tree is below it, else the tree itself.
    """
    here = Path.cwd().resolve()
    return toplevel(tree.root) or (here if tree.root.is_relative_to(here) else tree.root)


def summed_up(one: Proposed, result: CheckedEdits, memory: Memory) -> DatasetProposal:
    """Return the proposal for one dataset."""
    name = one.desired.name
    since = memory.statuses().get(name, {}).get("at")
    return DatasetProposal(
        name=name,
        arn=one.plan.arn,
        accepted=_ordered(request for request in result.edits.accepted if request.dataset == name),
        refusals=tuple(
            sorted(
                (*one.refusals, *(refusal for refusal in result.refusals if refusal.dataset == name)),
                key=lambda refusal: refusal.source_ref,
            )
        ),
        pending=one.pending,
        not_selected=one.not_selected,
        observed_at=one.observed_at,
        since=since if isinstance(since, str) else None,
        errors=one.plan.errors,
        error_code=one.plan.exit_code,
    )


def _ordered(requests: Iterator[EditRequest]) -> tuple[EditRequest, ...]:
    return tuple(sorted(requests, key=lambda request: request.source_ref))
