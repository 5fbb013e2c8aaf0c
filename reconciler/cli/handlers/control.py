"""``reconciler reconcile``, ``suspend`` and ``resume``: order something of a running controller."""

from __future__ import annotations

import argparse
import shlex

from reconciler.cli.controller.client import order
from reconciler.cli.output.show import next_step, show
from reconciler.core.status.conditions import ControllerAnswer
from reconciler.errors import Exit


def reconcile(args: argparse.Namespace) -> int:
    """Start a cycle of each dataset now."""
    return _ordered(args, "reconcile")


def suspend(args: argparse.Namespace) -> int:
    """Suspend applying to each dataset."""
    body = {"reason": args.reason} | ({"for_seconds": args.seconds} if args.seconds else {})
    code = _ordered(args, "suspend", body)
    next_step(args, f"resume {' '.join(map(shlex.quote, args.names))} --server {shlex.quote(args.server)}")
    return code


def resume(args: argparse.Namespace) -> int:
    """Resume applying to each dataset."""
    return _ordered(args, "resume")


def _ordered(args: argparse.Namespace, what: str, body: dict[str, object] | None = None) -> int:
    show("control", ControllerAnswer(what, order(args.server, what, args.names, body)), args)
    return Exit.DONE
