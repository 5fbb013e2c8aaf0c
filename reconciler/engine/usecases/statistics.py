"""Count what each dataset of a spec tree teaches. Offline; reads every line once more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import orjson

from reconciler.core.entries.entry import SOURCE_REF, Fields
from reconciler.core.entries.lines import iter_lines
from reconciler.core.entries.training_view import meaning
from reconciler.core.spec.choices import DatasetType
from reconciler.core.statistics import Balance, DatasetStatistics, Statistics, Tally, splits
from reconciler.core.validation import check_dataset, check_pair
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.planning import errors_of
from reconciler.engine.usecases.spec_tree import Reading


def statistics_of(found: Reading) -> Statistics:
    """
    Return the statistics of every dataset.

    Raises:
        SourceError: A file has changed or vanished meanwhile.
    """
    counted = [(desired, _counted(desired)) for desired in found.datasets]
    broken = [DatasetStatistics(dataset.name, errors=errors_of(dataset.problems)) for dataset in found.broken]
    return Statistics((*(one for _, one in counted), *broken), tuple(_balances(counted)), found.revision)


def _counted(desired: Desired) -> DatasetStatistics:
    tally = Tally()
    for fields in _usable(desired):
        tally.add(meaning(fields))
    project, kind = desired.target.identity
    return DatasetStatistics(
        desired.name,
        project,
        kind,
        tally.counts(),
        check_dataset(desired.facts, kind),
        errors_of(desired.problems),
    )


def _usable(desired: Desired) -> Iterator[Fields]:
    """Yield the usable lines, parsed; an image with two lines has none, since which is meant is not known."""
    index = desired.index
    for file in desired.loaded.files:
        with file.open() as stream:
            for raw, _, _ in iter_lines(stream):
                try:
                    fields = orjson.loads(raw)
                except ValueError:  # reported when it was indexed
                    continue
                source_ref = fields.get(SOURCE_REF) if isinstance(fields, dict) else None
                if isinstance(source_ref, str) and source_ref in index:
                    yield fields


def _balances(counted: Sequence[tuple[Desired, DatasetStatistics]]) -> Iterator[Balance]:
    for (train, ours), (test, theirs) in product(counted, counted):
        is_pair = (train.target.kind, test.target.kind) == (DatasetType.TRAIN, DatasetType.TEST)
        if is_pair and train.target.may_be_beside(test.target):
            yield Balance(
                ours, theirs, splits(ours.counts, theirs.counts), check_pair(train.facts, test.facts)
            )
