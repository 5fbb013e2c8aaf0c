"""Compare the datasets of two spec trees. Offline: AWS is not asked, and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from reconciler.core.drift.report import classes
from reconciler.core.entries.entry import Fields
from reconciler.core.entries.equality import FieldChange, field_changes_at, value_changes
from reconciler.core.entries.image_view import LabelTally, view_of
from reconciler.core.entries.index import Index
from reconciler.core.planning.compare import compare
from reconciler.core.planning.diff import Action, Change, Diff
from reconciler.core.planning.plan import MAX_VIEWS, PlanError, errors_of
from reconciler.core.revision_diff import DatasetDiff, DatasetState, ImageAction, ImageChange, RevisionCounts
from reconciler.core.validation.problem import Origin, Problem
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases.spec_tree import Reading
from reconciler.errors import Exit, SourceError, exit_code_of_problems

_ACTIONS: Final = {
    Action.ADD: ImageAction.ADDED,
    Action.UPDATE: ImageAction.CHANGED,
    Action.ORPHAN: ImageAction.REMOVED,
}


def diff_specs(before: Reading, after: Reading) -> tuple[DatasetDiff, ...]:
    """Compare the datasets of two trees, by name, or by target where only the name differs."""
    compared = [_compared(ours, theirs) for ours, theirs in _pairs(before, after)]
    broken = {dataset.name: dataset for side in (before, after) for dataset in side.broken}
    for name, dataset in broken.items():
        errors = errors_of(_problems(name, before, after))
        compared.append(_unknown(name, dataset.origin, errors, Exit.INVALID))
    return tuple(sorted(compared, key=lambda dataset: dataset.name))


def unassigned(found: Iterable[DatasetDiff], *sides: Reading) -> tuple[Problem, ...]:
    """Return the errors of the trees that no dataset names."""
    named = {(error.message, error.origin) for dataset in found for error in dataset.errors}
    problems = (problem for side in sides for problem in side.problems if problem.is_error)
    errors = ((problem, error) for problem in problems for error in errors_of([problem]))
    return tuple(problem for problem, error in errors if (error.message, error.origin) not in named)


def _problems(name: str, *sides: Reading) -> Iterator[Problem]:
    for side in sides:
        for dataset in side.datasets:
            yield from dataset.problems if dataset.name == name else ()
        for broken in side.broken:
            yield from broken.problems if broken.name == name else ()


def _pairs(before: Reading, after: Reading) -> Iterator[tuple[Desired | None, Desired | None]]:
    """
    Yield both sides of each dataset; None where a dataset is not declared.

    A dataset of which one side cannot be read is in no pair: what becomes of it is unknown.
    """
    old, new = ({dataset.name: dataset for dataset in side.datasets} for side in (before, after))
    broken = {dataset.name for side in (before, after) for dataset in side.broken}
    renamed = _renamed(
        [dataset for name, dataset in old.items() if name not in new and name not in broken],
        [dataset for name, dataset in new.items() if name not in old and name not in broken],
    )
    for name, dataset in new.items():
        if name not in broken:
            yield old.get(name) or renamed.get(name), dataset
    gone = {dataset.name for dataset in renamed.values()}
    for name, dataset in old.items():
        if name not in new and name not in gone and name not in broken:
            yield dataset, None


def _renamed(gone: Iterable[Desired], new: Iterable[Desired]) -> Mapping[str, Desired]:
    """Return the new names of datasets that keep their target, with what they were."""
    by_target = {_identity(dataset): dataset for dataset in gone}
    return {dataset.name: by_target[_identity(dataset)] for dataset in new if _identity(dataset) in by_target}


def _identity(dataset: Desired) -> tuple[object, ...]:
    target = dataset.target
    return target.identity, target.home_region, target.home_account


def _compared(before: Desired | None, after: Desired | None) -> DatasetDiff:
    known = after or before
    if known is None:
        raise ValueError("a dataset is declared on one side at least")
    sides = [side for side in (before, after) if side is not None]
    errors = errors_of(problem for side in sides for problem in side.problems)
    code = exit_code_of_problems(error.code for error in errors)
    if not all(side.usable for side in sides):
        return _unknown(known.name, known.loaded.origin, errors, code)
    try:
        return _Comparing(before, after, known, errors, code).run()
    except SourceError as exc:  # a file of the working tree was changed meanwhile
        errors = (*errors, PlanError(exc.code, str(exc)))
        return _unknown(known.name, known.loaded.origin, errors, exc.exit_code)


def _unknown(name: str, origin: Origin, errors: tuple[PlanError, ...], code: Exit) -> DatasetDiff:
    return DatasetDiff(name, DatasetState.UNKNOWN, origin, errors=errors, error_code=code)


class _Comparing:
    """Compares one dataset of which at least one side is declared."""

    def __init__(
        self,
        before: Desired | None,
        after: Desired | None,
        known: Desired,
        errors: tuple[PlanError, ...],
        code: Exit,
    ) -> None:
        self._before = before
        self._after = after
        self._known = known
        self._errors = errors
        self._code = code
        self._tally = LabelTally()
        self._explained = 0

    def run(self) -> DatasetDiff:
        diff = self._diff()
        unknown = self._before.index.void if self._before else frozenset()
        changes = tuple(self._image(change) for change in diff.changes if change.source_ref not in unknown)
        was = self._before.name if self._before and self._before.name != self._known.name else None
        settings = _settings(self._before, self._after) if self._before and self._after else ()
        return DatasetDiff(
            name=self._known.name,
            state=self._state(differs=bool(changes or settings or was)),
            origin=self._known.loaded.origin,
            was=was,
            numbers=self._numbers(diff, changes),
            settings=settings,
            labels=self._tally.balances(),
            changes=changes,
            errors=self._errors,
            error_code=self._code,
        )

    def _diff(self) -> Diff:
        lines = self._before.usable_lines() if self._before else ()
        index = self._after.index if self._after else Index()
        return compare(index, lines, self._known.read, self._known.equality)

    def _state(self, *, differs: bool) -> DatasetState:
        if self._before is None:
            return DatasetState.ADDED
        if self._after is None:
            return DatasetState.REMOVED
        if differs:
            return DatasetState.CHANGED
        return DatasetState.UNKNOWN if self._errors else DatasetState.SAME

    def _numbers(self, diff: Diff, changes: Sequence[ImageChange]) -> RevisionCounts:
        found = Counter(change.action for change in changes)
        return RevisionCounts(
            before=len(self._before.index) if self._before else 0,
            after=len(self._after.index) if self._after else 0,
            added=found[ImageAction.ADDED],
            changed=found[ImageAction.CHANGED],
            removed=found[ImageAction.REMOVED],
            unchanged=diff.unchanged,
            ignored=len(diff.ignored),
        )

    def _image(self, change: Change) -> ImageChange:
        before, old = _entry(self._before, change.source_ref)
        after, new = _entry(self._after, change.source_ref)
        fields: tuple[FieldChange, ...] = ()
        if old is not None and new is not None:
            new = self._known.equality.merged(new, old)
            fields = field_changes_at(self._explained)(old, new)
            self._explained += 1
        action, seen = _ACTIONS[change.action], view_of(old, new)
        self._tally.add(seen)
        if action is not ImageAction.CHANGED:
            return ImageChange(action, change.source_ref, before, after)
        view = seen if self._explained <= MAX_VIEWS else None
        kinds = classes(seen, errored=False)
        return ImageChange(action, change.source_ref, before, after, kinds, fields, view)


def _entry(side: Desired | None, source_ref: str) -> tuple[Origin | None, Fields | None]:
    """Return the place and the content of an entry; None where it is not desired."""
    row = None if side is None else side.index.row(source_ref)
    if side is None or row is None:
        return None, None
    place = side.index.place(row)
    fields: Fields = orjson.loads(side.read(source_ref, place))
    return side.origin_of(place), fields


def _settings(before: Desired, after: Desired) -> tuple[FieldChange, ...]:
    return value_changes(_document(before), _document(after))


def _document(side: Desired) -> dict[str, Any]:
    """Return the document of a dataset without its name, and without the files, whose entries are compared."""
    document = side.loaded.spec.model_dump(mode="json", by_alias=True)
    document["metadata"].pop("name")
    document["spec"].pop("entries")
    return document
