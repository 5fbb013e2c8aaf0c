"""``reconciler validate``: is the spec tree sound? Offline."""

from __future__ import annotations

import argparse
import sys

from reconciler.cli.exits import Exit
from reconciler.cli.output.terminal import coloured, out, stream
from reconciler.cli.specs import reading
from reconciler.core.validation.problem import has_error
from reconciler.errors import SourceError
from reconciler.reports.validate.json import Validation, render_json
from reconciler.reports.validate.text import render_text
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
    if args.output == "json":
        # JSON is UTF-8, whatever the terminal can show.
        stream(lambda target: target.writelines([render_json(result).encode()]))
    else:
        out(render_text(result, colour=coloured(args, sys.stdout)))
    return code
