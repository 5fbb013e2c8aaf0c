"""Decide whether an operation on a dataset fails, and perform distributions."""

from __future__ import annotations

import random
from typing import Final, NamedTuple

from reconciler.emulator.api.lifecycle import Operation
from reconciler.emulator.behaviour.judge import Tally
from reconciler.emulator.behaviour.switches import DistributeBase, InvalidBase, MissingImages, Verdict
from reconciler.emulator.storage import entries
from reconciler.emulator.storage.context import Context

MAX_MANIFEST_BYTES: Final = 1_000_000_000
MAX_INVALID_SHARE: Final = 0.20

# Maximum entries of a TRAIN and a TEST dataset in Regions with lower limits (limits page).
_SMALL_REGIONS: Final = {"ap-south-1": (28_000, 7_000), "eu-west-2": (28_000, 7_000)}


class Failure(NamedTuple):
    """
    The failure of an operation.

    Attributes:
        code: SERVICE_ERROR or CLIENT_ERROR.
    """

    code: str
    message: str


def _refused(message: str) -> Failure:
    return Failure("CLIENT_ERROR", message)


# Messages from the developer guide, "Terminal file errors".
BAD_MANIFEST: Final = _refused("The manifest file extension or contents are invalid.")
MANIFEST_TOO_LARGE: Final = _refused("The manifest file size exceeds the maximum supported size.")
TOO_MANY_ROWS: Final = _refused("The manifest file has too many rows.")
TOO_MANY_RECORDS_IN_ERROR: Final = _refused("The manifest file has too many terminal errors.")
TOO_MANY_LABELS: Final = _refused("The manifest file has too many labels.")
TOO_FEW_LABELS: Final = _refused("The manifest file has too few labels.")
TOO_FEW_TO_DISTRIBUTE: Final = _refused(
    "The manifest file doesn't have enough labeled images to distribute the dataset."
)
# Developer guide, "Terminal manifest content errors".
SEVERAL_BUCKETS: Final = _refused("The manifest file contains images from multiple S3 buckets.")
EMPTY_MANIFEST: Final = _refused("The manifest file is empty.")
# Invented; not documented.
SOURCE_FAILED: Final = _refused("The source dataset could not be created.")
SOURCE_GONE: Final = _refused("The source dataset was deleted.")


def ordered(op: Operation) -> Failure | None:
    """Return the failure that a fault assigned to the operation when it started."""
    failure = op.arguments.get("failure")
    return Failure(*failure) if failure else None


def refusal(op: Operation) -> Failure | None:
    """Return the failure of a submission with a wrong extension or size, else None."""
    if not op.arguments.get("extension", True):
        return BAD_MANIFEST
    if op.size > MAX_MANIFEST_BYTES:
        return MANIFEST_TOO_LARGE
    return None if op.size else EMPTY_MANIFEST


def objection(
    context: Context, op: Operation, tally: Tally, before: entries.Stats, bucket: str | None
) -> Failure | None:
    """Return the failure if the result of a submission is invalid and must be rolled back, else None."""
    stats = entries.stats(context.store, op.dataset)
    if _too_many_dropped(context, tally, before) or _too_many_missing(context, op, tally, stats):
        return TOO_MANY_RECORDS_IN_ERROR
    one_bucket = len(tally.buckets | {bucket} - {None}) <= 1
    if not one_bucket and context.settings.switches.several_buckets is Verdict.ERROR:
        return SEVERAL_BUCKETS
    if stats.total > _most_entries(context, op):
        return TOO_MANY_ROWS
    if stats.labels > context.settings.max_labels:
        return TOO_MANY_LABELS
    if context.settings.switches.single_label is Verdict.ERROR and _has_one_label(context, op):
        return TOO_FEW_LABELS
    return None


def _has_one_label(context: Context, op: Operation) -> bool:
    """Return whether images have a single label, on no box: one is enough to find objects (limits page)."""
    counts = entries.label_counts(context.store, entries.content_of(context.store, op.dataset))
    return len(counts) == 1 and not counts[0].boxed


def distribute(context: Context, op: Operation) -> Failure | None:
    """Move 20 % of the images, drawn at random with the seed, to the partner dataset."""
    switches = context.settings.switches
    labelled = entries.source_refs(context.store, op.dataset, labelled=True)
    counts = entries.label_counts(context.store, entries.content_of(context.store, op.dataset))
    scarce = any(0 < count.entries < switches.distribute_min_per_label for count in counts)
    if switches.distribute_base is DistributeBase.LABELED:
        images = labelled
    else:
        images = entries.source_refs(context.store, op.dataset, labelled=False)
    share = round(len(images) * 0.2)
    if share == 0 or not labelled or scarce:
        return TOO_FEW_TO_DISTRIBUTE
    draw = random.Random(f"{context.settings.seed}:{op.arn}")  # noqa: S311
    entries.move(context.store, op.dataset, op.arguments["partner"], draw.sample(images, share))
    return None


def _too_many_dropped(context: Context, tally: Tally, before: entries.Stats) -> bool:
    match context.settings.switches.invalid_base:
        case InvalidBase.OFF:
            return False
        case InvalidBase.DATASET:
            whole = tally.total + before.total
        case InvalidBase.SUBMISSION:
            whole = tally.total
    return tally.dropped > MAX_INVALID_SHARE * whole


def _too_many_missing(context: Context, op: Operation, tally: Tally, stats: entries.Stats) -> bool:
    """Return whether images that are not in S3 and dropped lines are, together, too many of the dataset."""
    if context.settings.switches.missing_images is MissingImages.IGNORED:
        return False
    content, account = entries.content_of(context.store, op.dataset), op.arn.split(":")[4]
    missing = entries.missing_images(context.store, content, account)
    return missing + tally.dropped > MAX_INVALID_SHARE * (stats.total + tally.dropped)


def _most_entries(context: Context, op: Operation) -> int:
    train, test = _SMALL_REGIONS.get(op.region, (context.settings.max_entries,) * 2)
    return min(context.settings.max_entries, train if op.type == "TRAIN" else test)
