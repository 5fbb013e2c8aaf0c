"""
Rules across entries and datasets: repeated images, and the overlap of training and test dataset.

Callers detect the repeated source-refs; this module builds the problems about them.
"""

from __future__ import annotations

from typing import Final

from reconciler.core.validation.codes import Code
from reconciler.core.validation.dataset import DatasetFacts
from reconciler.core.validation.problem import Origin, Problem
from reconciler.core.validation.verdict import error, shown, some, warning

_MIN_LABEL_OVERLAP: Final = 0.50  # validation rules page: common labels / training labels


def duplicate_source_ref(ref: str, other: Origin | None) -> Problem:
    """Return the error that an image is in a dataset twice; *other* is its other place, if known."""
    place = "another line" if other is None else str(other)
    return error(Code.DUPLICATE_SOURCE_REF, f"{shown(ref)} is also in {place}: an image may appear once only")


def image_in_train_and_test(ref: str, other: Origin) -> Problem:
    """Return the warning that an image is in both datasets of a project; *other* is its other place."""
    text = f"{shown(ref)} is also in {other}: an image should not be in both TRAIN and TEST"
    return warning(Code.IMAGE_IN_TRAIN_AND_TEST, text)


def check_pair(train: DatasetFacts, test: DatasetFacts) -> tuple[Problem, ...]:
    """Check that the test dataset has enough of the training labels; no problem if either has no label."""
    if not train.labels or not test.labels:
        return ()
    common = train.labels.keys() & test.labels.keys()
    if len(common) >= _MIN_LABEL_OVERLAP * len(train.labels):
        return ()
    missing = sorted(train.labels.keys() - common)
    text = f"the test dataset has {len(common)} of the {len(train.labels)} training labels"
    wanted = f"training wants {_MIN_LABEL_OVERLAP:.0%} or more; missing are {some(missing)}"
    return (warning(Code.INSUFFICIENT_LABEL_OVERLAP, f"{text}; {wanted}"),)
