"""
Is a line, or a dataset, valid for AWS? As far as that can be known without asking AWS.

Its law: a rule never raises and never repairs. It returns problems, under AWS's own codes where AWS has
one: an error is what the service would drop without a word, refuse, or mark; a warning is what training
would ignore, or what only looks odd. One function a rule; `line` knows their order, `fast` their shortcut.
"""

from reconciler.core.validation.across import (
    check_pair,
    duplicate_source_ref,
    image_in_train_and_test,
)
from reconciler.core.validation.alike import LineChecker
from reconciler.core.validation.dataset import DatasetFacts, check_dataset
from reconciler.core.validation.line import check_line
from reconciler.core.validation.verdict import Checked, Kind, LineProblem

__all__ = [
    "Checked",
    "DatasetFacts",
    "Kind",
    "LineChecker",
    "LineProblem",
    "check_dataset",
    "check_line",
    "check_pair",
    "duplicate_source_ref",
    "image_in_train_and_test",
]
