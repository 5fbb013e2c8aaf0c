"""``reconciler plan``: show what an apply would do. Makes no call that writes; writes only --out and caches."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from reconciler.cli.output.files import write_whole
from reconciler.cli.output.show import next_step, note, reason, rendered, same_specs, show
from reconciler.cli.specs import change_selection_of, overrides_of, reading, require_credentials
from reconciler.core.planning.plan import DatasetPlan, Plan
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.spec_tree import Reading
from reconciler.errors import Exit, OutputError, UsageError, gravest


def run(args: argparse.Namespace) -> int:
    """Print the plan of every selected dataset, even if some could not be planned."""
    overrides = replace(overrides_of(args), selection=change_selection_of(args))
    with reading(args, overrides) as found:
        plans = (*_plans(found, args), *map(each_dataset.broken, found.broken))
        plan = Plan(plans, found.revision, overrides.selection)
    try:
        if args.out:
            pieces = rendered("plan", "json", plan, args)
            # For its owner alone: it holds labels, and the account.
            write_whole(Path(args.out), lambda target: target.writelines(pieces), mode=0o600)
    except OutputError as exc:  # still print the plan
        show("plan", plan, args, reason(exc))
        raise
    show("plan", plan, args)
    is_applyable = any(one.applyable or one.creation for one in plan.datasets)
    if args.out:
        how = f"; apply it with: reconciler apply{_again(args)}" if is_applyable else ""
        note(args, f"Saved to {args.out}{how}")
    elif is_applyable and not args.observed:
        next_step(args, f"apply{same_specs(args)}")
    return exit_code(plan, detailed=args.detailed_exitcode)


def _again(args: argparse.Namespace) -> str:
    """Return the arguments of the apply that carries the saved plan out."""
    guards = "".join(
        f" --{name}"
        for name in ("allow-protected", "allow-leakage", "allow-frozen")
        if vars(args)[name.replace("-", "_")]
    )
    return f"{same_specs(args)} --plan {shlex.quote(args.out)}{guards}"


def _plans(found: Reading, args: argparse.Namespace) -> Iterator[DatasetPlan]:
    if args.observed:
        yield from _against_file(found, Path(args.observed))
        return
    from reconciler.cli.wiring import connected  # loads the AWS SDK

    with connected(args, read_only=True, checks_images=True) as wiring:
        require_credentials(wiring, found, args)
        yield from each_dataset.plan_each(found.datasets, wiring.context)


def _against_file(found: Reading, path: Path) -> Iterator[DatasetPlan]:
    """
    Plan one dataset against a listing in a file; yield nothing if its document is broken.

    Raises:
        UsageError: Not exactly one dataset is selected.
    """
    names = [*(dataset.name for dataset in found.datasets), *(dataset.name for dataset in found.broken)]
    if len(names) != 1:
        raise UsageError(f"--observed needs one dataset; choose with --dataset: {', '.join(names)}")
    for desired in found.datasets:
        yield each_dataset.plan_against(desired, path)


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """Return the gravest exit code; pending changes and drift count only if *detailed*."""
    codes = [dataset.exit_code for dataset in plan.datasets]
    if detailed:
        codes += [Exit.PENDING for dataset in plan.datasets if dataset.pending]
        codes += [Exit.DRIFT for dataset in plan.datasets if dataset.drifted]
    return gravest(codes)
