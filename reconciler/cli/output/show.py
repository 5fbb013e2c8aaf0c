"""Hand a result to the report that was asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from reconciler.cli.output.terminal import coloured, out, stream, width
from reconciler.core.planning.plan import Plan, PlanError
from reconciler.core.status.result import DatasetResult, gravest
from reconciler.reports.screen import Screen


def screen(args: argparse.Namespace) -> Screen:
    """Return how text is shown on this stdout."""
    everything = getattr(args, "all", False)
    colour = coloured(args, sys.stdout)
    return Screen(width(), colour, None) if everything else Screen(width(), colour)


def show_plan(plan: Plan, args: argparse.Namespace, failure: PlanError | None = None) -> None:
    """
    Print a plan as text, JSON, Markdown or HTML.

    Args:
        failure: What went wrong with the command as a whole, for the JSON; people read it on stderr.
    """
    match args.output:
        case "json":
            from reconciler.reports.plan.json import write_plan

            stream(lambda target: write_plan(plan, target, failure))
        case "markdown":
            from reconciler.reports.plan.markdown import render_markdown

            out(render_markdown(plan))
        case "html":
            from reconciler.reports.plan.html import LIMIT, render_html

            pieces = render_html(plan, None if args.all else LIMIT)
            stream(lambda target: target.writelines(piece.encode() for piece in pieces))
        case _:
            from reconciler.reports.plan.text import render_plan, render_summary

            render = render_summary if getattr(args, "summary", False) else render_plan
            out("\n".join(render(plan, screen(args))))


def results_exit_code(results: Sequence[DatasetResult], *, detailed: bool) -> int:
    """Return what is gravest; entries that a policy withholds only count if somebody asked for them."""
    return gravest(result.detailed_exit_code if detailed else result.exit_code for result in results)


def show_results(
    results: Sequence[DatasetResult], args: argparse.Namespace, failure: PlanError | None = None
) -> None:
    """Print what came of an apply as text or JSON; *failure* as for `show_plan`."""
    if args.output == "json":
        from reconciler.reports.apply.json import write_apply

        stream(lambda target: write_apply(results, target, failure))
    else:
        from reconciler.reports.apply.text import render_apply

        out("\n".join(render_apply(results, screen(args))))
