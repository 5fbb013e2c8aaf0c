"""Write the JSON document even if the whole command fails."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from reconciler.cli.exits import Terminated
from reconciler.cli.output import terminal
from reconciler.core.planning.plan import PlanError
from reconciler.errors import Exit, Interrupted, OutputError, ReconcilerError


@contextmanager
def documented(args: argparse.Namespace) -> Iterator[None]:
    """
    Write a failure document if the block fails before it wrote to stdout.

    A bad command line, exit 64, is reported on stderr only.
    """
    terminal.Stdout.begun = False
    try:
        yield
    except (Exception, KeyboardInterrupt, Terminated) as exc:
        kind = args.declared.failure_document(args)
        if kind and not terminal.Stdout.begun and getattr(exc, "exit_code", None) != Exit.USAGE:
            _write(kind, reason(exc), args)
        raise


def reason(exc: BaseException) -> PlanError:
    """Return the error of a failed command for its document."""
    if isinstance(exc, ReconcilerError):
        return PlanError(exc.code, str(exc))
    if isinstance(exc, Exception):
        return PlanError(ReconcilerError.code, f"unexpected failure: {type(exc).__name__}: {exc}")
    return PlanError(Interrupted.code, "interrupted: what was not done before is not done")


def _write(kind: str, why: PlanError, args: argparse.Namespace) -> None:
    from reconciler.reports.documents import write_failed

    source_ref = args.source_ref if kind == "explain" else None
    with suppress(OutputError):  # stdout itself may have failed
        terminal.stream(lambda target: write_failed(kind, why, target, source_ref))
