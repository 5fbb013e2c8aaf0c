"""
Validate the manifests of a training, and write down what is wrong with them.

Sources: developer guide, "Understanding the manifest summary", "Terminal manifest content errors",
"Understanding training and testing validation result manifests".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from reconciler.emulator.behaviour.attributes import DETECTION
from reconciler.emulator.behaviour.judge import (
    METADATA,
    SOURCE_REF,
    Entry,
    bucket_of,
    error,
    error_holders,
    judge_line,
    split,
)
from reconciler.emulator.behaviour.switches import MissingImages, Switches, ValidationManifest, Verdict

Fields = dict[str, Any]

_MAX_INVALID_SHARE: Final = 0.2
_MIN_OVERLAP: Final = 0.5


class UseCase(StrEnum):
    """What a model is trained for."""

    IMAGE_LEVEL = "IMAGE_LEVEL_LABELS"
    LOCALIZATION = "OBJECT_LOCALIZATION"
    UNKNOWN = "NOT_DETERMINED"


# Limits page: a model that finds objects needs one label, others need two to tell apart.
_MIN_LABELS: Final = {UseCase.IMAGE_LEVEL: 2, UseCase.LOCALIZATION: 1, UseCase.UNKNOWN: 2}


class Problem(NamedTuple):
    """An error of a manifest as a whole."""

    code: str
    message: str


@dataclass(slots=True)
class Examination:
    """
    What was found in one manifest.

    Attributes:
        lines: The lines of the validation manifest.
        valid: Numbers of lines that have a label without error.
        ignored: Numbers of lines that have neither labels nor errors.
        errored: Numbers of lines with any error, from 1.
        image_labels: Labels of images.
        box_labels: Labels of boxes.
        localized: Number of lines with labelled boxes.
        problems: What stops the training.
    """

    lines: list[bytes] = field(default_factory=list)
    valid: int = 0
    ignored: int = 0
    errored: list[int] = field(default_factory=list)
    image_labels: set[str] = field(default_factory=set)
    box_labels: set[str] = field(default_factory=set)
    localized: int = 0
    buckets: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @property
    def invalid(self) -> int:
        return len(self.lines) - self.valid - self.ignored

    @property
    def use_case(self) -> UseCase:
        """Return the kind of most valid lines; lines of the other kind are not used."""
        if self.problems or not self.valid:
            return UseCase.UNKNOWN
        return UseCase.LOCALIZATION if self.localized * 2 > self.valid else UseCase.IMAGE_LEVEL

    def labels(self, use_case: UseCase) -> set[str]:
        return self.box_labels if use_case is UseCase.LOCALIZATION else self.image_labels

    def statistics(self) -> Fields:
        """Return the section of the manifest summary for this manifest."""
        return {
            "use_case": self.use_case,
            "total_json_lines": len(self.lines),
            "valid_json_lines": self.valid,
            "invalid_json_lines": self.invalid,
            "ignored_json_lines": self.ignored,
            "error_json_line_indices": self.errored,
            "errors": [problem._asdict() for problem in self.problems],
        }


def examine(
    payload: Iterable[bytes], switches: Switches, exists: Callable[[str], bool], max_labels: int
) -> Iterator[Examination]:
    """Validate a manifest. Yields the examination after every line, incomplete until the last."""
    found = Examination()
    for raw in split(payload):
        entry = judge_line(raw, switches)
        if entry is None:
            _add_dropped(found, raw, switches)
        else:
            _add(found, entry, switches, exists)
        yield found
    found.problems = list(_problems(found, switches, max_labels))
    yield found


def overlap_problems(training: Examination, testing: Examination) -> list[Problem]:
    """Return the errors of two manifests together."""
    use_case = training.use_case
    every = training.image_labels | training.box_labels
    if every and len(every & (testing.image_labels | testing.box_labels)) < _MIN_OVERLAP * len(every):
        return [_overlap("ERROR_INSUFFICIENT_LABEL_OVERLAP", "label")]
    usable = training.labels(use_case)
    if usable and len(usable & testing.labels(use_case)) < _MIN_OVERLAP * len(usable):
        return [_overlap("ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP", "usable label")]
    return []


def _overlap(code: str, what: str) -> Problem:
    text = f"Less than 50% {what} overlap between the training and testing manifest files."
    return Problem(code, text)


def _problems(found: Examination, switches: Switches, max_labels: int) -> Iterator[Problem]:
    if found.invalid > _MAX_INVALID_SHARE * len(found.lines):
        yield Problem(
            "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", "The manifest file contains too many invalid rows."
        )
    if len(found.buckets) > 1 and switches.several_buckets is Verdict.ERROR:
        yield Problem(
            "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS",
            "The manifest file contains images from multiple S3 buckets.",
        )
    labels, least = found.image_labels | found.box_labels, _MIN_LABELS[found.use_case]
    if len(labels) < least:
        yield Problem("ERROR_MANIFEST_TOO_FEW_LABELS", "The manifest file has too few labels.")
    elif len(labels) > max_labels:
        yield Problem("ERROR_MANIFEST_TOO_MANY_LABELS", "The manifest file has too many labels.")
    elif len(found.labels(found.use_case)) < least:
        yield Problem("ERROR_MANIFEST_TOO_FEW_USABLE_LABELS", "The manifest file has too few usable labels.")


def _add(found: Examination, entry: Entry, switches: Switches, exists: Callable[[str], bool]) -> None:
    line: Fields = orjson.loads(entry.line)
    errored = bool(entry.codes)
    missing = switches.missing_images is MissingImages.COUNTED and not exists(entry.source_ref)
    if missing:
        problem = error("ERROR_INVALID_IMAGE", "The image is invalid. Check S3 path and/or image properties.")
        line.setdefault("cl-errors", []).append(problem)
    if entry.labels and not missing:
        found.valid += 1
        found.localized += any(entry.labels.values())
    elif not errored and not missing:
        found.ignored += 1
        _warn(line)
    for label, on_box in entry.labels.items():
        (found.box_labels if on_box else found.image_labels).add(label)
    found.buckets.add(bucket_of(entry.source_ref))
    found.lines.append(_validated(line, switches))
    if errored or missing:
        found.errored.append(len(found.lines))


def _warn(line: Fields) -> None:
    """Add the warnings of a line without labels."""
    empty = [line[key] for key in line if _is_detection(line.get(key + METADATA))]
    for value in empty:
        text = "No attribute annotations were found."
        value["warnings"] = [error("WARNING_NO_ATTRIBUTE_ANNOTATIONS", text)]
    code, text = (
        ("WARNING_NO_ANNOTATIONS", "No annotations were found.")
        if empty
        else ("WARNING_UNANNOTATED_RECORD", "Record is unannotated.")
    )
    line["warnings"] = [error(code, text)]


def _is_detection(meta: Any) -> bool:
    return isinstance(meta, dict) and meta.get("type") == DETECTION


def _add_dropped(found: Examination, raw: bytes, switches: Switches) -> None:
    """Add a line that a dataset would not hold, as an external manifest may have it."""
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        line = None
    if not isinstance(line, dict):
        line, problem = {}, error("ERROR_INVALID_JSON_LINE", "The JSON Line has an invalid format.")
    elif SOURCE_REF not in line:
        problem = error("ERROR_MISSING_SOURCE_REF", "The source-ref key is missing.")
    else:
        problem = error("ERROR_INVALID_SOURCE_REF_FORMAT", "The format of the source-ref value is invalid.")
    line["cl-errors"] = [problem]
    found.lines.append(_validated(line, switches))
    found.errored.append(len(found.lines))


def _validated(line: Fields, switches: Switches) -> bytes:
    """Return a line of the validation manifest."""
    if switches.validation_manifest is ValidationManifest.ERRORS:
        line.pop("cl-metadata", None)
        for holder in error_holders(line):
            if "cl-errors" in holder:
                holder["errors"] = holder.pop("cl-errors")
    return orjson.dumps(line)
