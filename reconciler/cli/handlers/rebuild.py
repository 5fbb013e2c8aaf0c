"""``reconciler rebuild``: delete a dataset and create it again with exactly the desired entries."""

from __future__ import annotations

import argparse
import sys

from reconciler.cli.handlers.apply import record
from reconciler.cli.output.show import show
from reconciler.cli.output.terminal import out
from reconciler.cli.specs import overrides_of, reading, s3_place
from reconciler.cli.wiring import Wiring, connected
from reconciler.core.status.result import Verdict
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.rebuild.begin import Order
from reconciler.engine.usecases.rebuild.run import Rebuilt, rebuild, resume, undo
from reconciler.errors import SourceError, SpecError, UsageError
from reconciler.reports.visible import counted


def run(args: argparse.Namespace) -> int:
    """Run, resume or undo the rebuild of one dataset, and print the verified result."""
    order = None if args.resume or args.undo else _order(args)
    with reading(args, overrides_of(args)) as found, connected(args, read_only=False) as wiring:
        for broken in found.broken:
            raise SpecError(f"{broken.name} cannot be read; run validate to see why")
        if len(found.datasets) != 1:
            raise UsageError("rebuild works on one dataset: name it with --dataset")
        (desired,) = found.datasets
        done = _carry_out(desired, order, args, wiring)
        if not args.undo:
            record(wiring.memory, [done.result], found)
    undone = args.undo and done.result.verdict is Verdict.OBSERVED
    if args.output == "json" or not undone:
        show("apply", [done.result], args)
    if args.output == "text":
        _tell(done, undone=undone)
    return done.result.exit_code


def _carry_out(desired: Desired, order: Order | None, args: argparse.Namespace, wiring: Wiring) -> Rebuilt:
    rebuild_context = wiring.rebuild_context_of(desired)
    if args.undo:
        return undo(desired.name, rebuild_context)
    if not desired.usable:
        kind = SourceError if desired.exit_code is SourceError.exit_code else SpecError
        raise kind(each_dataset.plan_of_unusable(desired).errors[0].message)
    if order is None:
        return resume(desired, rebuild_context)
    return rebuild(desired, rebuild_context, order)


def _order(args: argparse.Namespace) -> Order:
    if not (args.plan_digest and args.bucket):
        raise UsageError("rebuild needs --plan-digest and --bucket; or --resume, or --undo")
    bucket, prefix = s3_place(args.bucket)
    return Order(args.plan_digest, bucket, prefix, args.yes)


def _tell(done: Rebuilt, *, undone: bool) -> None:
    """Print the outcome, and where the old entries are backed up."""
    known = done.rebuild
    if known is None or not done.result.verified:
        return
    if undone:
        what = "nothing had been changed, and the rebuild is cancelled"
        if known.new_arn is not None:
            what = (
                f"{counted(known.before.entries, 'entry is', 'entries are')} as before, in {done.result.arn}"
            )
        out(f"{known.dataset}  undone: {what}; plan compares them with git")
    else:
        out(f"  {counted(done.removed, 'entry', 'entries')} removed; the dataset is now {done.result.arn}")
        out(f"  the old entries are kept in s3://{known.bucket}/{known.key('before')}")
        out(f"  restore them with: reconciler restore --dataset {known.dataset} --snapshot {known.snapshot}")
    sys.stdout.flush()
