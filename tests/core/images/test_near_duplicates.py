"""The search for near hashes: it finds what comparing all pairs finds, and ends where too many are alike."""

from __future__ import annotations

import random

import pytest

from reconciler.core.images import near_duplicates
from reconciler.core.images.near_duplicates import HASH_BITS, NEAR_BITS, NearPair, near_pairs


def changed(value: int, bits: int, draw: random.Random) -> int:
    """Return a hash that differs in exactly so many bits."""
    for bit in draw.sample(range(HASH_BITS), bits):
        value ^= 1 << bit
    return value


@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_of_each_is_that_of_comparing_all_pairs(seed):
    """Among hashes at every distance from one another up to twice the limit."""
    draw = random.Random(seed)
    train = {f"s3://b/train/{number}": draw.getrandbits(HASH_BITS) for number in range(60)}
    test = {
        f"s3://b/test/{number}": changed(draw.choice(list(train.values())), number, draw)
        for number in range(2 * NEAR_BITS)
    }

    expected = {}
    for ref, value in test.items():
        distance = min((value ^ other).bit_count() for other in train.values())
        if distance <= NEAR_BITS:
            expected[ref] = distance

    found = near_pairs(train, test)
    assert expected == {pair.test_ref: pair.distance for pair in found.pairs}
    assert all((train[p.train_ref] ^ test[p.test_ref]).bit_count() == p.distance for p in found.pairs)
    assert sorted(expected.values()) == [pair.distance for pair in found.pairs]
    assert found.complete


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [([4] * 12, 0), ([3, *[4] * 11], 1), ([4] * 11 + [3], 1), ([0] * 12, 16), ([20, 20, 8, *[0] * 9], 0)],
)
def test_no_distribution_of_48_bits_over_the_bands_is_missed(wide, narrow):
    """The worst cases: four bits in each band but one."""
    value = sum(
        1 << (HASH_BITS - 1 - band - 12 * bit) for band, bits in enumerate(wide) for bit in range(bits)
    )
    value |= sum(1 << bit for bit in range(narrow))
    assert value.bit_count() <= NEAR_BITS

    assert (NearPair("a", "b", value.bit_count()),) == near_pairs({"a": 0}, {"b": value}).pairs


def test_the_49th_bit_is_too_many():
    near, far = (1 << 48) - 1, (1 << 49) - 1
    assert (NearPair("a", "b", 48),) == near_pairs({"a": 0}, {"b": near, "c": far}).pairs


def test_an_image_of_both_datasets_is_no_pair_with_itself():
    """`validate` names it."""
    assert () == near_pairs({"a": 5}, {"a": 5}).pairs
    assert (NearPair("a", "b", 0),) == near_pairs({"a": 5}, {"a": 5, "b": 5}).pairs


def test_where_too_many_are_alike_the_search_ends(monkeypatch):
    """What was found before is kept."""
    draw = random.Random(1)
    scene = draw.getrandbits(HASH_BITS)
    train, test = ({f"{kind}{n}": changed(scene, 20, draw) for n in range(50)} for kind in "ab")
    assert near_pairs(train, test).complete
    monkeypatch.setattr(near_duplicates, "MAX_COMPARISONS", 2_000)

    found = near_pairs(train, test)

    assert not found.complete
    assert found.pairs
