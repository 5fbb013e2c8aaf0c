"""Assigning datasets to shards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.runtime.shard import Shard

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?", fullmatch=True)


def owners(name: str, count: int) -> list[int]:
    return [index for index in range(count) if name in Shard(index, count)]


@given(NAMES, st.integers(1, 20))
def test_every_dataset_has_one_home(name: str, count: int):
    """Every dataset belongs to exactly one shard."""
    assert 1 == len(owners(name, count))


@given(NAMES, st.integers(1, 20))
def test_one_shard_more_only_takes(name: str, count: int):
    """Adding a shard moves datasets only to the new one."""
    before, after = owners(name, count), owners(name, count + 1)

    assert after in (before, [count])


def test_the_answer_is_the_same_everywhere():
    """The assignment is the same for every version and machine: these values must never change."""
    assert [PINNED[name] for name in PINNED] == [owners(name, 3)[0] for name in PINNED]


def test_shards_are_about_equally_large():
    """Of three thousand datasets each of three shards has a third, within a tenth."""
    sizes = [sum(f"dataset-{n}" in Shard(index, 3) for n in range(3000)) for index in range(3)]

    assert all(900 <= size <= 1100 for size in sizes), sizes


@pytest.mark.parametrize(("index", "count"), [(3, 3), (-1, 3), (0, 0)])
def test_a_shard_that_is_none_is_refused(index: int, count: int):
    with pytest.raises(ValueError, match="the first is 0"):
        Shard(index, count)


PINNED = {"flowers-train": 2, "flowers-test": 2, "circuit-boards-train": 0, "a": 2, "roses": 1}
