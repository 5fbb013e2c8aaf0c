"""``reconciler restore``: restore overwritten entries from a backup, by a plan with all guards."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from reconciler.cli.exits import say
from reconciler.cli.flags import DEFAULT_PATH
from reconciler.cli.output.show import next_step, same_specs, show
from reconciler.cli.output.terminal import out
from reconciler.cli.specs import named_dataset, overrides_of
from reconciler.core.planning.plan import Plan
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.apply_each import apply_each
from reconciler.engine.usecases.restore import BackupFile, as_desired, backups_of, choose
from reconciler.errors import Exit, UsageError, gravest
from reconciler.reports.visible import counted, size
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from reconciler.state import State


def run(args: argparse.Namespace) -> int:
    """Plan or apply the restore of a backup, or list the backups."""
    if args.list:
        name = _backups_of(args)
        with State(Path(args.state_dir), read_only=True) as state:
            _show(name, backups_of(name, state), as_json=args.output == "json")
        return Exit.DONE
    from reconciler.cli.wiring import connected  # loads the AWS SDK

    args.path = args.path or DEFAULT_PATH
    loaded, revision = named_dataset(args)
    with connected(args, read_only=not args.apply) as wiring:
        file = choose(backups_of(loaded.name, wiring.memory), args.snapshot)
        with closing(as_desired(loaded, file, overrides_of(args), revision)) as desired:
            return _carry_out(desired, args, wiring.context)


def _backups_of(args: argparse.Namespace) -> str:
    """Return the dataset whose snapshots are listed; it may be gone from the specs."""
    if args.path is not None:
        opened = open_path(Path(args.path))
        load(opened.tree, opened.only)
    if len(args.dataset) != 1:
        raise UsageError("--list needs one dataset: name it with --dataset")
    return str(args.dataset[0])


def _carry_out(desired: Desired, args: argparse.Namespace, context_of: each_dataset.Contexts) -> int:
    if not args.apply:
        plan = Plan(tuple(each_dataset.plan_each([desired], context_of)), desired.revision)
        show("plan", plan, args)
        chosen = f" --snapshot {args.snapshot}" if args.snapshot else ""
        if any(dataset.applyable for dataset in plan.datasets):
            next_step(args, f"restore{same_specs(args)}{chosen} --apply")
        return gravest([dataset.exit_code for dataset in plan.datasets])
    results = list(apply_each([(desired, None)], context_of))
    show("apply", results, args)
    if any(result.added or result.updated for result in results):
        say("git does not know of a restore: if it still declares other content, the next apply sends that")
    return gravest([result.exit_code for result in results])


def _show(name: str, files: Sequence[BackupFile], *, as_json: bool) -> None:
    found = [file.saved for file in files]
    if as_json:
        kept = [{"id": s.id, **s.head._asdict(), "bytes": s.size} for s in found]
        out(json.dumps({"format": "snapshots/v1", "dataset": name, "snapshots": kept}, indent=2))
        return
    for saved in found:
        moment = datetime.fromtimestamp(saved.head.at, UTC)
        entries = counted(saved.head.entries, "entry", "entries")
        out(f"{saved.id}  {moment:%Y-%m-%d %H:%M:%S} UTC  {entries}, {size(saved.size)}")
    if not found:
        out(f"There is no backup of {name}.")
