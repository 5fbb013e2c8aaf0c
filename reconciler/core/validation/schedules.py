"""
Warn of schedules that cannot be kept: AWS answers 5 calls a second, and a listing takes one for 100 entries.

The limit holds for all datasets of an account and Region together: 43 of 250,000 entries at six hours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from reconciler.core.runtime.limits import CALLS_PER_SECOND, PAGE_SIZE
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.core.validation.spec_codes import TOO_MANY_TO_LIST


class Listing(NamedTuple):
    """
    The regular listing of one dataset.

    Attributes:
        account, region: None if the spec leaves them to the credentials and the SDK.
        max_age_seconds: How often it must be made, at least.
    """

    account: str | None
    region: str | None
    entries: int
    max_age_seconds: float
    origin: Origin | None

    @property
    def seconds(self) -> float:
        return max(1, -(-self.entries // PAGE_SIZE)) / CALLS_PER_SECOND


def unkeepable(listings: Iterable[Listing]) -> tuple[Problem, ...]:
    """Return a warning for each account and Region whose datasets cannot all be listed as often as asked."""
    places: dict[tuple[str | None, str | None], list[Listing]] = defaultdict(list)
    for listing in listings:
        places[listing.account, listing.region].append(listing)
    return tuple(_problem(found) for found in places.values() if _load(found) > 1)


def _load(listings: Iterable[Listing]) -> float:
    """Return the share of all calls that the listings take."""
    return sum(listing.seconds / listing.max_age_seconds for listing in listings)


def _problem(listings: list[Listing]) -> Problem:
    account, region = listings[0].account or "of the credentials", listings[0].region or "the SDK's Region"
    hours = sum(listing.seconds for listing in listings) / 3_600
    text = (
        f"account {account}, {region}: {len(listings):,} datasets cannot be listed as often as fullScanMaxAge "
        f"asks: that takes {_load(listings):.0%} of the {CALLS_PER_SECOND} calls a second; once through takes "
        f"{hours:.1f} h"
    )
    return Problem(Severity.WARNING, TOO_MANY_TO_LIST.code, text, listings[0].origin)
