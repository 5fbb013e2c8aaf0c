"""The result of a preflight follows from those of its checks."""

import pytest

from reconciler.core.preflight import (
    MAX_SKEW_SECONDS,
    Check,
    CheckResult,
    DatasetPreflight,
    Fitness,
    Mark,
    Preflight,
    clock,
    failed_specs,
    first_check,
    remedy,
    usable_specs,
)
from reconciler.errors import DatasetBusy, Denied, ReconcilerError, StateError, Throttled


def examined(*codes: int) -> DatasetPreflight:
    return DatasetPreflight(
        "a", tuple(CheckResult(Check.STATUS, Mark.FAILED, "m", exit_code=code) for code in codes)
    )


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((), Fitness.READY),
        ((0,), Fitness.READY),
        ((3,), Fitness.UNKNOWN),
        ((3, 5), Fitness.INVALID),
        ((5, 8, 3), Fitness.DENIED),
        ((8, 1), Fitness.UNKNOWN),
    ],
)
def test_the_gravest_finding_decides(codes, expected):
    """The gravest exit code of the checks wins: 1, 8, 5, 3, 0."""
    assert expected is examined(*codes).fitness


def test_this_machine_counts_like_a_dataset():
    failed = CheckResult(Check.STATE, Mark.FAILED, "m", exit_code=3)

    assert 3 == Preflight((failed,), (examined(),)).exit_code
    assert 8 == Preflight((failed,), (examined(), examined(8))).exit_code
    assert 0 == Preflight(()).exit_code


@pytest.mark.parametrize(
    ("skew", "mark"),
    [
        (None, Mark.NOT_CHECKED),
        (0.0, Mark.OK),
        (-59.9, Mark.OK),
        (60.0, Mark.WARNING),
        (MAX_SKEW_SECONDS - 0.1, Mark.WARNING),
        (-MAX_SKEW_SECONDS, Mark.FAILED),
    ],
)
def test_a_clock_may_be_off_by_less_than_five_minutes(skew, mark):
    """Off by five minutes a clock fails, by one it is a warning; an unknown difference is not checked."""
    assert mark is clock(skew).mark


def test_a_clock_is_off_in_a_direction():
    assert "90 s behind that of AWS" == clock(90.0).message
    assert "90 s ahead of that of AWS" == clock(-90.0).message


def test_the_first_error_of_the_specs_is_reported_and_the_others_are_counted():
    found = failed_specs(["a:1: no", "a:2: no"], "my specs")

    assert (Mark.FAILED, "a:1: no; and 1 more", 5) == (found.mark, found.message, found.exit_code)
    assert "`reconciler validate 'my specs'` names them all" == found.remedy
    assert "a:1: no" == failed_specs(["a:1: no"], "").message
    assert "a:1: no; and 1,000 more" == failed_specs(["a:1: no"] * 1_001, "").message


def test_warnings_are_no_failure():
    found = usable_specs(1, 1, "specs")

    assert (Mark.WARNING, "1 entry, 1 warning", 0) == (found.mark, found.message, found.exit_code)
    assert Mark.OK is usable_specs(0, 0, "").mark


def test_entries_and_warnings_are_counted_in_plain_english():
    """With thousands apart."""
    texts = [
        usable_specs(warnings, entries, "").message for warnings, entries in ((0, 0), (0, 1), (2, 1_234))
    ]

    assert ["0 entries", "1 entry", "1,234 entries, 2 warnings"] == texts


POLICY = "`reconciler iam read 'my specs' --dataset train` prints the policy it needs"


@pytest.mark.parametrize(
    ("check", "error", "expected"),
    [
        (Check.ACCOUNT, Denied("AccessDenied"), "use credentials, or a roleArn, of the account"),
        (Check.ROLE, Denied("AccessDenied"), "its trust policy must name this caller"),
        (Check.STATUS, Denied("AccessDenied: not authorized"), POLICY),
        (Check.STATUS, Denied("the token expired"), "log in again"),
        (Check.CREDENTIALS, Denied("AccessDenied"), "log in again"),
        (Check.STATUS, Throttled("slow down"), "try again later"),
        (Check.ROLE, Throttled("AccessDenied"), "try again later"),
        (Check.STATUS, ReconcilerError("AccessDenied"), ""),
    ],
)
def test_what_to_do_depends_on_the_check_and_its_error(check, error, expected):
    """A permission is missing only where Rekognition denied it; credentials that ended need a login."""
    found = remedy(check, error, "my specs", "train")

    assert expected in found
    assert bool(expected) is bool(found)


@pytest.mark.parametrize(
    ("check", "error", "expected"),
    [
        (Check.ACCOUNT, Denied("AccessDenied"), "of the account that is meant"),
        (Check.ROLE, Denied("AccessDenied"), "its trust policy must name this caller"),
        (
            Check.LISTING,
            Denied("ListDatasetEntries: AccessDeniedException"),
            "iam read specs --dataset train",
        ),
        (Check.LISTING, Denied("ExpiredToken"), "log in again"),
        (Check.CREDENTIALS, Denied("AccessDenied"), "log in again"),
        (Check.STATUS, DatasetBusy("busy"), "wait until the other operation has ended"),
        (Check.STATUS, ReconcilerError("no"), ""),
    ],
)
def test_every_failure_has_its_own_way_on(check, error, expected):
    """A missing permission needs another remedy than credentials that have run out."""
    found = remedy(check, error, "specs", "train")

    assert (expected in found) if expected else not found


@pytest.mark.parametrize(
    ("error", "check"),
    [
        (Denied("no"), Check.CREDENTIALS),
        (StateError("no"), Check.STATE),
        (ReconcilerError("no"), Check.REGION),
    ],
)
def test_the_first_access_fails_for_what_comes_first(error, check):
    assert check is first_check(error)
