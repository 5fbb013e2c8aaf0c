"""Rules for whole datasets, and across them: limits, repeated images, overlap of training and test data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final, NamedTuple

from reconciler.core.runtime import quotas
from reconciler.core.validation.checked_line import (
    LabelKinds,
    error,
    is_blank,
    is_dropped,
    quoted,
    some,
    warning,
)
from reconciler.core.validation.codes import TOO_MANY_TO_LIST, Code
from reconciler.core.validation.problem import Origin, Problem, Severity, has_error

# Developer guide, limits page. The page of ERROR_MANIFEST_TOO_FEW_USABLE_LABELS swaps the two numbers, unlike
# the rest of the guide.
_MIN_LABELS: Final = {LabelKinds.IMAGE_LEVEL: 2, LabelKinds.BOXES: 1}


class FactParts(NamedTuple):
    """The attributes of `DatasetFacts`, to be stored."""

    invalid: int
    dropped: int
    buckets: dict[str, int]
    labels: dict[str, int]
    kinds: dict[LabelKinds, int]


NO_FACTS: Final = FactParts(0, 0, {}, {}, {})


class DatasetFacts:
    """
    Counts over the lines of a dataset, as its rules need them. Memory grows with labels, not with lines.

    Attributes:
        entries: Lines, including invalid ones but not blank ones.
        invalid: Lines with an error, including dropped ones.
        dropped: Lines that the service would not store at all.
        buckets: Bucket -> images in it, without invalid lines: one of those must not block the others.
        labels: Label -> images that carry it.
        kinds: LabelKinds -> images whose labels are of that kind.
    """

    __slots__ = ("buckets", "dropped", "invalid", "kinds", "labels")

    def __init__(self, parts: FactParts = NO_FACTS) -> None:
        self.invalid = parts.invalid
        self.dropped = parts.dropped
        self.buckets: Counter[str] = Counter(parts.buckets)
        self.labels: Counter[str] = Counter(parts.labels)
        self.kinds: Counter[LabelKinds] = Counter(parts.kinds)

    @property
    def parts(self) -> FactParts:
        """Return all counts; they must not be modified."""
        return FactParts(self.invalid, self.dropped, self.buckets, self.labels, self.kinds)

    @property
    def entries(self) -> int:
        return sum(self.kinds.values())

    def count(self, kind: LabelKinds, problems: Sequence[Problem], number: int) -> None:
        """Count lines with one outcome, apart from their labels and buckets."""
        if is_blank(problems):
            return
        self.kinds[kind] += number
        if has_error(problems):
            self.invalid += number
            self.dropped += number * is_dropped(problems)

    def count_buckets(self, source_refs: Sequence[str]) -> None:
        """Count the images of lines without errors by their buckets."""
        if not source_refs:
            return
        bucket = _bucket(source_refs[0])
        if all(map(str.startswith, source_refs, repeat(f"s3://{bucket}/"))):
            self.buckets[bucket] += len(source_refs)
        else:
            self.buckets.update(map(_bucket, source_refs))


def _bucket(source_ref: str) -> str:
    return source_ref[5 : source_ref.find("/", 5)]


def check_dataset(facts: DatasetFacts, dataset_type: str) -> tuple[Problem, ...]:
    """
    Check a dataset as a whole.

    Args:
        dataset_type: ``TRAIN`` or ``TEST``; some limits apply to only one of them.
    """
    problems = [
        *_buckets(facts),
        *_entries(facts),
        *_invalid(facts),
        *_labels(facts),
        *_mixed(facts),
    ]
    if dataset_type == "TEST":
        problems += _test_images(facts)
    return tuple(problems)


def _buckets(facts: DatasetFacts) -> Iterator[Problem]:
    if len(facts.buckets) > 1:
        found = Counter(facts.buckets).most_common()
        counts = ", ".join(f"{bucket} ({_counted(count, 'image')})" for bucket, count in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        text = f"the images are in {len(found)} buckets, and must be in one: {counts}{more}"
        yield error(Code.MULTIPLE_BUCKETS, text)


def _entries(facts: DatasetFacts) -> Iterator[Problem]:
    if facts.entries > quotas.MAX_ENTRIES:
        text = f"{facts.entries} images; at most {quotas.MAX_ENTRIES} are allowed in a dataset"
        yield error(Code.TOO_MANY_ROWS, text)


def _invalid(facts: DatasetFacts) -> Iterator[Problem]:
    """
    Check the share of invalid lines; the code depends on whether the service drops or stores them.

    The guide's limit is cumulative: 15 % dropped and 15 % stored with an error are too many together.
    """
    most = quotas.MAX_INVALID_RATIO * facts.entries
    allowed = f"more than {quotas.MAX_INVALID_RATIO:.0%}"
    if facts.dropped > most:
        text = f"the service would drop {facts.dropped} of {_counted(facts.entries, 'line')}"
        yield error(Code.TOO_MANY_RECORDS_IN_ERROR, f"{text}; with {allowed} it refuses all")
    stored = facts.invalid - facts.dropped
    if stored > most or (stored and facts.dropped <= most < facts.invalid):
        verb = "is" if facts.invalid == 1 else "are"
        text = f"{facts.invalid} of {_counted(facts.entries, 'line')} {verb} invalid"
        yield error(Code.TOO_MANY_INVALID_ROWS, f"{text}; with {allowed} training refuses all")


def _labels(facts: DatasetFacts) -> Iterator[Problem]:
    count = len(facts.labels)
    if count > quotas.MAX_LABELS_PER_DATASET:
        text = f"{count} labels; at most {quotas.MAX_LABELS_PER_DATASET} are allowed in a dataset"
        yield error(Code.TOO_MANY_LABELS, text)
    boxes = facts.kinds.get(LabelKinds.BOXES, 0) + facts.kinds.get(LabelKinds.BOTH, 0)
    wanted = _MIN_LABELS[LabelKinds.BOXES if boxes else LabelKinds.IMAGE_LEVEL]
    if facts.entries and count < wanted:
        kind = "bounding boxes" if boxes else "image-level labels"
        text = f"{_counted(count, 'label')}; training on {kind} needs {wanted} or more"
        yield warning(Code.TOO_FEW_LABELS, text)


def _mixed(facts: DatasetFacts) -> Iterator[Problem]:
    both = facts.kinds.get(LabelKinds.BOTH, 0)
    boxes = facts.kinds.get(LabelKinds.BOXES, 0) + both
    level = facts.kinds.get(LabelKinds.IMAGE_LEVEL, 0) + both
    if boxes and level:
        verb = "carries" if level == 1 else "carry"
        text = f"{_counted(level, 'image')} {verb} image-level labels and {boxes} bounding boxes"
        yield warning(Code.MIXED_MODEL_TYPES, f"{text}; training uses one kind only")


def _test_images(facts: DatasetFacts) -> Iterator[Problem]:
    limit = quotas.MAX_TEST_IMAGES_PER_LABEL
    crowded = sorted(label for label, count in facts.labels.items() if count > limit)
    if crowded:
        text = f"more than {limit} test images of {some(crowded)}"
        yield warning(Code.TOO_MANY_TEST_IMAGES, text)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_MIN_LABEL_OVERLAP: Final = 0.50  # validation rules page: common labels / training labels


def duplicate_source_ref(ref: str, other: Origin | None) -> Problem:
    """Return the error that an image is in a dataset twice; *other* is its other place, if known."""
    place = "another line" if other is None else str(other)
    return error(
        Code.DUPLICATE_SOURCE_REF, f"{quoted(ref)} is also in {place}: an image may appear once only"
    )


def image_in_train_and_test(ref: str, other: Origin) -> Problem:
    """Return the warning that an image is in both datasets of a project; *other* is its other place."""
    text = f"{quoted(ref)} is also in {other}: an image should not be in both TRAIN and TEST"
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


class FullScan(NamedTuple):
    """
    The regular listing of one whole dataset.

    Attributes:
        account, region: None if the spec leaves them to the credentials and the SDK.
        max_age_seconds: How often it must be made, at least.
        interval_seconds: The longest time between two cycles; a listing begins with one.
    """

    account: str | None
    region: str | None
    entries: int
    max_age_seconds: float
    interval_seconds: float
    origin: Origin | None

    @property
    def seconds(self) -> float:
        return quotas.listing_seconds(self.entries)

    @property
    def longest(self) -> float:
        """Return the longest time from one listing to the end of the next, as a share of the maximum age."""
        return (self.interval_seconds + self.seconds) / self.max_age_seconds


def scans_over_quota(scans: Iterable[FullScan]) -> tuple[Problem, ...]:
    """
    Return a warning for each dataset that cannot be listed as often as asked, and for each account and Region
    where that holds of all datasets together.

    AWS answers 5 calls a second for all of them, and a listing takes one for 100 entries: 43 datasets of 250,000
    entries fill six hours.
    """
    places: dict[tuple[str | None, str | None], list[FullScan]] = defaultdict(list)
    for scan in scans:
        places[scan.account, scan.region].append(scan)
    alone = (_problem_alone(scan) for found in places.values() for scan in found if scan.longest > 1)
    together = (_problem(found) for found in places.values() if len(found) > 1 and _load(found) > 1)
    return (*alone, *together)


def _load(scans: Iterable[FullScan]) -> float:
    """Return the share of all calls that the listings take."""
    return sum(scan.seconds / scan.max_age_seconds for scan in scans)


def _problem_alone(scan: FullScan) -> Problem:
    text = (
        f"fullScanMaxAge is {scan.max_age_seconds / 60:,.1f} min, and from one listing to the end of the next "
        f"it can be {scan.longest * scan.max_age_seconds / 60:,.1f}: an interval of "
        f"{scan.interval_seconds / 60:,.1f} min, then {scan.seconds / 60:,.1f} min for {scan.entries:,} "
        f"entries at {quotas.CALLS_PER_SECOND} calls a second"
    )
    return Problem(Severity.WARNING, TOO_MANY_TO_LIST, text, scan.origin)


def _problem(scans: list[FullScan]) -> Problem:
    account, region = scans[0].account or "of the credentials", scans[0].region or "the SDK's Region"
    minutes = sum(scan.seconds for scan in scans) / 60
    once = f"{minutes / 60:.1f} h" if minutes >= 60 else f"{minutes:.1f} min"
    text = (
        f"account {account}, {region}: {len(scans):,} datasets cannot be listed as often as fullScanMaxAge "
        f"asks: that takes {_load(scans):.0%} of the {quotas.CALLS_PER_SECOND} calls a second; once through "
        f"takes {once}"
    )
    return Problem(Severity.WARNING, TOO_MANY_TO_LIST, text, scans[0].origin)
