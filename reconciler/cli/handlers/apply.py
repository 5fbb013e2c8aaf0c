"""``reconciler apply``: plan, check guards, send updates, verify."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from msgspec.structs import replace

from reconciler.cli.clock import SystemClock
from reconciler.cli.exits import Terminated
from reconciler.cli.output.show import (
    next_step,
    reason,
    results_exit_code,
    same_specs,
    show,
    show_on_stderr,
)
from reconciler.cli.output.terminal import TerminalProgress, confirm
from reconciler.cli.specs import change_selection_of, overrides_of, reading, require_credentials
from reconciler.cli.wiring import Wiring, connected
from reconciler.core.planning.plan import Plan, PlanError, unplanned
from reconciler.core.planning.withholding import ChangeSelection
from reconciler.core.status.conditions import advanced
from reconciler.core.status.judgement import judge
from reconciler.core.status.result import DatasetResult
from reconciler.engine.dataset import outcome
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.make_plan import Planned
from reconciler.engine.failure_reasons import facts_of
from reconciler.engine.log import log
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.apply_each import apply_each
from reconciler.engine.usecases.spec_tree import Reading
from reconciler.errors import Declined, Interrupted, ReconcilerError, StateError, UsageError
from reconciler.ports import Memory
from reconciler.reports.plan.saved import PlanRef, read_plan
from reconciler.reports.status import record as kept

OUTDATED = "the plan is outdated: the specs or the dataset have changed since; run plan again"

INTERRUPTED = "interrupted: an update that was sent is verified by the next apply, which waits for its end"


def run(args: argparse.Namespace) -> int:
    """Apply every selected dataset, and print the verified results."""
    results: list[DatasetResult] = []
    try:
        _apply(args, results)
    except (ReconcilerError, KeyboardInterrupt, Terminated) as exc:
        if results:  # report what was done before the failure
            show("apply", results, args, reason(exc))
        raise
    show("apply", results, args)
    next_step(args, *_suggest_next(results, args))
    return results_exit_code(results, detailed=args.detailed_exitcode)


def _suggest_next(results: Sequence[DatasetResult], args: argparse.Namespace) -> Iterator[str]:
    """Name what explains the first entry that is not in place, what is left to do, or what finds drift later."""
    specs = same_specs(args)
    named = next((e for r in results for e in (*r.quarantined, *r.dropped, *r.rejected)), None)
    if named is not None:
        local = " --local" if args.local else ""
        yield f"explain {shlex.quote(args.path)} {shlex.quote(named.source_ref)}{local}"
    elif any(result.left or result.errors for result in results):
        yield f"plan{specs}"
    elif any(result.updates for result in results):
        yield f"drift{specs}"


def _apply(args: argparse.Namespace, results: list[DatasetResult]) -> None:
    """Apply each dataset and append its result to *results* at once."""
    plan = _read_plan(Path(args.plan)) if args.plan else None
    selection = _selection(plan, change_selection_of(args))
    overrides = replace(overrides_of(args), selection=selection)
    if plan is not None:
        args.dataset = args.dataset or list(plan.datasets)
    with (
        reading(args, overrides, remember=True) as found,
        connected(args, read_only=False, checks_images=True) as wiring,
    ):
        require_credentials(wiring, found, args)
        try:
            if plan is None and asks(args):
                results.extend(_confirm_and_apply(found, wiring, args, selection))
            elif plan is None:
                results.extend(apply_each([(d, None) for d in found.datasets], wiring.context))
            else:
                results.extend(_exactly(plan, found, wiring))
        except (KeyboardInterrupt, Terminated):
            results.extend(_interrupted(found, results))
            raise
        results.extend(outcome.unplanned(each_dataset.broken(dataset)) for dataset in found.broken)
        record(wiring.memory, results, found)


def asks(args: argparse.Namespace) -> bool:
    """Return whether a person is asked before changes are sent: on a terminal, unless --yes or --plan is given."""
    return not (args.yes or args.plan) and sys.stdin.isatty() and sys.stdout.isatty()


def _selection(plan: PlanRef | None, given: ChangeSelection) -> ChangeSelection:
    """
    Return the selection of a saved plan; without one, what is given on the command line.

    Raises:
        UsageError: Another one is given on the command line.
    """
    if plan is None:
        return given
    if given and given != plan.selection:
        raise UsageError(
            "--plan applies the saved plan with the selection that it was made with; "
            "to select other changes, make another plan with --source-ref, --class or --label"
        )
    return plan.selection


def _confirm_and_apply(
    found: Reading, wiring: Wiring, args: argparse.Namespace, selection: ChangeSelection
) -> Iterator[DatasetResult]:
    """
    Show the plan on stderr and ask; then apply exactly that plan.

    Raises:
        Declined: The answer is not yes.
    """
    with _planned(found, wiring) as planned:
        plans = [each_dataset.detailed(desired, seen, wiring.context) for desired, seen in planned]
        if any(plan.applyable or plan.creation for plan in plans):
            if isinstance(wiring.progress, TerminalProgress):
                wiring.progress.pause()
            plans += map(each_dataset.broken, found.broken)
            show_on_stderr("plan", Plan(tuple(plans), found.revision, selection), args)
            if not confirm("Apply these changes?"):
                raise Declined("nothing was sent; --yes applies without a question")
        yield from apply_each(planned, wiring.context)


def _exactly(plan: PlanRef, found: Reading, wiring: Wiring) -> Iterable[DatasetResult]:
    """Plan every dataset first; apply only if the digest is that of the given plan."""
    with _planned(found, wiring) as planned:
        broken = map(each_dataset.broken, found.broken)
        now = Plan((*(seen.plan for _, seen in planned), *broken), found.revision)
        if now.digest == plan.digest:
            yield from apply_each(planned, wiring.context)
        else:
            yield from (outcome.outdated(seen.plan, OUTDATED) for _, seen in planned)


@contextmanager
def _planned(found: Reading, wiring: Wiring) -> Iterator[list[tuple[Desired, Planned]]]:
    """Yield every dataset with its plan, which stays open until all are applied."""
    with ExitStack() as stack:
        planned = []
        for desired, seen in each_dataset.open_plans(found.datasets, wiring.context):
            stack.enter_context(closing(seen))
            planned.append((desired, seen))
        yield planned


def _interrupted(found: Reading, results: Iterable[DatasetResult]) -> Iterable[DatasetResult]:
    """Yield an unknown result for every remaining dataset; one may have an update in flight."""
    known = {result.name for result in results}
    why = PlanError(Interrupted.code, INTERRUPTED)
    for name in (dataset.name for dataset in found.datasets if dataset.name not in known):
        yield outcome.unplanned(unplanned(name, (why,), Interrupted.exit_code))


def _read_plan(path: Path) -> PlanRef:
    try:
        return read_plan(path.read_bytes())
    except OSError as exc:
        raise UsageError(f"--plan {path}: {exc.strerror or exc}") from exc
    except UsageError as exc:
        raise UsageError(f"--plan {path}: {exc}") from exc


def record(memory: Memory, results: Iterable[DatasetResult], found: Reading) -> None:
    """
    Store the status of each dataset; an unchanged condition keeps its transition time.

    That it cannot be stored is logged only: the results are worth more than their memory.
    """
    at = SystemClock().now()
    partners = {one.name: [other.name for other in one.loaded.partners] for one in found.datasets}
    try:
        known = memory.statuses()
        for result in results:
            before = kept.conditions_in(known.get(result.name, {}))
            conditions, _ = advanced(before, judge(facts_of(result)), at)
            others = partners.get(result.name, ())
            memory.record(result.name, kept.record(result, at, found.revision, conditions, others))
    except StateError as exc:
        log.warning("status.unsaved", reason=str(exc))
