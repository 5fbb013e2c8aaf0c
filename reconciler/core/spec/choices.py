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
    """Kinds of difference, the one that changes most of what training sees first."""

    MISSING = "missing"  # desired, but not in AWS
    UNMANAGED = "unmanaged"  # in AWS, but not desired
    RELABELLED = "relabelled"  # other labels, of the image or of a box
    BOX_MOVED = "box_moved"
    BOX_ADDED = "box_added"
    BOX_REMOVED = "box_removed"
    METADATA_ONLY = "metadata_only"  # what training uses is the same, except perhaps the image size
    ERRORED = "errored"  # AWS marks it with errors
