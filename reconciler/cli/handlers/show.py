"""``reconciler show FILE``: show a saved plan. Offline; reads only the file."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from reconciler.cli.output.show import next_step, show
from reconciler.cli.output.terminal import stream
from reconciler.errors import Exit, UsageError
from reconciler.reports.plan.saved import saved_plan


def run(args: argparse.Namespace) -> int:
    """Print the plan in the requested format; as JSON, exactly as it was saved."""
    try:
        data = Path(args.file).read_bytes()
        plan = saved_plan(data)
    except OSError as exc:
        raise UsageError(f"{args.file}: {exc.strerror or exc}") from exc
    except UsageError as exc:
        raise UsageError(f"{args.file}: {exc}") from exc
    if args.output == "json":
        stream(lambda target: target.write(data))
    else:
        show("plan", plan, args)
        next_step(args, f"apply --plan {shlex.quote(args.file)}")
    return Exit.DONE
