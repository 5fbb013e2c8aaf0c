"""Write reports to stdout, or prepare them for a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.cli.output.terminal import coloured, stream, width
from reconciler.core.planning.plan import PlanError
from reconciler.core.status.result import DatasetResult, gravest
from reconciler.reports.registry import Options, render
from reconciler.reports.screen import Screen

if TYPE_CHECKING:
    from reconciler.reports.thumbnails import Thumbnail


def screen(args: argparse.Namespace) -> Screen:
    """Return how text is shown on this stdout."""
    everything = getattr(args, "all", False)
    colour = coloured(args, sys.stdout)
    return Screen(width(), colour, None) if everything else Screen(width(), colour)


def rendered(
    document: str,
    form: str,
    report: object,
    args: argparse.Namespace,
    failure: PlanError | None = None,
    thumbnails: Mapping[str, Thumbnail] | None = None,
) -> Iterator[bytes]:
    """Return a report in one format, in pieces; the flags say how much of it, and in which encoding."""
    options = Options(
        screen=screen(args),
        encoding=sys.stdout.encoding or "utf-8",
        failure=failure,
        summary=getattr(args, "summary", False),
        thumbnails=thumbnails or {},
        patch=getattr(args, "patch", None),
    )
    return render(document, form, report, options)


def show(document: str, report: object, args: argparse.Namespace, failure: PlanError | None = None) -> None:
    """
    Print a report in the format that was asked for.

    Args:
        document: Its kind, as `reports.registry` has it.
        failure: Why the command as a whole failed, for the JSON; people read it on stderr.
    """
    pieces = rendered(document, args.output, report, args, failure)
    stream(lambda target: target.writelines(pieces))


def results_exit_code(results: Sequence[DatasetResult], *, detailed: bool) -> int:
    """Return the gravest exit code; entries that a policy withholds count only in detail."""
    return gravest(result.detailed_exit_code if detailed else result.exit_code for result in results)
