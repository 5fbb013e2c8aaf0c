"""Open the datasets that an export is about: those of a project in AWS, or those that specs desire."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from reconciler.cli.specs import selected_specs
from reconciler.convert.export.run import Split
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from reconciler.core.validation.checked_line import LabelKinds
from reconciler.engine.usecases.export import Exported, OrderedLines, export, read_in_order
from reconciler.errors import NotFound, SpecError, UsageError
from reconciler.ports import LoadedDataset

if TYPE_CHECKING:
    from reconciler.cli.wiring import Wiring

WAIT_SECONDS = 60.0


@contextmanager
def splits_of(args: argparse.Namespace) -> Iterator[tuple[str, Sequence[Split]]]:
    """
    Yield the project that the command line names, and its datasets as splits, TRAIN first.

    Raises:
        NotFound: There is no such project or dataset in AWS.
        ListingIncomplete, GatewayError: A dataset could not be read whole.
        SpecError: Specs have errors; what they desire is not known.
        UsageError: They are datasets of several projects, or several of one type.
    """
    if args.from_specs:
        args.path = args.from_specs
        yield _of_specs(args)
        return
    from reconciler.cli.wiring import connected  # loads the AWS SDK

    if args.dataset or args.selector:
        raise UsageError("--dataset and --selector select specs: they need --from-specs")
    with ExitStack() as stack:
        with connected(args, read_only=True) as wiring:
            kind = DatasetType(args.type) if args.type else None
            found_in_aws = [
                (one, stack.enter_context(closing(dataset)))
                for one, dataset in read_datasets(args.project, kind, wiring)
            ]
        yield args.project, [_split_of(kind, dataset) for kind, dataset in found_in_aws]


def read_datasets(
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


def _of_specs(args: argparse.Namespace) -> tuple[str, Sequence[Split]]:
    _, _, specs = selected_specs(args)
    chosen = [
        dataset
        for dataset in specs.datasets
        if args.project in (None, dataset.target.identity[0]) and args.type in (None, dataset.target.kind)
    ]
    chosen.sort(key=lambda dataset: dataset.target.kind is DatasetType.TEST)
    if not specs.broken:
        _require_one_project(chosen, args.from_specs)
    read = [(dataset.name, read_in_order(dataset)) for dataset in chosen]
    broken = [dataset.name for dataset in specs.broken] + [name for name, found in read if found is None]
    if broken:
        raise SpecError(f"{', '.join(broken)} cannot be exported as long as validate finds errors there")
    return chosen[0].target.identity[0], [_split_of_specs(found) for _, found in read if found]


def _require_one_project(chosen: Sequence[LoadedDataset], path: str) -> None:
    kinds = [dataset.target.kind for dataset in chosen]
    if not chosen:
        raise UsageError(f"{path}: no such dataset; --project and --type select none")
    if len({dataset.target.identity[0] for dataset in chosen}) > 1 or len(set(kinds)) < len(kinds):
        names = ", ".join(f"{dataset.name} ({'/'.join(dataset.target.identity)})" for dataset in chosen)
        raise UsageError(
            f"an export is one project, and one dataset of each type; choose with --dataset: {names}"
        )


def _split_of_specs(found: OrderedLines) -> Split:
    dataset, facts = found.loaded, found.facts
    ends = (found.first, found.last) if found.first else ()
    split = Split(dataset.target.kind.lower(), ends, found.lines, dataset.name)
    # Validation has seen every label; with one kind of them it need not be asked which is which.
    match facts.kinds.keys() - {LabelKinds.NONE}:
        case kinds if kinds <= {LabelKinds.BOXES}:
            return split._replace(labels=(facts.labels, ()))
        case kinds if kinds <= {LabelKinds.IMAGE_LEVEL}:
            return split._replace(labels=((), facts.labels))
    return split
