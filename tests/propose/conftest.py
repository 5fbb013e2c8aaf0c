"""An account for all tests of the module, a repository for each."""

import pytest

from tests.propose.bench import Bench, accounts


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with accounts(tmp_path_factory.mktemp("account")) as found:
        yield found


@pytest.fixture
def bench(tmp_path):
    with accounts(tmp_path / "account") as found:
        root = tmp_path / "repository"
        root.mkdir()
        yield Bench(found.emulator, found.next_world(), root)
