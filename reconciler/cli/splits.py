"""Open the datasets that an export is about: those of a project in AWS, or those that specs desire."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import orjson

from reconciler.cli.specs import reading
from reconciler.convert.export.run import Split
from reconciler.core.entries.entry import sorted_line
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from reconciler.core.validation.checked_line import LabelKinds
from reconciler.core.validation.codes import Code
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases.export import Exported, export
from reconciler.engine.usecases.spec_tree import Reading
from reconciler.errors import NotFound, SpecError, UsageError

if TYPE_CHECKING:
    from reconciler.cli.wiring import Wiring

WAIT_SECONDS = 60.0


class OpenedProject(NamedTuple):
    """The datasets of one project as splits, TRAIN first."""

    project: str
    splits: Sequence[Split]


@contextmanager
def splits_of(args: argparse.Namespace) -> Iterator[OpenedProject]:
    """
    Yield the datasets that the command line names.

    Raises:
        NotFound: There is no such project or dataset in AWS.
        ListingIncomplete, GatewayError: A dataset could not be read whole.
        SpecError: Specs have errors; what they desire is not known.
        UsageError: They are datasets of several projects, or several of one type.
    """
    if args.from_specs:
        args.path = args.from_specs
        with reading(args) as found:
            yield _of_specs(found, args)
        return
    from reconciler.cli.wiring import connected  # loads the AWS SDK

    if args.dataset or args.selector:
        raise UsageError("--dataset and --selector select specs: they need --from-specs")
    with ExitStack() as stack:
        with connected(args, read_only=True) as wiring:
            kind = DatasetType(args.type) if args.type else None
            found_in_aws = [
                (one, stack.enter_context(closing(dataset)))
                for one, dataset in datasets_of(args.project, kind, wiring)
            ]
        yield OpenedProject(args.project, [_split_of(kind, dataset) for kind, dataset in found_in_aws])


def datasets_of(
    project: str, only: DatasetType | None, wiring: Wiring
) -> Iterator[tuple[DatasetType, Exported]]:
    """
    Read the datasets of a project from AWS, TRAIN first; the caller closes each.

    Args:
        only: Read this one; None for all that are there.

    Raises:
        NotFound: There is no such project, none of its datasets, or not the one that is asked for.
        ListingIncomplete, GatewayError: A dataset could not be read whole.
    """
    are_none = True
    for kind in [only] if only else [DatasetType.TRAIN, DatasetType.TEST]:
        context = wiring.context_of(Target(project=project, type=kind))
        try:
            found = export(project, kind, context, WAIT_SECONDS)
        except NotFound:
            if only or (kind is DatasetType.TEST and are_none):
                raise
            continue
        are_none = False
        yield kind, found


def _split_of(kind: DatasetType, found: Exported) -> Split:
    lines = partial(found.lines, found.kept)
    return Split(kind.lower(), found.kept, lines, found.arn, found.refused)


def _of_specs(found: Reading, args: argparse.Namespace) -> OpenedProject:
    broken = [dataset.name for dataset in found.broken]
    chosen = [
        dataset
        for dataset in found.datasets
        if args.project in (None, dataset.target.identity[0]) and args.type in (None, dataset.target.kind)
    ]
    broken += [dataset.name for dataset in chosen if dataset.has_errors or not dataset.usable]
    if broken:
        raise SpecError(f"{', '.join(broken)} cannot be exported as long as validate finds errors there")
    chosen.sort(key=lambda dataset: dataset.target.kind is DatasetType.TEST)
    kinds = [dataset.target.kind for dataset in chosen]
    if not chosen:
        raise UsageError(f"{args.from_specs}: no such dataset; --project and --type select none")
    if len({dataset.target.identity[0] for dataset in chosen}) > 1 or len(set(kinds)) < len(kinds):
        names = ", ".join(f"{dataset.name} ({'/'.join(dataset.target.identity)})" for dataset in chosen)
        raise UsageError(
            f"an export is one project, and one dataset of each type; choose with --dataset: {names}"
        )
    splits = [_split_of_specs(dataset) for dataset in chosen]
    return OpenedProject(chosen[0].target.identity[0], splits)


def _split_of_specs(dataset: Desired) -> Split:
    lines, source_refs = partial(_lines, dataset), dataset.index.source_refs
    split = Split(dataset.target.kind.lower(), source_refs, lines, dataset.name)
    # Validation has seen every label; with one kind of them it need not be asked which is which.
    match dataset.facts.kinds.keys() - {LabelKinds.NONE}:
        case kinds if kinds <= {LabelKinds.BOXES}:
            return split._replace(labels=(dataset.facts.labels, ()))
        case kinds if kinds <= {LabelKinds.IMAGE_LEVEL}:
            return split._replace(labels=((), dataset.facts.labels))
    return split


def _lines(dataset: Desired) -> Iterator[bytes]:
    """Give the desired lines, sorted, without keys that are never sent."""
    have_keys = any(problem.code is Code.SERVICE_KEYS for problem in dataset.problems)
    for ref, place in dataset.index.items():
        raw = dataset.read(ref, place)
        yield sorted_line(orjson.loads(raw)) if have_keys else raw
