"""What holds for every test."""

import shutil
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine makes an example slow, not wrong. Each run draws others: thirty keep the whole within minutes.
# `-m hypothesis --hypothesis-profile thorough` draws more, of these tests alone, and the same ones in each run:
# what a change did not cause must not keep it from landing.
usual = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", usual, max_examples=30)
settings.register_profile("thorough", usual, max_examples=200, derandomize=True)
settings.load_profile("quick")


# What a test of these lanes may take, in seconds; pyproject.toml has the limit of all others.
LIMITS = {"slow": 600, "tools": 600, "browser": 600, "benchmark": 1_800, "image": 1_800}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the slow lanes more time before a test that hangs is ended."""
    for item in items:
        if limits := [seconds for lane, seconds in LIMITS.items() if item.get_closest_marker(lane)]:
            item.add_marker(pytest.mark.timeout(max(limits)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Skip what is marked to need git, or has a fixture that runs it, where it is not installed."""
    if item.get_closest_marker("git") and not shutil.which("git"):
        _skip_without_git()
    return (yield from _skipped_without_git())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Skip a test that runs git where it is not installed; all of them are one line of the summary."""
    return (yield from _skipped_without_git())


def _skipped_without_git() -> Generator[None, object, object]:
    try:
        return (yield)
    except FileNotFoundError as exc:
        if exc.filename == "git" and not shutil.which("git"):
            _skip_without_git()
        raise


def _skip_without_git() -> None:
    """Skip, always from this line: the summary tells of all such tests in one."""
    pytest.skip("git is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give a browser, for the tests marked with `tests.browser.MARKS`."""
    from tests.browser import launched  # only where there is one

    with launched() as found:
        yield found
