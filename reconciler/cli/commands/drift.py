"""``reconciler drift``: what moved outside git. Makes no call that writes.

Without ``--remember`` it writes no file but the report either, so that it can run from anywhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.cli.files import write_whole
from reconciler.cli.images import thumbnails
from reconciler.cli.output.show import screen
from reconciler.cli.output.terminal import stream
from reconciler.cli.specs import reading
from reconciler.cli.wiring import Wiring, connected
from reconciler.core.drift.report import Drift
from reconciler.core.status.result import gravest
from reconciler.core.validation.problem import Problem
from reconciler.engine.log import log
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.drift import drift_each, unseen
from reconciler.engine.usecases.spec_tree import Reading
from reconciler.errors import OutputError, SpecError, StateError, UsageError
from reconciler.reports.drift.thumbnails import Thumbnail

FORMATS: Final = {
    ".html": "html",
    ".json": "json",
    ".md": "markdown",
    ".xml": "junit",
    ".sarif": "sarif",
    ".txt": "text",
}


def run(args: argparse.Namespace) -> int:
    """Print and keep what moved in every selected dataset, also when some of it could not be seen."""
    report = Path(args.report) if args.report else None
    kind = format_of(report) if report else None
    drift, pictures, unusable = _look(args, drawn="html" in (kind, args.output))
    try:
        if report and kind:
            write_whole(report, writer(drift, kind, pictures, args))
    except OutputError:  # what was seen is shown
        stream(writer(drift, args.output, pictures, args))
        raise
    stream(writer(drift, args.output, pictures, args))
    for problem in unusable:
        sys.stderr.write(f"{problem}\n")
    codes = [code for dataset in drift.datasets for code in dataset.exit_codes]
    return gravest([*codes, *(SpecError.exit_code for _ in unusable)])


def _look(
    args: argparse.Namespace, *, drawn: bool
) -> tuple[Drift, Mapping[str, Thumbnail], Sequence[Problem]]:
    """Return what drifted, small pictures of it, and errors of the specs that are about no dataset."""
    with reading(args) as found, _connected(args) as wiring:
        seen = drift_each(found.datasets, wiring.context, found.acknowledgements, remember=args.remember)
        broken = map(unseen, map(each_dataset.broken, found.broken))
        drift = Drift((*seen, *broken), args.path, found.revision, ("--local",) if args.local else ())
        pictures = thumbnails(drift, found.datasets, wiring, args.thumbnails) if drawn else {}
        return drift, pictures, _untold(found)


@contextmanager
def _connected(args: argparse.Namespace) -> Iterator[Wiring]:
    """Give the wiring; a state that cannot be written, such as on a full disk, costs the memory and no report."""
    with ExitStack() as stack:
        try:
            wiring = stack.enter_context(connected(args, read_only=not args.remember))
        except StateError as exc:
            if not args.remember:
                raise
            log.warning("status.unsaved", reason=str(exc))
            wiring = stack.enter_context(connected(args, read_only=True))
        yield wiring


def _untold(found: Reading) -> list[Problem]:
    """Return errors that are about no dataset: an acknowledgement that cannot be read silences nothing."""
    told = {problem for dataset in found.datasets for problem in dataset.problems}
    told |= {problem for dataset in found.broken for problem in dataset.problems}
    return [problem for problem in found.problems if problem.is_error and problem not in told]


def format_of(report: Path) -> str:
    """
    Return the format that a file's name asks for.

    Raises:
        UsageError: Its suffix stands for none.
    """
    try:
        return FORMATS[report.suffix.lower()]
    except KeyError:
        known = ", ".join(FORMATS)
        raise UsageError(f"--report {report}: its name must end in one of {known}") from None


def writer(
    drift: Drift, kind: str, pictures: Mapping[str, Thumbnail], args: argparse.Namespace
) -> Callable[[BinaryIO], None]:
    """Return what writes drift in one format."""
    match kind:
        case "json":
            from reconciler.reports.drift.json import write_drift

            return partial(write_drift, drift)
        case "junit":
            from reconciler.reports.drift.ci import write_junit

            return partial(write_junit, drift)
        case "sarif":
            from reconciler.reports.drift.ci import write_sarif

            return partial(write_sarif, drift)
        case "html":
            from reconciler.reports.drift.html import render_html

            return partial(_write, (piece.encode() for piece in render_html(drift, pictures)))
        case _:
            encoding = sys.stdout.encoding or "utf-8"
            pieces = _text(drift, kind, args)
            return partial(_write, (piece.encode(encoding, "backslashreplace") for piece in pieces))


def _text(drift: Drift, kind: str, args: argparse.Namespace) -> Iterable[str]:
    if kind == "markdown":
        from reconciler.reports.drift.markdown import render_markdown

        return [render_markdown(drift)]
    from reconciler.reports.drift.text import render_drift

    return (f"{content}\n" for content in render_drift(drift, screen(args)))


def _write(pieces: Iterable[bytes], target: BinaryIO) -> None:
    target.writelines(pieces)
