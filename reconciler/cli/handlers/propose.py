"""``reconciler propose``: turn drift into a patch or branch of the specs. Makes no call that writes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reconciler.cli.handlers.proposing import (
    Tried,
    diff_of,
    opened_specs,
    relative,
    root_of,
    summed_up,
    tried,
)
from reconciler.cli.output.files import write_whole
from reconciler.cli.output.show import screen, show
from reconciler.cli.output.terminal import stream
from reconciler.cli.wiring import connected
from reconciler.core.entries.pattern import globs
from reconciler.core.proposals.report import Branch, DatasetProposal, Proposal
from reconciler.core.spec.choices import DriftClass
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.propose import Choice, propose_each
from reconciler.errors import OutputError, UsageError, gravest
from reconciler.reports.propose.json import message
from reconciler.reports.propose.text import render_proposal
from reconciler.sources.git.branch import commit_to
from reconciler.sources.git.checkout import toplevel
from reconciler.sources.trees.directory import Directory


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
    return gravest([code for dataset in proposal.datasets for code in dataset.exit_codes])


def _show(proposal: Proposal, args: argparse.Namespace) -> None:
    """Print the proposal; as text without --patch, the patch goes to stdout and the text to stderr."""
    if args.patch or args.output != "text":
        show("propose", proposal, args)
        return
    stream(lambda target: target.write(proposal.patch))
    for content in render_proposal(proposal, screen(args)):
        sys.stderr.write(f"{content}\n")


def _proposal(args: argparse.Namespace) -> Proposal:
    with opened_specs(args) as (opened, specs, found), connected(args, read_only=True) as wiring:
        root = root_of(opened.tree)
        if args.branch and toplevel(opened.tree.root) is None:
            raise UsageError("--branch: the specs are not in a git repository")
        proposed = list(propose_each(found.datasets, wiring.context, _choice(args)))
        broken = [each_dataset.broken(dataset) for dataset in found.broken]
        with tried(opened, specs, found, proposed) as result:
            datasets = (
                *(summed_up(one, result, wiring.memory) for one in proposed),
                *(DatasetProposal(p.name, p.arn, errors=p.errors, error_code=p.exit_code) for p in broken),
            )
            patch = diff_of(opened.tree, root, result.edits)
            branch = None
            if args.branch and patch:
                branch = _commit(args.branch, opened.tree, root, result, message(datasets))
            return Proposal(datasets, str(root), patch, result.problems, found.revision, branch)


def _commit(name: str, tree: Directory, root: Path, result: Tried, text: str) -> Branch:
    files = {relative(tree, root, path): content for path, content in result.overlay.changed.items()}
    return Branch(name, commit_to(name, root, files, text))


def _choice(args: argparse.Namespace) -> Choice:
    return Choice(
        frozenset(map(DriftClass, args.classes)),
        globs(args.label),
        globs(args.source_ref),
    )
