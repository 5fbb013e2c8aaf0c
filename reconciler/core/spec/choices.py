"""The enumerated values of spec fields."""

from __future__ import annotations

from enum import StrEnum


class DatasetType(StrEnum):
    TRAIN = "TRAIN"
    TEST = "TEST"


class Mode(StrEnum):
    """How far an apply may go on one dataset."""

    OBSERVE = "observe"
    CREATE_ONLY = "create-only"
    UPSERT = "upsert"


class OnChange(StrEnum):
    """What to do when git changed."""

    APPLY = "apply"
    PLAN = "plan"


class OnDrift(StrEnum):
    """What to do when AWS changed, outside git."""

    REVERT = "revert"
    REPORT = "report"


class Compare(StrEnum):
    """Which differences count."""

    EXACT = "exact"
    LABELS = "labels"


class Orphans(StrEnum):
    """What to do with entries that are observed but not desired."""

    REPORT = "report"
    BLANK = "blank"
    REBUILD = "rebuild"


class DriftClass(StrEnum):
    """Kinds of difference, the most severe first: what costs a model most, or cannot be trained on at all."""

    ERRORED = "errored"  # AWS marks it with errors
    MISSING = "missing"  # desired, but not in AWS
    RELABELLED = "relabelled"  # other labels, of the image or of a box
    BOX_REMOVED = "box_removed"
    BOX_ADDED = "box_added"
    BOX_MOVED = "box_moved"
    UNMANAGED = "unmanaged"  # in AWS, but not desired
    METADATA_ONLY = "metadata_only"  # what training uses is the same, except perhaps the image size
