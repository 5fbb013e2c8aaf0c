"""What the emulator may cost."""

import pytest

from benchmarks.emulator import fastest_start, listing

pytestmark = pytest.mark.benchmark


def test_it_starts_in_half_a_second():
    assert fastest_start() < 0.5


def test_a_quarter_of_a_million_entries_are_listed_at_500_pages_a_second_in_half_a_gigabyte():
    """To boto3 on the loopback, without the time in which boto3 itself computes; the best of five rounds."""
    paces, peak_mb = listing(250_000)

    assert max(pace.own_rate for pace in paces) >= 500
    assert peak_mb < 500
