"""``reconciler status``: print the last known status, from the state directory alone."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.errors import Exit, UsageError

if TYPE_CHECKING:
    from reconciler.reports.status.json import KnownStatuses


WAIT_SECONDS: Final = 600
"""How long ``--wait`` waits unless ``--timeout`` says otherwise."""

_EVERY_SECONDS: Final = 1.0


def _arguments(parser: argparse.ArgumentParser) -> None:
    from reconciler.core.status.conditions import ConditionType

    flags.add_selection(parser)
    parser.set_defaults(path=None)  # without specs it reports every dataset in the state directory
    flags.add_output(parser, "status")
    parser.add_argument(
        "--local",
        action="store_true",
        help="accepted, as by other commands; the state directory is the same with and without it",
    )
    parser.add_argument(
        "--wait",
        choices=[kind.value for kind in ConditionType],
        metavar="CONDITION",
        help="wait until this condition, such as TrainingSafe or Ready, is True for every dataset",
    )
    parser.add_argument(
        "--timeout",
        type=values.duration,
        metavar="DURATION",
        default=WAIT_SECONDS,
        help="how long --wait waits (default: 10m)",
    )


def _run(args: argparse.Namespace) -> int:
    """Print the stored status; wait first if asked to. A dataset that was never observed is unknown."""
    from reconciler.cli.clock import SystemClock
    from reconciler.cli.output.show import next_step, same_specs, show

    clock = SystemClock()
    deadline = clock.now() + args.timeout
    while True:
        known = _read(args, clock.now())
        code = _awaited(known, args.wait) if args.wait else Exit.DONE
        if code is Exit.DONE or clock.now() >= deadline:
            break
        clock.sleep(_EVERY_SECONDS)
    show("status", known, args)
    if _awaited(known, "InSync") is not Exit.DONE:
        next_step(args, f"plan{same_specs(args)}")
    return code


def _awaited(known: KnownStatuses, kind: str) -> Exit:
    """Return one exit code for a condition of all datasets: DONE if it is True, PENDING if False, else UNKNOWN."""
    from reconciler.reports.status.json import datasets_doc

    found = [
        next((one["status"] for one in dataset["conditions"] if one["type"] == kind), "Unknown")
        for dataset in datasets_doc(*known)
    ]
    if not found or "Unknown" in found:
        return Exit.UNKNOWN
    return Exit.PENDING if "False" in found else Exit.DONE


def _read(args: argparse.Namespace, now: float) -> KnownStatuses:
    from reconciler.engine.dataset.bookkeeping import share_images
    from reconciler.reports.status.json import KnownStatuses
    from reconciler.reports.status.record import with_training_safe
    from reconciler.state import State

    with closing(State(Path(args.state_dir), read_only=True)) as state:
        known = dict(state.statuses())
        quarantined = {name: tuple(state.quarantine.of(name).values()) for name in known}
        chosen = _chosen(known, args)
        records = {
            name: with_training_safe(known, name, state, partial(share_images, state), now) for name in chosen
        }
    return KnownStatuses(records, quarantined, now)


def _chosen(known: Collection[str], args: argparse.Namespace) -> Sequence[str]:
    """
    Return the selected names that the specs declare; without specs, those with a stored status.

    Raises:
        SourceError: PATH cannot be read, although it was given or a selector needs it.
        UsageError: The flags select nothing.
    """
    if args.path is None and not args.selector and not Path(flags.DEFAULT_PATH).exists():
        if unknown := sorted(set(args.dataset).difference(known)):
            raise UsageError(
                f"nothing is known of {', '.join(unknown)}, and there are no {flags.DEFAULT_PATH}"
            )
        return args.dataset or list(known)
    from reconciler.cli.specs import selection_of
    from reconciler.engine.usecases.spec_tree import names, select
    from reconciler.sources.directory import open_path
    from reconciler.sources.load import load

    opened = open_path(Path(args.path or flags.DEFAULT_PATH))
    return names(select(load(opened.tree, opened.only), selection_of(args)))


COMMAND: Final = Command(
    name="status",
    summary="show the last known state, without calling AWS",
    example="reconciler status",
    exits=(Exit.DONE, Exit.PENDING, Exit.UNKNOWN),
    arguments=_arguments,
    work=_run,
    document="status",
)
