"""Schedules that ask for more listings than AWS answers calls."""

from __future__ import annotations

from reconciler.core.validation.problem import Origin
from reconciler.core.validation.schedules import Listing, unkeepable


def listings(number: int, *, region: str = "us-east-1", hours: float = 6) -> list[Listing]:
    at = Origin("specs/a.yaml", 1)
    return [Listing("111122223333", region, 250_000, hours * 3_600, at) for _ in range(number)]


def test_as_many_as_five_calls_a_second_can_list_are_fine():
    """43 datasets of 250,000 entries can be listed within six hours, and 44 cannot."""
    assert () == unkeepable(listings(43))

    (problem,) = unkeepable(listings(44))

    assert ("RKD1305", False) == (problem.code, problem.is_error)
    assert "44 datasets cannot be listed as often" in problem.message
    assert "102% of the 5 calls a second; once through takes 6.1 h" in problem.message


def test_each_account_and_region_has_its_own_limit():
    """Datasets in another Region take none of the calls."""
    assert () == unkeepable([*listings(40), *listings(40, region="eu-west-1")])


def test_each_schedule_counts_with_its_own_age():
    """A dataset that may be old for longer takes less."""
    assert () == unkeepable(listings(44, hours=7))
