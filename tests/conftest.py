"""What holds for every test."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine makes an example slow, not wrong. Each run draws others: sixty keep the whole within minutes.
settings.register_profile(
    "any-machine", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give a browser, for the tests marked with `tests.browser.MARKS`."""
    from tests.browser import launched  # only where there is one

    with launched() as found:
        yield found
