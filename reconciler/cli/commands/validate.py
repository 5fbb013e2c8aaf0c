"""``reconciler validate``: check a spec tree. Offline, except for --download."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags
from reconciler.cli.commands import Command
from reconciler.errors import Exit, SourceError, exit_code_of_problems


def _arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_selection(parser)
    flags.add_download(parser)
    flags.add_output(parser, "validate")


def _run(args: argparse.Namespace) -> int:
    """Print every problem of every file; exit with the gravest code that an error calls for."""
    from reconciler.cli.output.show import next_step, same_specs, show
    from reconciler.cli.specs import reading
    from reconciler.reports.validate import Validation
    from reconciler.sources.load import problem_of

    try:
        with reading(args, remember=True) as found:
            result = Validation(
                datasets=len(found.datasets) + len(found.broken),
                entries=sum(dataset.facts.entries for dataset in found.datasets),
                problems=found.noted,
                warnings=found.warnings,
                skipped=len(found.skipped),
            )
        code = exit_code_of_problems(problem.code for problem in result.problems if problem.is_error)
    except SourceError as exc:
        result = Validation(datasets=0, entries=0, problems=(problem_of(exc),))
        code = Exit.UNKNOWN
    show("validate", result, args)
    if code is Exit.DONE:
        next_step(args, f"plan{same_specs(args)}")
    return code


COMMAND: Final = Command(
    name="validate",
    summary="check specs, offline",
    example="reconciler validate specs",
    exits=(Exit.DONE, Exit.UNKNOWN, Exit.INVALID, Exit.DENIED),
    arguments=_arguments,
    work=_run,
    document="validate",
)
