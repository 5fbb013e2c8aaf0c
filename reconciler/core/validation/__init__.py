"""
Validation of lines and datasets against the rules of AWS, without calling AWS.

A rule is one function that never raises and never repairs; it returns problems, under AWS's own code where
there is one. An error is what the service would drop silently, refuse or mark; a warning is what training
would ignore, or what is suspicious. `line` defines the order of the rules; `fast` is a shortcut for clean
lines.
"""

from reconciler.core.validation.checked_line import CheckedLine, LabelKinds
from reconciler.core.validation.dataset import (
    DatasetFacts,
    check_dataset,
    check_pair,
    duplicate_source_ref,
    image_in_train_and_test,
)
from reconciler.core.validation.line import LineChecker, check_line

__all__ = [
    "CheckedLine",
    "DatasetFacts",
    "LabelKinds",
    "LineChecker",
    "check_dataset",
    "check_line",
    "check_pair",
    "duplicate_source_ref",
    "image_in_train_and_test",
]
