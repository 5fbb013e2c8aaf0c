"""``reconciler doctor``: check what plan and apply need. Makes no call that writes."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler.cli.output.show import next_step, same_specs, show
from reconciler.cli.specs import reading
from reconciler.cli.wiring import CallSettings, connected
from reconciler.core import preflight
from reconciler.core.preflight import Check, CheckResult, DatasetPreflight, Mark, Preflight
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases.doctor import examine, examine_broken, unclaimed
from reconciler.engine.usecases.spec_tree import Reading
from reconciler.errors import Exit, SourceError, StateError
from reconciler.ports import Access
from reconciler.sources.git.revision import check_git
from reconciler.state.fitness import check_state

# A diagnosis should be fast: three failed attempts in a row are enough.
_IMPATIENT = CallSettings(attempts=3)


def run(args: argparse.Namespace) -> int:
    """Print the results of all checks, even if the specs cannot be read."""
    results = [check_state(Path(args.state_dir))]
    if git := check_git(Path(args.path)):
        results.append(git)
    datasets: tuple[DatasetPreflight, ...] = ()
    try:
        with reading(args) as found:
            results += unclaimed(found, args.path)
            datasets, clock = _examined(found, args)
            results.append(clock)
    except SourceError as exc:
        results.append(CheckResult(Check.SPECS, Mark.FAILED, str(exc), "", exc.code, exc.exit_code))
    preflight = Preflight(tuple(results), datasets)
    show("doctor", preflight, args)
    if preflight.exit_code is Exit.DONE:
        next_step(args, f"plan{same_specs(args)}")
    return preflight.exit_code


def _examined(found: Reading, args: argparse.Namespace) -> tuple[tuple[DatasetPreflight, ...], CheckResult]:
    broken = tuple(examine_broken(dataset, args.path) for dataset in found.broken)
    try:
        with connected(args, read_only=True, calling=_IMPATIENT) as wiring:
            seen = tuple(
                examine(desired, wiring.access_of, wiring.memory, args.path) for desired in found.datasets
            )
            return (*seen, *broken), preflight.clock(wiring.skew.seconds)
    except StateError as exc:
        if not args.local:  # AWS can still be checked, without the stored state
            with TemporaryDirectory(prefix="reconciler-") as empty:
                return _examined(found, argparse.Namespace(**{**vars(args), "state_dir": empty}))
        reason = exc  # `exc` is unbound after the clause

        def no_access(_: Desired) -> Access:
            raise reason

        seen = tuple(examine(desired, no_access, None, args.path) for desired in found.datasets)
        return (*seen, *broken), preflight.clock(None)
