"""``reconciler validate``: is the spec tree sound? Offline."""

from __future__ import annotations

import argparse

from reconciler.cli.exits import Exit
from reconciler.cli.output.show import show
from reconciler.cli.specs import reading
from reconciler.core.validation.problem import has_error
from reconciler.errors import SourceError
from reconciler.reports.validate.json import Validation
from reconciler.sources.load import unusable


def run(args: argparse.Namespace) -> int:
    """Print every problem of every file; exit 5 if one of them is an error, 3 if nothing can be read."""
    try:
        with reading(args) as found:
            result = Validation(
                datasets=len(found.datasets) + len(found.broken),
                entries=sum(dataset.facts.entries for dataset in found.datasets),
                problems=found.problems,
                skipped=len(found.skipped),
            )
        code = Exit.INVALID if has_error(result.problems) else Exit.DONE
    except SourceError as exc:
        result = Validation(datasets=0, entries=0, problems=(unusable(exc),))
        code = Exit.UNKNOWN
    show("validate", result, args)
    return code
