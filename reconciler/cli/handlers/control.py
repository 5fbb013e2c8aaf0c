"""``reconciler reconcile``, ``suspend`` and ``resume``: order something of a running controller."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence

from reconciler.cli.controller.client import Suspended, order
from reconciler.cli.output.show import next_step
from reconciler.cli.output.terminal import out
from reconciler.errors import Exit
from reconciler.reports.visible import visible


def reconcile(args: argparse.Namespace) -> int:
    """Start a cycle of each dataset now."""
    return _printed(order(args.server, "reconcile", args.names), _reconciled)


def suspend(args: argparse.Namespace) -> int:
    """Suspend applying to each dataset."""
    body = {"reason": args.reason} | ({"for_seconds": args.seconds} if args.seconds else {})
    code = _printed(order(args.server, "suspend", args.names, body), _suspended)
    next_step(args, f"resume {' '.join(map(shlex.quote, args.names))} --server {shlex.quote(args.server)}")
    return code


def resume(args: argparse.Namespace) -> int:
    """Resume applying to each dataset."""
    return _printed(order(args.server, "resume", args.names), _resumed)


def _printed(datasets: Sequence[Suspended], say: Callable[[Suspended], str]) -> int:
    for dataset in datasets:
        out(visible(f"{dataset.name}: {say(dataset)}"))
    return Exit.DONE


_BY_SPEC = "its spec says suspend: true, so it is neither observed nor applied; change that in git"


def _reconciled(dataset: Suspended) -> str:
    if dataset.by_spec:
        return _BY_SPEC
    return f"observed now; {_suspension(dataset)}" if dataset.reason is not None else "reconciled now"


def _suspended(dataset: Suspended) -> str:
    return f"{_suspension(dataset)}; it is still observed"


def _resumed(dataset: Suspended) -> str:
    return _BY_SPEC if dataset.by_spec else "resumed; reconciled now"


def _suspension(dataset: Suspended) -> str:
    end = f" until {dataset.until}" if dataset.until else ", until it is resumed"
    return f"applying is suspended{end}: {dataset.reason}"
