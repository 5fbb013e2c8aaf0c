"""A proposal: what the patch takes up, what it does not and why; propose/v1, and the message of a commit."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.moments import moment, moment_or_none
from reconciler.core.planning.cause import Cause
from reconciler.core.proposals.report import DatasetProposal, EditKind, EditRequest, Proposal, Refusal
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.documents import (
    ErrorDoc,
    ProblemDoc,
    Rows,
    doc_of,
    encode,
    error_doc,
    problem_doc,
)
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import (
    LONGEST_NAME,
    Ink,
    Line,
    Screen,
    Span,
    error_lines,
    first_of,
    indented,
    line,
    place_span,
    stacked,
)
from reconciler.reports.visible import counted, shortened, visible

_SIGILS: Final = {
    EditKind.CHANGE: Span("~", Ink.CYAN),
    EditKind.ADD: Span("+", Ink.GREEN),
    EditKind.REMOVE: Span("-", Ink.RED),
}
VERBS: Final = {EditKind.CHANGE: "changed", EditKind.ADD: "added", EditKind.REMOVE: "removed"}

# Images that a commit's message names; the patch itself names them all.
_NAMED: Final = 20


class BranchDoc(TypedDict):
    name: str
    commit: str


class ProposedDoc(TypedDict):
    """
    One image that the patch takes up.

    ``origin`` is where it stands now, null for a new one; ``file`` is where it will stand.
    """

    action: EditKind
    source_ref: str
    cause: Cause
    classes: Sequence[DriftClass]
    origin: str | None
    file: str


class RefusedDoc(TypedDict):
    """One image whose drift the patch does not take up, and why."""

    source_ref: str
    cause: Cause
    classes: Sequence[DriftClass]
    origin: str | None
    reason: str


class DatasetProposalDoc(TypedDict):
    """
    What is proposed for one dataset.

    ``pending`` counts the differences that git alone made, ``not_selected`` the drifted images that --source-ref,
    --class or --label leaves out, absent where there are none. ``applied_at`` is the last apply, if it is known.
    """

    name: str
    arn: str | None
    observed_at: str | None
    applied_at: str | None
    proposed: Sequence[ProposedDoc]
    refused: Sequence[RefusedDoc]
    pending: int
    not_selected: NotRequired[int]
    errors: Sequence[ErrorDoc]


class ProposeDoc(TypedDict):
    """
    Drift as a patch to the specs.

    ``patch`` is a unified diff, empty if there is nothing to change; its paths are relative to ``root``.
    ``problems`` is what validation will say of the patched specs, and does not say now.
    """

    format: Literal["propose/v1"]
    revision: str | None
    root: str
    patch: str
    branch: BranchDoc | None
    datasets: Sequence[DatasetProposalDoc]
    problems: Sequence[ProblemDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = ProposeDoc


def render_text(proposal: Proposal, options: RenderOptions) -> Iterator[Line]:
    """Yield a proposal as text."""
    return stacked(
        [
            *(_dataset(dataset, options.screen) for dataset in proposal.datasets),
            _problems(proposal, options.screen),
            _closing(proposal, options.patch),
        ]
    )


def _dataset(dataset: DatasetProposal, screen: Screen) -> Iterator[Line]:
    arn = dataset.arn or ("not observed" if dataset.errors else "does not exist yet")
    yield line(Span(dataset.name, Ink.BOLD), Span(f"  {arn}", Ink.DIM))
    yield from indented(_taken(dataset, screen))
    yield from indented(_left(dataset, screen))
    yield from indented(error_lines(dataset.errors, screen))


def _taken(dataset: DatasetProposal, screen: Screen) -> Iterator[Line]:
    if dataset.accepted:
        yield line(f"In the patch: {_kinds(dataset.accepted)}")
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
    place = place_span(request.origin) if request.origin else Span(f"  {request.file}", Ink.DIM)
    moved = request.origin is not None and request.origin.file != request.file
    where = Span(f" → {request.file}" if moved else "", Ink.DIM)
    why = Span(f"  {', '.join(request.classes)}", Ink.DIM)
    yield line(_SIGILS[request.kind], f" {shortened(request.source_ref, LONGEST_NAME)}", place, where, why)


def _refusal(refusal: Refusal) -> Iterable[Line]:
    yield line(
        Span("!", Ink.YELLOW), f" {shortened(refusal.source_ref, LONGEST_NAME)}", place_span(refusal.origin)
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


def render_json(proposal: Proposal, _options: RenderOptions) -> Iterator[bytes]:
    """Yield propose/v1. ``patch`` is the whole patch, as text."""
    branch = proposal.branch
    document: ProposeDoc = {
        "format": "propose/v1",
        "revision": proposal.revision,
        "root": proposal.root,
        "patch": proposal.patch.decode(errors="backslashreplace"),
        "branch": None if branch is None else doc_of(BranchDoc, branch),
        "datasets": Rows(proposal.datasets, _dataset_doc),
        "problems": Rows(proposal.problems, problem_doc),
    }
    return encode(document)


def message(datasets: Sequence[DatasetProposal]) -> str:
    """Return the message of a commit: what was taken over, from when, since when."""
    accepted = [request for dataset in datasets for request in dataset.accepted]
    names = [dataset.name for dataset in datasets if dataset.accepted]
    head = f"Take {counted(len(accepted), 'image')} from AWS into {shortened(', '.join(names), 40)}"
    return "\n".join([head, "", *_paragraphs(datasets)]).strip() + "\n"


def _kinds(requests: Sequence[EditRequest]) -> str:
    """Return how many of each kind: ``2 changed, 1 added``."""
    found = Counter(request.kind for request in requests)
    return ", ".join(f"{found[kind]:,} {VERBS[kind]}" for kind in EditKind if found[kind])


def _paragraphs(datasets: Sequence[DatasetProposal]) -> Iterator[str]:
    for dataset in datasets:
        if not dataset.accepted:
            continue
        since = f"since the apply of {dataset.since}" if dataset.since else "since no known apply"
        seen = f", as seen at {moment(dataset.observed_at)}" if dataset.observed_at is not None else ""
        yield f"{dataset.name}: {_kinds(dataset.accepted)} outside git {since}{seen}."
        if dataset.guessed:
            yield f"For {dataset.guessed:,} of them it is unknown which side changed."
        if dataset.conflicting:
            yield f"{dataset.conflicting:,} of them had changed in git as well; this takes what AWS holds."
        yield ""
        for request in dataset.accepted[:_NAMED]:
            name = shortened(visible(request.source_ref), LONGEST_NAME)
            yield f"* {VERBS[request.kind]} {name} ({', '.join(request.classes)})"
        if left := len(dataset.accepted) - _NAMED:
            yield from [f"* and {left:,} more"] if left > 0 else []
        yield ""


def _dataset_doc(dataset: DatasetProposal) -> DatasetProposalDoc:
    document: DatasetProposalDoc = {
        "name": dataset.name,
        "arn": dataset.arn,
        "observed_at": moment_or_none(dataset.observed_at),
        "applied_at": dataset.since,
        "proposed": Rows(dataset.accepted, _request_doc),
        "refused": Rows(dataset.refusals, partial(doc_of, RefusedDoc)),
        "pending": dataset.pending,
        "errors": [error_doc(error) for error in dataset.errors],
    }
    if dataset.not_selected:
        document["not_selected"] = dataset.not_selected
    return document


def _request_doc(request: EditRequest) -> ProposedDoc:
    return doc_of(ProposedDoc, request, action=request.kind)
