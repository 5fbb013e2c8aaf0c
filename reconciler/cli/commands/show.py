"""``reconciler show FILE``: show a saved plan. Offline; reads only the file."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.errors import Exit, UsageError


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=values.readable_file, metavar="FILE", help="a plan that plan --out has saved"
    )
    flags.add_output(parser, "plan")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--all", action="store_true", help="show every change, not only the first 20")
    much.add_argument("--summary", action="store_true", help="show one line per dataset, and the sum")


def _run(args: argparse.Namespace) -> int:
    """Print the plan in the requested format; as JSON, exactly as it was saved."""
    from reconciler.cli.output.show import next_step, show
    from reconciler.cli.output.terminal import stream
    from reconciler.reports.plan.saved import saved_plan

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


COMMAND: Final = Command(
    name="show",
    summary="show a saved plan",
    example="reconciler show plan.json",
    exits=(Exit.DONE,),
    arguments=_arguments,
    work=_run,
)
