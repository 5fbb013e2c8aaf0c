"""Switches for behaviour of the service that is not documented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, get_type_hints


class InvalidRequest(StrEnum):
    """Error of a request that the service model does not allow."""

    VALIDATION = "validation"
    INVALID_PARAMETER = "invalid-parameter"


class ConcurrentUpdate(StrEnum):
    """Error of a second update while one is running."""

    IN_USE = "in-use"
    LIMIT_EXCEEDED = "limit-exceeded"


class BusyListing(StrEnum):
    """Answer of listings while the dataset is being created or updated."""

    IN_USE = "in-use"
    NOT_READY = "not-ready"
    STALE = "stale"


class BareLine(StrEnum):
    """Treatment of a line with only a source-ref."""

    UNLABELED = "unlabeled"
    ERROR = "error"


class Floats(StrEnum):
    """Treatment of box coordinates that are not whole numbers."""

    ACCEPT = "accept"
    ERROR = "error"
    ROUND = "round"


class Duplicates(StrEnum):
    """Which of several lines with the same source-ref is kept, within one submission."""

    FIRST = "first"
    LAST = "last"
    NONE = "none"


class FailedUpdate(StrEnum):
    """The part of a failed update that is applied nevertheless."""

    NOTHING = "nothing"
    PREFIX = "prefix"
    RANDOM = "random"


class UnknownKeys(StrEnum):
    """Treatment of keys that belong to no pair of attribute and metadata."""

    KEPT = "kept"
    REMOVED = "removed"


class Verdict(StrEnum):
    ACCEPT = "accept"
    ERROR = "error"


class ManyLabels(StrEnum):
    """Treatment of a line with more labels than an image may have."""

    ACCEPT = "accept"
    DROP = "drop"


class MissingImages(StrEnum):
    """Treatment of lines whose image is not in S3."""

    IGNORED = "ignored"
    COUNTED = "counted"


class CopyOfFailed(StrEnum):
    """Result of copying a dataset that could not be created."""

    FAIL = "fail"
    REFUSE = "refuse"
    ACCEPT = "accept"


class DistributeBase(StrEnum):
    """The entries of which a distribution moves 20 %."""

    ALL = "all"
    LABELED = "labeled"


class TrainingOutput(StrEnum):
    """Form of the manifests of images that a training used."""

    SNAPSHOT = "snapshot"
    LINES = "lines"


class ValidationManifest(StrEnum):
    """Keys of the errors in the manifests that a training validated."""

    ERRORS = "errors"
    AS_LISTED = "as-listed"


class Rewriting(StrEnum):
    """How the format of a stored line differs from the line that was sent."""

    NONE = "none"
    SORTED_KEYS = "sorted-keys"
    FLOATS = "floats"


class LastToken(StrEnum):
    """The NextToken on the last page of a listing."""

    ABSENT = "absent"
    EMPTY = "empty"


class InvalidBase(StrEnum):
    """The total against which the share of dropped lines is measured."""

    SUBMISSION = "submission"
    DATASET = "dataset"
    OFF = "off"


class Visibility(StrEnum):
    """When the effect of a running update is visible in a stale listing."""

    ON_COMPLETION = "on-completion"
    AT_ONCE = "at-once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """
    The behaviour chosen where the service is not documented.

    The defaults are the most likely; `docs/emulator.md` gives the reasons.
    """

    invalid_request: InvalidRequest = InvalidRequest.VALIDATION
    concurrent_update: ConcurrentUpdate = ConcurrentUpdate.IN_USE
    busy_listing: BusyListing = BusyListing.IN_USE
    bare_line: BareLine = BareLine.UNLABELED
    floats: Floats = Floats.ACCEPT
    duplicates: Duplicates = Duplicates.FIRST
    failed_update: FailedUpdate = FailedUpdate.NOTHING
    unknown_keys: UnknownKeys = UnknownKeys.KEPT
    string_label: Verdict = Verdict.ACCEPT
    multilabel_type: Verdict = Verdict.ACCEPT
    many_labels: ManyLabels = ManyLabels.ACCEPT
    single_label: Verdict = Verdict.ACCEPT
    several_buckets: Verdict = Verdict.ERROR
    rewriting: Rewriting = Rewriting.NONE
    last_token: LastToken = LastToken.ABSENT
    invalid_base: InvalidBase = InvalidBase.SUBMISSION
    missing_images: MissingImages = MissingImages.IGNORED
    visibility: Visibility = Visibility.ON_COMPLETION
    copy_of_failed: CopyOfFailed = CopyOfFailed.FAIL
    distribute_base: DistributeBase = DistributeBase.ALL
    distribute_min_per_label: int = 2
    stale_describe_ms: int = 0
    late_effect_ms: int = 0
    listing_lag_ms: int = 0
    count_excess: int = 0
    max_blob_bytes: int = 5_242_880
    max_label_chars: int = 256
    training_output: TrainingOutput = TrainingOutput.SNAPSHOT
    validation_manifest: ValidationManifest = ValidationManifest.ERRORS
    slot_free_while_deleting: bool = False
    project_delete_needs_no_datasets: bool = True

    def with_changes(self, changes: Mapping[str, Any]) -> Switches:
        """
        Return a copy with new values, given as parsed JSON, for the named switches.

        Raises:
            ValueError: A switch or its value is unknown.
        """
        kinds = get_type_hints(Switches)
        unknown = changes.keys() - kinds.keys()
        if unknown:
            raise ValueError(f"no such switch: {', '.join(sorted(unknown))}")
        return replace(self, **{name: parse(kinds[name], name, changes[name]) for name in changes})


def parse(kind: type, name: str, value: Any) -> Any:
    """
    Return a value of *kind*, a switch or an enumeration, given as parsed JSON or text.

    Raises:
        ValueError: The value is unknown.
    """
    if kind is bool:
        table = {"true": True, "false": False, "yes": True, "no": False}
        if str(value).lower() not in table:
            raise ValueError(f"{name}: {value!r} is neither true nor false")
        return table[str(value).lower()]
    try:
        return kind(value)
    except (TypeError, ValueError) as exc:
        choices = f": one of {', '.join(kind)}" if issubclass(kind, StrEnum) else ""
        raise ValueError(f"{name}: {value!r} is not allowed{choices}") from exc


SWITCH_NAMES = tuple(f.name for f in fields(Switches))
