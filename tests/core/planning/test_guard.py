"""What guards block, and the option that allows it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.pattern import globs
from reconciler.core.planning.guard import Guard, GuardLimits, Sizes, account, check
from tests.builders import ref


def refs(count: int) -> list[str]:
    return [ref(str(number)) for number in range(count)]


def codes(guards: tuple[Guard, ...]) -> list[str]:
    return [guard.code for guard in guards]


def share(overwritten: int, observed: int, limit: float = 0.30) -> tuple[Guard, ...]:
    limits = GuardLimits(max_change_ratio=limit, max_changes=10**9)
    return check(Sizes(desired=observed, observed=observed, added=0), refs(overwritten), limits)


def test_an_ordinary_plan_passes() -> None:
    assert () == check(Sizes(desired=100, observed=90, added=10), refs(5), GuardLimits())


class TestEmpty:
    def test_a_desire_for_nothing_needs_a_word(self) -> None:
        (guard,) = check(Sizes(0, 1, 0), [], GuardLimits())

        assert "EMPTY" == guard.code
        assert "1 entries" in guard.message
        assert "policy.allowEmpty: true" in guard.message

    def test_the_word_is_enough(self) -> None:
        assert () == check(Sizes(0, 3, 0), [], GuardLimits(allow_empty=True))

    def test_nothing_for_an_empty_dataset_is_harmless(self) -> None:
        assert () == check(Sizes(0, 0, 0), [], GuardLimits())


class TestSealed:
    @pytest.mark.parametrize(("added", "overwritten"), [(1, 0), (0, 1)])
    def test_every_change_is_blocked(self, added: int, overwritten: int) -> None:
        """Whether it adds or overwrites; other limits are far away."""
        limits = GuardLimits(sealed=True, allow_protected=True)
        (guard,) = check(Sizes(100, 100, added), refs(overwritten), limits)

        assert "SEALED" == guard.code
        assert "policy.sealed: false" in guard.message

    def test_nothing_to_change_is_no_reason(self) -> None:
        assert () == check(Sizes(100, 100, 0), [], GuardLimits(sealed=True))


class TestCount:
    @pytest.mark.parametrize(("added", "expected"), [(6, []), (7, ["MAX_CHANGES"])])
    def test_what_is_sent_counts_whether_new_or_not(self, added: int, expected: list[str]) -> None:
        guards = check(Sizes(20, 5, added), refs(4), GuardLimits(max_changes=10))

        assert expected == codes(guards)

    def test_names_what_would_be_enough(self) -> None:
        (guard,) = check(Sizes(20, 5, 7), refs(4), GuardLimits(max_changes=10))

        assert "limits.maxChanges: 11" in guard.message


class TestShare:
    @pytest.mark.parametrize(
        ("overwritten", "observed", "expected"),
        [
            (3, 10, []),
            (4, 10, ["MAX_CHANGE_RATIO"]),
            (9, 9, []),
            (0, 0, []),
            (30, 100, []),
            (31, 100, ["MAX_CHANGE_RATIO"]),
        ],
    )
    def test_counts_from_ten_observed_entries(
        self, overwritten: int, observed: int, expected: list[str]
    ) -> None:
        assert expected == codes(share(overwritten, observed))

    def test_names_the_share_and_the_limit(self) -> None:
        (guard,) = share(1, 3 * 5, 0.05)

        assert "1 of 15 observed entries (6.7%)" in guard.message
        assert "the limit is 5.0%" in guard.message

    def test_new_entries_do_not_count(self) -> None:
        assert () == check(Sizes(1_000, 10, 990), [], GuardLimits())

    @given(st.integers(0, 100), st.integers(1, 50))
    def test_a_share_exactly_at_the_limit_passes(self, percent: int, scale: int) -> None:
        """29 of 100 are exactly at a limit of 0.29, despite the rounding of 0.29 x 100."""
        assert () == share(percent * scale, 100 * scale, percent / 100)

    @given(st.integers(10, 2_000), st.data())
    def test_the_words_that_would_allow_it_do(self, observed: int, data: st.DataObject) -> None:
        overwritten = data.draw(st.integers(1, observed))
        (guard,) = share(overwritten, observed, 0.0)
        (enough,) = re.findall(r"limits\.maxChangeRatio: ([0-9.]+)", guard.message)

        assert () == share(overwritten, observed, float(enough))
        assert float(enough) <= 1
        assert float(enough) - 0.01 < overwritten / observed


class TestProtected:
    LIMITS = GuardLimits(protect=globs(["s3://b/golden/**", "s3://b/0.jpg"]))

    def test_entries_are_named_up_to_three(self) -> None:
        golden = [f"s3://b/golden/{number}" for number in range(4)]
        (guard,) = check(Sizes(9, 9, 0), ["s3://b/1.jpg", *golden], self.LIMITS)

        assert "PROTECTED" == guard.code
        assert guard.message.startswith(
            f"4 protected entries would be overwritten: {', '.join(golden[:3])}, …;"
        )
        assert "--allow-protected" in guard.message

    def test_three_are_named_without_an_ellipsis(self) -> None:
        golden = [f"s3://b/golden/{number}" for number in range(3)]
        (guard,) = check(Sizes(9, 9, 0), golden, self.LIMITS)

        assert f": {', '.join(golden)};" in guard.message

    def test_a_pattern_is_about_whole_source_refs(self) -> None:
        assert () == check(Sizes(9, 9, 0), ["s3://b/0.jpg.old", "x/s3://b/golden/1"], self.LIMITS)

    def test_may_be_lifted(self) -> None:
        limits = GuardLimits(protect=self.LIMITS.protect, allow_protected=True)

        assert () == check(Sizes(9, 9, 0), ["s3://b/golden/1"], limits)


class TestAccount:
    ARN = "arn:aws:rekognition:eu-west-1:111122223333:project/flowers/dataset/train/1690476084535"

    @pytest.mark.parametrize(
        ("expected", "arn"), [(None, ARN), ("999999999999", None), ("111122223333", ARN), (None, None)]
    )
    def test_that_is_as_expected_or_not_known_passes(self, expected: str | None, arn: str | None) -> None:
        assert () == account(expected, arn)

    def test_that_is_another_blocks_and_is_named(self) -> None:
        (guard,) = account("999999999999", self.ARN)

        assert "ACCOUNT" == guard.code
        assert "in account 111122223333" in guard.message
        assert "credentials or a roleArn of 999999999999" in guard.message


def test_all_reasons_are_given_in_a_fixed_order() -> None:
    limits = GuardLimits(max_changes=1, protect=globs(["**"]))

    assert ["EMPTY", "MAX_CHANGES", "MAX_CHANGE_RATIO", "PROTECTED"] == codes(
        check(Sizes(0, 10, 0), refs(9), limits)
    )
