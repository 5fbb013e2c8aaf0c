from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from reconciler.core.runtime import quotas
from reconciler.core.validation.checked_line import CheckedLine, LabelKinds, each
from reconciler.core.validation.codes import Code
from reconciler.core.validation.dataset import (
    DatasetFacts,
    FullScan,
    check_dataset,
    check_pair,
    duplicate_source_ref,
    image_in_train_and_test,
    scans_over_quota,
)
from reconciler.core.validation.judged.columns import Columns
from reconciler.core.validation.judged.lines import DatasetLines
from reconciler.core.validation.line import check_line
from reconciler.core.validation.problem import Origin, Problem, Severity

BAD = (Problem(Severity.ERROR, Code.INVALID_BOX, "off the frame"),)
ODD = (Problem(Severity.WARNING, Code.FLOAT_NUMBERS, "a float"),)


def line(
    *labels: str, bucket: str = "bucket", kinds: LabelKinds = LabelKinds.IMAGE_LEVEL, problems=()
) -> CheckedLine:
    return CheckedLine(f"s3://{bucket}/a.jpg", labels, kinds, problems)


def facts(*lines: CheckedLine) -> DatasetFacts:
    found, by_text = Columns(), {str(number).encode(): one for number, one in enumerate(lines)}
    if lines:
        found.add(list(by_text), partial(each, by_text.__getitem__))
    return DatasetLines([found]).facts


def codes(found, dataset_type="TRAIN"):
    return [(problem.code, problem.severity) for problem in check_dataset(found, dataset_type)]


def test_two_labels_in_one_bucket_are_fine():
    """A dataset of two labels in one bucket has no problem."""
    assert [] == codes(facts(line("cat"), line("dog")))


@pytest.mark.parametrize("buckets", [("one", "one"), ("one", "two"), ("one", "one-more")])
def test_lines_are_counted_by_bucket_label_and_kind(buckets):
    lines = [line("a", "b", bucket=name, problems=ODD) for name in buckets]
    lines += [
        line("b", kinds=LabelKinds.BOXES),
        line(kinds=LabelKinds.NONE),
        line("c", bucket="x", problems=BAD),
    ]

    found = facts(*lines)

    assert Counter([*buckets, "bucket", "bucket"]) == found.buckets
    assert {"a": 2, "b": 3, "c": 1} == found.labels
    assert {LabelKinds.IMAGE_LEVEL: 3, LabelKinds.BOXES: 1, LabelKinds.NONE: 1} == found.kinds
    assert (1, 0) == (found.invalid, found.dropped)


def test_an_empty_dataset_is_no_business_of_the_rules():
    """An empty dataset has no problem here: its spec decides whether it may be empty."""
    assert () == check_dataset(DatasetFacts(), "TRAIN")


def test_each_bucket_is_named_with_its_images():
    """Each bucket is reported with its number of images, so that the stray one can be found."""
    (found,) = check_dataset(facts(line("a"), line("b", bucket="stray"), line("a")), "TRAIN")

    assert Code.MULTIPLE_BUCKETS is found.code
    assert "bucket (2 images), stray (1 image)" in found.message


@pytest.mark.parametrize(
    ("number", "end"),
    [
        (5, "b0 (1 image), b1 (1 image), b2 (1 image), b3 (1 image), b4 (1 image)"),
        (6, "b3 (1 image), b4 (1 image) and 1 more"),
        (8, "b3 (1 image), b4 (1 image) and 3 more"),
    ],
)
def test_at_most_five_buckets_are_named(number, end):
    """All buckets are counted, and those beyond the fifth are not named."""
    (found,) = check_dataset(facts(*(line("a", "b", bucket=f"b{i}") for i in range(number))), "TRAIN")

    assert found.message.startswith(f"the images are in {number} buckets, ")
    assert found.message.endswith(end)


@pytest.mark.parametrize(
    "bad",
    [
        line("a", "b", bucket="stray", problems=BAD),
        check_line(b'{"source-ref":"s3:///a.jpg"}'),
        check_line(b'{"source-ref":"s3://stray"}'),
    ],
)
def test_a_bad_line_forbids_no_other_by_its_bucket(bad):
    """A line that is never sent does not count as a second bucket."""
    assert [] == codes(facts(*[line("a", "b")] * 10, bad))


@pytest.mark.parametrize(
    ("dropped", "kept", "expected"),
    [
        pytest.param(0, 2, [], id="a-fifth-kept"),
        pytest.param(2, 0, [], id="a-fifth-dropped"),
        pytest.param(0, 3, [Code.TOO_MANY_INVALID_ROWS], id="kept-with-an-error"),
        pytest.param(3, 0, [Code.TOO_MANY_RECORDS_IN_ERROR], id="dropped"),
        pytest.param(3, 2, [Code.TOO_MANY_RECORDS_IN_ERROR], id="dropped-and-few-kept"),
        pytest.param(1, 2, [Code.TOO_MANY_INVALID_ROWS], id="only-together"),
        pytest.param(3, 3, [Code.TOO_MANY_RECORDS_IN_ERROR, Code.TOO_MANY_INVALID_ROWS], id="both"),
    ],
)
def test_more_than_a_fifth_of_invalid_lines_is_too_many(dropped, kept, expected):
    """
    The code depends on the kind: the service drops some lines and stores the others with an error.

    Warnings do not count: training ignores such lines without calling them invalid.
    """
    lines = [check_line(b"{}")] * dropped + [line("a", "b", problems=BAD)] * kept
    lines += [line("a", "b", problems=ODD)] * (10 - dropped - kept)

    assert [(code, Severity.ERROR) for code in expected] == codes(facts(*lines))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            [check_line(b"{}"), line("a", "b")],
            "the service would drop 1 of 2 lines; with more than 20% it refuses all",
        ),
        (
            [line("a", "b", problems=BAD), line("a", "b")],
            "1 of 2 lines is invalid; with more than 20% training refuses all",
        ),
        (
            [line("a", "b", problems=BAD)] * 2,
            "2 of 2 lines are invalid; with more than 20% training refuses all",
        ),
        (
            [line("a", "b", kinds=LabelKinds.BOTH)],
            "1 image carries image-level labels and 1 bounding boxes; training uses one kind only",
        ),
        (
            [line("a", "b"), line("a"), line("b", kinds=LabelKinds.BOXES)],
            "2 images carry image-level labels and 1 bounding boxes; training uses one kind only",
        ),
        ([line("a")], "1 label; training on image-level labels needs 2 or more"),
        ([line(kinds=LabelKinds.BOXES)], "0 labels; training on bounding boxes needs 1 or more"),
    ],
)
def test_a_message_says_how_many(lines, expected):
    """The message of a rule about the whole dataset has its numbers, and the limit."""
    assert [expected] == [problem.message for problem in check_dataset(facts(*lines), "TRAIN")]


def test_a_blank_line_counts_for_nothing():
    """A blank line is never sent and does not count in the share of valid lines."""
    found = facts(line("a", "b"), check_line(b""), check_line(b"  \t"))

    assert (1, 0) == (found.entries, found.invalid)


def test_a_line_without_a_usable_source_ref_is_an_invalid_entry():
    """A line without a usable source-ref counts as invalid and has no bucket."""
    found = facts(check_line(b"{}"), check_line(b'{"source-ref":"https://b/a"}'))

    assert (2, 2, {}) == (found.entries, found.invalid, dict(found.buckets))


@pytest.mark.parametrize(("count", "expected"), [(250, []), (251, [(Code.TOO_MANY_LABELS, Severity.ERROR)])])
def test_a_dataset_has_250_labels_at_most(count, expected):
    """250 labels are allowed, 251 are an error."""
    assert expected == codes(facts(*(line(f"label {number}") for number in range(count))))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([line("a")], [Code.TOO_FEW_LABELS], id="one-image-level"),
        pytest.param([line("a", kinds=LabelKinds.BOXES)], [], id="one-of-boxes"),
        pytest.param([line(kinds=LabelKinds.NONE)], [Code.TOO_FEW_LABELS], id="none"),
        pytest.param([line(kinds=LabelKinds.BOXES)], [Code.TOO_FEW_LABELS], id="no-box-at-all"),
    ],
)
def test_training_needs_two_labels_or_one_for_boxes(lines, expected):
    """Too few labels are a warning: the dataset can be stored but not trained on."""
    assert [(code, Severity.WARNING) for code in expected] == codes(facts(*lines))


@pytest.mark.parametrize(
    "kinds",
    [
        (LabelKinds.BOTH, LabelKinds.BOTH),
        (LabelKinds.BOXES, LabelKinds.IMAGE_LEVEL),
        (LabelKinds.BOTH, LabelKinds.BOXES),
    ],
)
def test_a_mixture_of_model_types_is_a_warning(kinds):
    """Mixed model types are a warning: training uses one and ignores the other."""
    found = facts(*(line("a", "b", kinds=kind) for kind in kinds))

    assert [(Code.MIXED_MODEL_TYPES, Severity.WARNING)] == codes(found)


def test_a_label_has_1000_test_images_at_most():
    """A test dataset, and only that, may have at most 1,000 images of a label."""
    lines = [line("a", "b")] * quotas.MAX_TEST_IMAGES_PER_LABEL
    assert [] == codes(facts(*lines), "TEST")

    found = facts(*lines, line("a"))
    assert [(Code.TOO_MANY_TEST_IMAGES, Severity.WARNING)] == codes(found, "TEST")
    assert [] == codes(found, "TRAIN")


def test_a_dataset_has_250_000_entries_at_most():
    """250,000 entries are allowed, one more is an error."""
    found = facts(line("a", "b"))
    found.kinds[LabelKinds.NONE] = quotas.MAX_ENTRIES - 1
    assert [] == codes(found)

    found.kinds[LabelKinds.NONE] += 1
    assert [(Code.TOO_MANY_ROWS, Severity.ERROR)] == codes(found)


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        pytest.param("abcd", "ab", [], id="half"),
        pytest.param("abcd", "axyz", [Code.INSUFFICIENT_LABEL_OVERLAP], id="less"),
        pytest.param("abc", "", [], id="no-test-labels-yet"),
        pytest.param("", "abc", [], id="no-training-labels-yet"),
    ],
)
def test_the_test_dataset_has_half_of_the_training_labels(train, test, expected):
    """A test dataset that shares less than half of the training labels is a warning."""
    found = check_pair(facts(line(*train)), facts(line(*test)))

    assert [(code, Severity.WARNING) for code in expected] == [(f.code, f.severity) for f in found]


def test_a_repeated_image_names_its_other_place():
    """A repeated image names the place of its other line."""
    found = duplicate_source_ref("s3://b/a.jpg", Origin("train.jsonl", 12))

    assert (Severity.ERROR, "RKD3001") == (found.severity, found.code)
    assert "s3://b/a.jpg" in found.message
    assert "train.jsonl:12" in found.message
    assert "another line" in duplicate_source_ref("s3://b/a.jpg", None).message


def test_an_image_in_both_datasets_is_a_warning_that_names_the_other():
    """An image in both datasets is a warning that names the other: AWS accepts it, evaluation suffers."""
    found = image_in_train_and_test("s3://b/a.jpg", Origin("test.jsonl", 3))

    assert (Severity.WARNING, "RKD3002") == (found.severity, found.code)
    assert "test.jsonl:3" in found.message


def scans(number: int, *, region: str = "us-east-1", hours: float = 6) -> list[FullScan]:
    at = Origin("specs/a.yaml", 1)
    return [FullScan("111122223333", region, 250_000, hours * 3_600, 330, at) for _ in range(number)]


def test_as_many_as_five_calls_a_second_can_list_are_fine():
    """43 datasets of 250,000 entries can be listed within six hours, and 44 cannot."""
    assert () == scans_over_quota(scans(43))

    (problem,) = scans_over_quota(scans(44))

    assert ("RKD1305", False) == (problem.code, problem.is_error)
    assert problem.message.startswith(
        "account 111122223333, us-east-1: 44 datasets cannot be listed as often"
    )
    assert "102% of the 5 calls a second; once through takes 6.1 h" in problem.message

    small = (one._replace(entries=9_000, max_age_seconds=60, interval_seconds=1) for one in scans(4))
    assert scans_over_quota(small)[-1].message.endswith("once through takes 1.2 min")


def test_an_account_that_the_specs_leave_open_is_that_of_the_credentials():
    """And the Region that which the SDK finds."""
    (problem,) = scans_over_quota(one._replace(account=None, region=None) for one in scans(44))

    assert problem.message.startswith("account of the credentials, the SDK's Region: 44 datasets")


def test_a_listing_begins_only_with_a_cycle():
    """It ends an interval and its own time after it would have had to begin: 330 s and 500 s in 14 minutes."""
    (one,) = scans(1, hours=14 / 60)
    (problem,) = scans_over_quota([one._replace(max_age_seconds=829)])

    assert () == scans_over_quota([one])
    assert ("RKD1305", one.origin) == (problem.code, problem.origin)
    assert (
        "fullScanMaxAge is 13.8 min, and from one listing to the end of the next it can be 13.8: an interval of "
        "5.5 min, then 8.3 min for 250,000 entries at 5 calls a second"
    ) == problem.message


def test_each_account_and_region_has_its_own_limit():
    """Datasets in another Region take none of the calls."""
    assert () == scans_over_quota([*scans(40), *scans(40, region="eu-west-1")])


def test_each_schedule_counts_with_its_own_age():
    """A dataset that may be old for longer takes less."""
    assert () == scans_over_quota(scans(44, hours=7))


@pytest.mark.parametrize(
    ("entries", "seconds"), [(0, 0.2), (1, 0.2), (100, 0.2), (101, 0.4), (1_050, 2.2), (250_000, 500)]
)
def test_a_listing_takes_a_call_for_each_hundred_entries(entries, seconds):
    """Five calls a second; an empty dataset takes one call as well."""
    assert pytest.approx(seconds) == FullScan(None, None, entries, 3_600, 330, None).seconds
