"""Read a whole spec tree: every selected dataset, and the problems across datasets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, product
from typing import Final, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Acknowledgement
from reconciler.core.validation.dataset import FullScan, check_pair, image_in_train_and_test, scans_over_quota
from reconciler.core.validation.judged.warned import Warnings
from reconciler.core.validation.problem import Origin, Problem, by_place
from reconciler.engine.dataset.context import NO_OVERRIDES, Overrides
from reconciler.engine.dataset.desired import Desired, unread
from reconciler.engine.log import log
from reconciler.engine.usecases.read_in_parallel import read_each
from reconciler.engine.usecases.reading import name_of, problems_of_lines, read_lines, recall
from reconciler.errors import UsageError
from reconciler.ports import BrokenDataset, JudgedFiles, LoadedDataset, Specs

T = TypeVar("T")

MAX_APART: Final = 8
"""How many training datasets are remembered to share no image with a test dataset; a project has one."""


class Selection(Struct, frozen=True):
    """
    Which datasets a command is about; the default is all.

    Attributes:
        names: ``metadata.name``, any of them.
        labels: ``metadata.labels``, all of them.
    """

    names: Collection[str] = ()
    labels: Mapping[str, str] | None = None

    def __contains__(self, dataset: LoadedDataset) -> bool:
        return (not self.names or dataset.name in self.names) and self._fits(dataset.spec.metadata.labels)

    def may_hold(self, dataset: BrokenDataset, missing: Collection[str]) -> bool:
        """
        Return whether a dataset whose document cannot be read may be one of the selected.

        Args:
            missing: Names that were asked for, and that no other dataset has.
        """
        by_name = not self.names or dataset.name in self.names or (bool(missing) and not dataset.named)
        return by_name and (dataset.labels is None or self._fits(dataset.labels))

    def _fits(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key) == value for key, value in (self.labels or {}).items())


@dataclass(frozen=True)
class Reading:
    """
    A spec tree, read.

    Attributes:
        broken: Datasets whose documents could not be read at all.
        of_tree: What is wrong with documents and files of the tree.
        across: What is wrong across datasets.
        acknowledgements: Of expected drift, in any dataset.
        skipped: YAML files, and documents in them, that are not ours.
    """

    datasets: tuple[Desired, ...]
    broken: tuple[BrokenDataset, ...]
    of_tree: tuple[Problem, ...]
    across: tuple[Problem, ...]
    revision: str | None
    acknowledgements: tuple[Acknowledgement, ...] = ()
    skipped: tuple[Origin, ...] = ()

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong anywhere in the tree, once each, ordered by place."""
        return tuple(sorted(dict.fromkeys(chain(self.noted, *self.warnings)), key=by_place))

    @property
    def noted(self) -> tuple[Problem, ...]:
        """Return `problems` without `warnings`, in any order."""
        read, broken = (dataset.noted for dataset in self.datasets), (one.problems for one in self.broken)
        shared = chain.from_iterable(self._warnings[1])
        return tuple(dict.fromkeys(chain(self.of_tree, *read, *broken, self.across, shared)))

    @property
    def warnings(self) -> Sequence[Warnings]:
        """Return those of usable lines, file by file, except for files that several datasets share."""
        return self._warnings[0]

    @cached_property
    def _warnings(self) -> tuple[Sequence[Warnings], Sequence[Warnings]]:
        found = [*chain.from_iterable(dataset.warnings for dataset in self.datasets)]
        uses = Counter(one.file for one in found)
        return [one for one in found if uses[one.file] == 1], [one for one in found if uses[one.file] > 1]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return the errors among them; warnings of lines are not even computed."""
        read, broken = (dataset.errors for dataset in self.datasets), (one.problems for one in self.broken)
        found = dict.fromkeys(chain(self.of_tree, *read, *broken, self.across))
        return tuple(sorted((problem for problem in found if problem.is_error), key=by_place))

    def close(self) -> None:
        for dataset in self.datasets:
            dataset.close()


def select(specs: Specs, selection: Selection) -> Specs:
    """
    Return the selected part of a tree; see `select_each`.

    Raises:
        UsageError: No dataset has a name that was asked for, or the labels that were asked for.
    """
    (part,) = select_each((specs,), selection)
    return part


def select_each(sides: Sequence[Specs], selection: Selection) -> tuple[Specs, ...]:
    """
    Return the selected part of each revision of a tree, with the problems of that part.

    A broken dataset is part of every selection that does not clearly exclude it: what cannot be read must not look
    as if it were not there.

    Raises:
        UsageError: At none of the revisions does a dataset have a name, or the labels, that were asked for.
    """
    if not (selection.names or selection.labels):
        return tuple(sides)
    everything = {name for specs in sides for name in names(specs)}
    absent = set(selection.names) - everything
    parts = tuple(_part(specs, selection, absent) for specs in sides)
    found = {name for part in parts for name in names(part)}
    unnamed = any(not dataset.named for part in parts for dataset in part.broken)  # each may be one asked for
    if (missing := sorted(set(selection.names) - found)) and not (unnamed and absent):
        raise UsageError(_absent(missing, sorted(everything)))
    if not found:
        asked = ", ".join(f"{key}={value}" for key, value in (selection.labels or {}).items())
        raise UsageError(f"no dataset has the labels {asked}; there are: {', '.join(sorted(everything))}")
    return parts


def _part(specs: Specs, selection: Selection, absent: Collection[str]) -> Specs:
    chosen = tuple(dataset for dataset in specs.datasets if dataset in selection)
    broken = tuple(dataset for dataset in specs.broken if selection.may_hold(dataset, absent))
    problems = dict.fromkeys(p for dataset in chosen for p in dataset.problems)
    problems |= dict.fromkeys(p for dataset in broken for p in dataset.problems)
    return replace(specs, datasets=chosen, broken=broken, problems=tuple(sorted(problems, key=by_place)))


def _absent(missing: Sequence[str], known: Sequence[str]) -> str:
    """Say that no dataset has these names, and which are the nearest."""
    text = f"no dataset is called {', '.join(missing)}"
    if any("," in name and set(name.split(",")) <= set(known) for name in missing):
        return f"{text}; repeat the flag: --dataset {' --dataset '.join(','.join(missing).split(','))}"
    from difflib import get_close_matches  # only a hint needs it

    by_fold = {name.casefold(): name for name in known}
    near = [close for name in missing for close in get_close_matches(name.casefold(), by_fold, n=1)]
    if len(near) == len(missing):
        return f"{text}; did you mean {', '.join(by_fold[fold] for fold in near)}?"
    return f"{text}; there are: {', '.join(known)}"


def names(specs: Specs) -> list[str]:
    """Return the names of all datasets, the broken ones included, sorted."""
    return sorted(
        [*(dataset.name for dataset in specs.datasets), *(dataset.name for dataset in specs.broken)]
    )


def log_skipped(specs: Specs) -> None:
    """Log each document that was skipped as the YAML of another program."""
    for origin in specs.skipped:
        log.debug("spec.skipped", place=str(origin))


def read(specs: Specs, overrides: Overrides = NO_OVERRIDES, judged: JudgedFiles | None = None) -> Reading:
    """
    Read every dataset, line by line.

    Args:
        judged: What was checked before, as for `reading.read_desired`.
    """
    recalled = [recall(one, overrides, specs.revision, judged) for one in specs.datasets]
    rest = read_each(
        [one for one, known in zip(specs.datasets, recalled, strict=True) if known is None],
        partial(read_lines, overrides=overrides, revision=specs.revision, judged=judged),
        partial(unread, overrides=overrides, revision=specs.revision),
    )
    others = iter(rest)
    datasets = tuple(next(others) if known is None else known for known in recalled)
    broken = tuple(map(_read_broken, specs.broken))
    scans = (full_scan(desired.loaded, desired.entries) for desired in datasets)
    across = (*_judge_across(datasets, judged), *scans_over_quota(scans))
    return Reading(
        datasets, broken, specs.problems, across, specs.revision, specs.acknowledgements, specs.skipped
    )


def full_scan(loaded: LoadedDataset, entries: int) -> FullScan:
    """Return the regular listing of a dataset with this number of entries."""
    target, schedule = loaded.target, loaded.schedule
    most, interval = schedule.full_scan_max_age_seconds, schedule.longest_interval_seconds
    return FullScan(target.home_account, target.home_region, entries, most, interval, loaded.origin)


def _read_broken(dataset: BrokenDataset) -> BrokenDataset:
    """Return a broken dataset with the problems of its lines."""
    problems = {*dataset.problems, *problems_of_lines(dataset)}
    return replace(dataset, problems=tuple(sorted(problems, key=by_place)))


def _judge_across(datasets: Collection[Desired], judged: JudgedFiles | None) -> Iterator[Problem]:
    """Judge the training and the test dataset of each project together."""
    for train, test in train_and_test(datasets, lambda dataset: dataset):
        for problem in check_pair(train.facts, test.facts):
            yield problem.at(test.loaded.origin, None)
        if not test.is_apart_from(train):
            yield from _leaks(train, test, judged)


def train_and_test(found: Collection[T], desired_of: Callable[[T], Desired]) -> Iterator[tuple[T, T]]:
    """Yield what belongs to the training and to the test dataset of each project."""
    by_kind = {kind: [one for one in found if desired_of(one).target.kind is kind] for kind in DatasetType}
    for train, test in product(by_kind[DatasetType.TRAIN], by_kind[DatasetType.TEST]):
        if desired_of(train).target.may_be_beside(desired_of(test).target):
            yield train, test


def _leaks(train: Desired, test: Desired, judged: JudgedFiles | None) -> Iterator[Problem]:
    shared = sorted(train.index.source_refs & test.index.source_refs)
    if not shared:
        _remember_apart(train, test, judged)
    for source_ref in shared:
        here, there = test.origin_of_ref(source_ref), train.origin_of_ref(source_ref)
        if here is not None and there is not None:
            yield image_in_train_and_test(source_ref, there).at(here, source_ref)


def _remember_apart(train: Desired, test: Desired, judged: JudgedFiles | None) -> None:
    """Remember that two datasets, as they were read, have no image in common."""
    if judged is None or judged.read_only or train.key is None or test.key is None:
        return
    known = judged.dataset(name_of(test.loaded))
    if known is not None and known.key == test.key:
        apart = (*known.apart[1 - MAX_APART :], train.key)
        judged.put_dataset(name_of(test.loaded), msgspec.structs.replace(known, apart=apart))
