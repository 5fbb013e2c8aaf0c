"""A proposal, for people: what the patch takes up, what it does not and why, and how to apply it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.core.proposals.report import DatasetProposal, EditKind, EditRequest, Proposal, Refusal
from reconciler.reports.plan.text import LONGEST_NAME, error_lines, whence
from reconciler.reports.propose.json import kinds
from reconciler.reports.registry import Options
from reconciler.reports.screen import Ink, Line, Screen, Span, first_of, indented, line, stacked
from reconciler.reports.visible import counted, shortened

_SIGILS: Final = {
    EditKind.CHANGE: Span("~", Ink.CYAN),
    EditKind.ADD: Span("+", Ink.GREEN),
    EditKind.REMOVE: Span("-", Ink.RED),
}


def render(proposal: Proposal, options: Options) -> Iterator[Line]:
    """Give a proposal as text."""
    return stacked(
        [
            *(_dataset(dataset, options.screen) for dataset in proposal.datasets),
            _problems(proposal, options.screen),
            _closing(proposal, options.patch),
        ]
    )


def _dataset(dataset: DatasetProposal, screen: Screen) -> Iterator[Line]:
    yield line(Span(dataset.name, Ink.BOLD), Span(f"  {dataset.arn or 'not observed'}", Ink.DIM))
    yield from indented(_taken(dataset, screen))
    yield from indented(_left(dataset, screen))
    yield from indented(error_lines(dataset.errors, screen))


def _taken(dataset: DatasetProposal, screen: Screen) -> Iterator[Line]:
    if dataset.accepted:
        yield line(f"In the patch: {kinds(dataset.accepted)}")
        yield from indented(first_of(dataset.accepted, screen.limit, _request))
    elif not dataset.refusals and not dataset.errors:
        yield line(Span("Nothing to take into git.", Ink.GREEN))
    if dataset.guessed:
        text = f"For {dataset.guessed:,} of them it is unknown which side changed: review before you commit."
        yield line(Span(text, Ink.YELLOW))
    if dataset.conflicting:
        text = f"{dataset.conflicting:,} of them changed in git as well: the patch takes what AWS holds."
        yield line(Span(text, Ink.YELLOW))
    if dataset.pending:
        changed = counted(
            dataset.pending, "image that git alone changed is", "images that git alone changed are"
        )
        yield line(Span(f"{changed} not proposed back.", Ink.DIM))
    if dataset.not_selected:
        drifted = counted(dataset.not_selected, "drifted image is", "drifted images are")
        yield line(f"{drifted} not selected, and left as git has them.")


def _left(dataset: DatasetProposal, screen: Screen) -> Iterator[Line]:
    if dataset.refusals:
        yield line(f"Not in the patch: {len(dataset.refusals):,}")
        yield from indented(first_of(dataset.refusals, screen.limit, _refusal))


def _request(request: EditRequest) -> Iterable[Line]:
    place = whence(request.origin) if request.origin else Span(f"  {request.file}", Ink.DIM)
    moved = request.origin is not None and request.origin.file != request.file
    where = Span(f" → {request.file}" if moved else "", Ink.DIM)
    why = Span(f"  {', '.join(request.classes)}", Ink.DIM)
    yield line(_SIGILS[request.kind], f" {shortened(request.source_ref, LONGEST_NAME)}", place, where, why)


def _refusal(refusal: Refusal) -> Iterable[Line]:
    yield line(
        Span("!", Ink.YELLOW), f" {shortened(refusal.source_ref, LONGEST_NAME)}", whence(refusal.origin)
    )
    yield line(Span(f"    {refusal.reason}", Ink.DIM))


def _problems(proposal: Proposal, screen: Screen) -> Iterator[Line]:
    if errors := [problem for problem in proposal.problems if problem.is_error]:
        yield line(Span("Validation will refuse the patched specs:", Ink.RED))
        yield from indented(first_of(errors, screen.limit, lambda problem: [line(str(problem))]))


def _closing(proposal: Proposal, file: str | None) -> Iterator[Line]:
    if not proposal.patch:
        yield line(Span("The patch is empty.", Ink.BOLD))
        return
    if proposal.branch is not None:
        yield line(f"Committed to the branch {proposal.branch.name}: {proposal.branch.commit}")
    if file is not None:
        yield line(Span(f"Apply it in {proposal.root}: git apply {shlex.quote(file)}", Ink.BOLD))
