"""What holds for every test."""

import shutil
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from reconciler.state import database
from tests.lasting import LASTING

# A busy machine makes an example slow, not wrong. Each run draws others: thirty keep the whole within minutes.
# `-m hypothesis --hypothesis-profile thorough` draws more, of these tests alone, and the same ones in each run:
# what a change did not cause must not keep it from landing.
usual = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", usual, max_examples=30)
settings.register_profile("thorough", usual, max_examples=200, derandomize=True)
settings.load_profile("quick")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what programs remember of files away from the cache of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _log_of_one_test() -> Iterator[None]:
    """Forget how a test set up the log, which may write to its own stderr, and what it bound to later lines."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


# What a test of these lanes may take, in seconds; pyproject.toml has the limit of all others.
LIMITS = {"slow": 600, "tools": 600, "browser": 600, "benchmark": 1_800, "cluster": 3_600, "image": 1_800}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the slow lanes more time before a test that hangs is ended."""
    for item in items:
        if limits := [seconds for lane, seconds in LIMITS.items() if item.get_closest_marker(lane)]:
            item.add_marker(pytest.mark.timeout(max(limits)))


# The lanes that the default run leaves out, and how to run each.
LEFT_OUT = ("slow", "browser", "benchmark", "cluster")
_left_out = pytest.StashKey[dict[str, int]]()


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count what is left out by lane; a test of two lanes belongs to the first."""
    if not items:
        return
    counts = items[0].config.stash.setdefault(_left_out, {})
    for item in items:
        if lane := next((lane for lane in LEFT_OUT if item.get_closest_marker(lane)), None):
            counts[lane] = counts.get(lane, 0) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the counts of a worker to the process that reports."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["left_out"] = session.config.stash.get(_left_out, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the counts of a worker; each collects the same tests."""
    counts = getattr(node, "workeroutput", {}).get("left_out", {})
    node.config.stash.setdefault(_left_out, {}).update(counts)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was left out and how to run it, below what was skipped and why."""
    for lane, number in sorted(config.stash.get(_left_out, {}).items()):
        terminalreporter.write_line(f"LEFT OUT [{number}] {lane}: python3 dev.py test -m {lane}")


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


@pytest.fixture(scope="session", autouse=True)
def _shared() -> Iterator[None]:
    """Close what the tests of this worker shared; until then, no commit of theirs waits for the disk."""
    with LASTING, pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "SYNCHRONOUS", "OFF")
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield a browser, for the tests marked with `tests.browser.MARKS`."""
    from tests.browser import launched  # only where there is one

    with launched() as found:
        yield found
