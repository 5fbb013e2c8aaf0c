"""Count what each dataset of a spec tree teaches. Offline; reads every line once more."""

from __future__ import annotations

from operator import itemgetter

import orjson

from reconciler.core.entries.training_view import meaning
from reconciler.core.planning.plan import errors_of
from reconciler.core.statistics import Balance, DatasetStatistics, DatasetTally, Statistics, splits
from reconciler.core.validation.dataset import check_dataset, check_pair
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases.spec_tree import Reading, train_and_test


def statistics_of(found: Reading) -> Statistics:
    """
    Return the statistics of every dataset.

    Raises:
        SourceError: A file has changed or vanished meanwhile.
    """
    counted = [(desired, _counted(desired)) for desired in found.datasets]
    broken = [DatasetStatistics(dataset.name, errors=errors_of(dataset.problems)) for dataset in found.broken]
    balances = tuple(
        Balance(ours, theirs, splits(ours.counts, theirs.counts), check_pair(train.facts, test.facts))
        for (train, ours), (test, theirs) in train_and_test(counted, itemgetter(0))
    )
    return Statistics((*(one for _, one in counted), *broken), balances, found.revision)


def _counted(desired: Desired) -> DatasetStatistics:
    tally = DatasetTally()
    for raw, _, _ in desired.usable_lines():
        tally.add(meaning(orjson.loads(raw)))
    project, kind = desired.target.identity
    return DatasetStatistics(
        desired.name,
        project,
        kind,
        tally.counts(),
        check_dataset(desired.facts, kind),
        errors_of(desired.errors),
    )
