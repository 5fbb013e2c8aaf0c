"""``reconciler drift``: report changes made outside git. Makes no call that writes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from reconciler.cli.output.files import write_whole
from reconciler.cli.output.show import next_step, rendered, same_specs
from reconciler.cli.output.terminal import stream
from reconciler.cli.pictures import thumbnails
from reconciler.cli.specs import reading, require_credentials
from reconciler.cli.wiring import Wiring, connected
from reconciler.core.drift.report import Drift
from reconciler.core.validation.problem import Problem
from reconciler.engine.log import log
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.drift import drift_each, unseen
from reconciler.engine.usecases.spec_tree import Reading
from reconciler.errors import OutputError, StateError, UsageError, exit_code_of_problems, gravest
from reconciler.reports.pictures import Thumbnail
from reconciler.reports.registry import SUFFIXES


def run(args: argparse.Namespace) -> int:
    """Print and save the drift of every selected dataset, even if some could not be observed."""
    report = Path(args.report) if args.report else None
    kind = format_of(report) if report else None
    drift, pictures, unusable = _drift_and_pictures(args, drawn="html" in (kind, args.output))

    def write(form: str, target: BinaryIO) -> None:
        target.writelines(rendered("drift", form, drift, args, thumbnails=pictures))

    try:
        if report and kind:
            write_whole(report, partial(write, kind))
    except OutputError:  # still print the report
        stream(partial(write, args.output))
        raise
    stream(partial(write, args.output))
    for problem in unusable:
        sys.stderr.write(f"{problem}\n")
    if any(dataset.items for dataset in drift.datasets):
        next_step(args, f"propose{same_specs(args)}", f"apply{same_specs(args)}")
    codes = [code for dataset in drift.datasets for code in dataset.exit_codes]
    return gravest([*codes, exit_code_of_problems(problem.code for problem in unusable)])


def _drift_and_pictures(
    args: argparse.Namespace, *, drawn: bool
) -> tuple[Drift, Mapping[str, Thumbnail], Sequence[Problem]]:
    """Return the drift, its thumbnails, and errors of the specs that belong to no dataset."""
    with reading(args) as found, _connected(args) as (wiring, remember):
        require_credentials(wiring, found, args)
        seen = drift_each(found.datasets, wiring.context, found.acknowledgements, remember=remember)
        broken = map(unseen, map(each_dataset.broken, found.broken))
        drift = Drift((*seen, *broken), args.path, found.revision, ("--local",) if args.local else ())
        targets = {one.name: one.target for one in found.datasets}
        pictures = thumbnails(drift, targets, wiring, args.thumbnails) if drawn else {}
        return drift, pictures, _problems_of_no_dataset(found)


@contextmanager
def _connected(args: argparse.Namespace) -> Iterator[tuple[Wiring, bool]]:
    """Yield the wiring, and whether to remember; if the state cannot be written, it is opened read-only."""
    with ExitStack() as stack:
        remember = args.remember
        try:
            wiring = stack.enter_context(connected(args, read_only=not remember))
        except StateError as exc:
            if not remember:
                raise
            log.warning("status.unsaved", reason=str(exc))
            remember = False
            wiring = stack.enter_context(connected(args, read_only=True))
        yield wiring, remember


def _problems_of_no_dataset(found: Reading) -> list[Problem]:
    """Return the errors that belong to no dataset, such as in an acknowledgement."""
    reported = {problem for dataset in found.datasets for problem in dataset.errors}
    reported |= {problem for dataset in found.broken for problem in dataset.problems}
    return [problem for problem in found.errors if problem not in reported]


def format_of(report: Path) -> str:
    """
    Return the format for the suffix of a file name.

    Raises:
        UsageError: The suffix is unknown.
    """
    try:
        return SUFFIXES[report.suffix.lower()]
    except KeyError:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"--report {report}: its name must end in one of {known}") from None
