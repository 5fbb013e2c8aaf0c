"""Packing lines into updates."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.planning.batch import Batch, pack, payload

LIMITS = st.integers(20, 60)
LENGTHS = st.lists(st.integers(0, 19), max_size=60)


def packed(lengths: list[int], limit: int) -> tuple[Batch[int], ...]:
    return pack(list(enumerate(lengths)), limit)


@given(LENGTHS, LIMITS)
def test_keeps_order_and_loses_nothing(lengths: list[int], limit: int) -> None:
    sent = [item for batch in packed(lengths, limit) for item in batch.items]

    assert list(range(len(lengths))) == sent


@given(LENGTHS, LIMITS)
def test_every_batch_fits_and_holds_something(lengths: list[int], limit: int) -> None:
    """No batch is empty or over the limit, and its size is that of its payload to the byte."""
    for batch in packed(lengths, limit):
        assert len(batch) == len(batch.items) > 0
        assert len(payload(b"x" * lengths[item] for item in batch.items)) == batch.size <= limit


@given(LENGTHS.filter(bool), LIMITS)
def test_there_are_as_few_as_can_be_to_within_one_line_each(lengths: list[int], limit: int) -> None:
    total, longest = sum(lengths) + len(lengths), max(lengths) + 1
    count = len(packed(lengths, limit))

    assert ceil(total / limit) <= count <= ceil(total / (limit - longest + 1))


@given(LENGTHS, LIMITS)
def test_no_batch_could_take_the_line_after_it(lengths: list[int], limit: int) -> None:
    batches = packed(lengths, limit)
    for batch, after in pairwise(batches):
        assert batch.size + lengths[after.items[0]] + 1 > limit


def test_nothing_gives_no_batch() -> None:
    assert () == pack([], 10)


def test_a_line_may_fill_a_batch_to_the_byte() -> None:
    assert [10, 10] == [batch.size for batch in packed([9, 9], 10)]


@pytest.mark.parametrize("lengths", [[10], [1, 10], [10, 1]])
def test_a_line_over_the_limit_is_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="over its limit"):
        packed(lengths, 10)


def test_an_empty_batch_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        Batch((), 0, 10)


def test_a_payload_ends_every_line() -> None:
    assert b'{"a":1}\n{"b":2}\n' == payload([b'{"a":1}', b'{"b":2}'])
