"""Render reports, and write them to stdout: also the document of a command that failed as a whole."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from reconciler.cli.flags import DEFAULT_PATH
from reconciler.cli.output.terminal import coloured, stream, width
from reconciler.errors import Interrupted, OutputError, gravest, named
from reconciler.reports.documents import write_failed
from reconciler.reports.registry import RenderOptions, render
from reconciler.reports.screen import Screen

if TYPE_CHECKING:
    from reconciler.core.planning.plan import PlanError
    from reconciler.core.status.result import DatasetResult
    from reconciler.reports.pictures import Thumbnail


def _screen(args: argparse.Namespace, stream: TextIO) -> Screen:
    """Return width, colour and limit of text on a stream."""
    colour, flag = coloured(args, stream), next((name for name in ("all", "verbose") if name in args), "")
    wraps = stream.isatty()
    if getattr(args, flag, False):
        return Screen(width(), colour, None, wraps=wraps)
    return Screen(width(), colour, all_flag=f"--{flag}" if flag else "", wraps=wraps)


def rendered(
    document: str,
    form: str,
    report: object,
    args: argparse.Namespace,
    failure: PlanError | None = None,
    thumbnails: Mapping[str, Thumbnail] | None = None,
) -> Iterator[bytes]:
    """Render a report in one format, in pieces, with the options of the command line."""
    options = RenderOptions(
        screen=_screen(args, sys.stdout),
        encoding=sys.stdout.encoding or "utf-8",
        failure=failure,
        summary=getattr(args, "summary", False),
        thumbnails=thumbnails or {},
        patch=getattr(args, "patch", None),
    )
    return render(document, form, report, options)


def show(
    document: str,
    report: object,
    args: argparse.Namespace,
    failure: PlanError | None = None,
    thumbnails: Mapping[str, Thumbnail] | None = None,
) -> None:
    """
    Print a report in the requested format.

    Args:
        document: Its kind in `reports.registry`.
        failure: Why the whole command failed, for JSON; text has it on stderr.
        thumbnails: Images by source-ref, for a page.
    """
    pieces = rendered(document, args.output, report, args, failure, thumbnails)
    stream(lambda target: target.writelines(pieces))


def show_on_stderr(document: str, report: object, args: argparse.Namespace) -> None:
    """Print a report as text on stderr, whatever stdout gets."""
    options = RenderOptions(screen=_screen(args, sys.stderr), encoding=sys.stderr.encoding or "utf-8")
    for piece in render(document, "text", report, options):
        sys.stderr.write(piece.decode(options.encoding, "replace"))


def note(args: argparse.Namespace, text: str) -> None:
    """Say on stderr what a command did beside its report, if that is text."""
    if args.output == "text":
        sys.stderr.write(f"{text}\n")


def next_step(args: argparse.Namespace, *commands: str, program: str = "reconciler") -> None:
    """
    Print the next commands on stderr, if it is a terminal and the report is text.

    Args:
        commands: Each is one line, without the name of the program.
    """
    if commands and args.output != "json" and sys.stderr.isatty():
        sys.stderr.write("Next:\n" + "".join(f"  {program} {command}\n" for command in commands))


def same_specs(args: argparse.Namespace) -> str:
    """Return the arguments that name the same specs, changes and AWS to another command, a space before."""
    words = [args.path] if args.path not in (None, DEFAULT_PATH) else []
    words += [word for name in args.dataset for word in ("--dataset", name)]
    words += [word for pair in args.selector for word in ("--selector", pair)]
    for flag, name in (("class", "classes"), ("label", "labels"), ("source-ref", "source_refs")):
        words += [word for value in getattr(args, name, ()) for word in (f"--{flag}", str(value))]
    words += ["--local"] * getattr(args, "local", False)
    return "".join(f" {shlex.quote(word)}" for word in words)


def results_exit_code(results: Sequence[DatasetResult], *, detailed: bool) -> int:
    """Return the gravest exit code; entries withheld by policy count only if *detailed*."""
    return gravest(result.detailed_exit_code if detailed else result.exit_code for result in results)


def reason(exc: BaseException) -> PlanError:
    """Return the error of a failed command for its document."""
    from reconciler.core.planning.plan import PlanError

    if isinstance(exc, Exception):
        known = named(exc)
        return PlanError(known.code, str(known))
    return PlanError(Interrupted.code, "interrupted: what was not done before is not done")


def show_failure(kind: str, exc: BaseException, args: argparse.Namespace) -> None:
    """Print the document of a command that failed as a whole; stdout itself may have failed."""
    source_ref = args.source_ref if kind == "explain" else None
    with suppress(OutputError):
        stream(lambda target: write_failed(kind, reason(exc), target, source_ref))
