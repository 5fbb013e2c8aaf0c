"""
Find images of a test dataset that look like training images, by their perceptual hashes.

Two hashes of 256 bits are near if at most 48 bits differ. The bits are divided into twelve bands of 20 bits and
one of 16. A pair that differs in at least four bits of each of the twelve bands, and in at least one bit of the
last, differs in 49 bits. Every near pair therefore has a band of 20 bits that differs in at most three bits, or
an equal last band. The search looks up each band of 20 bits together with its 1,350 variants of up to three
changed bits, and the last band unchanged; only hashes found this way are compared in full (multi-index hashing:
Norouzi, Punjani and Fleet, 2012).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, compress
from typing import Final, NamedTuple

HASH_BITS: Final = 256
NEAR_BITS: Final = 48
"""Most bits in which near hashes differ."""

MAX_COMPARISONS: Final = 500_000_000
"""
Hashes that are compared, some 0.2 µs each. Hashes of all kinds of scenes take a third of it for 200,000 training
and 50,000 test images; where many scenes are alike, it ends the search.
"""

_WIDE_BANDS: Final = 12
_WIDE_BITS: Final = 20
_RADIUS: Final = 3


class NearPair(NamedTuple):
    """
    A test image, and the training image that looks most like it.

    Attributes:
        distance: Bits in which their hashes differ, of `HASH_BITS`.
    """

    train_ref: str
    test_ref: str
    distance: int


class NearPairs(NamedTuple):
    """
    The near pairs of two datasets.

    Attributes:
        complete: Whether all pairs were found: not so after `MAX_COMPARISONS`.
    """

    pairs: tuple[NearPair, ...]
    complete: bool


def near_pairs(train: Mapping[str, int], test: Mapping[str, int]) -> NearPairs:
    """
    Return for each test image the nearest training image, if that is near; the nearest pairs first.

    Takes 2 to 9 ms for each test image, among 16,000 to 200,000 training images, and 0.7 kB for each of these.

    Args:
        train, test: Hashes by source-ref; a test image that is a training image as well is left out.
    """
    trained = _by_hash(train)
    tested = _by_hash({ref: value for ref, value in test.items() if ref not in train})
    search = _Search(trained.keys(), tested.keys())
    search.run()
    found = (
        NearPair(trained[nearest][0], ref, distance)
        for value, (distance, nearest) in search.nearest.items()
        for ref in tested[value]
    )
    return NearPairs(tuple(sorted(found, key=lambda pair: (pair.distance, pair.test_ref))), search.left >= 0)


def _by_hash(hashes: Mapping[str, int]) -> dict[int, list[str]]:
    """Return the source-refs with each hash, sorted: images that look the same are compared once."""
    found: dict[int, list[str]] = defaultdict(list)
    for ref in sorted(hashes):
        found[hashes[ref]].append(ref)
    return found


class _Search:
    """
    Looks for the nearest training hash of each test hash.

    Attributes:
        nearest: Test hash -> distance and training hash, of those that have one.
        left: Comparisons that are still allowed; below 0 if the search ended early.
    """

    def __init__(self, train: Collection[int], test: Collection[int]) -> None:
        self._train = train
        self._test = test
        self.nearest: dict[int, tuple[int, int]] = {}
        self.left = MAX_COMPARISONS

    def run(self) -> None:
        for band, masks in _bands():
            table, filled = self._table(band)
            for value in self._test:
                key = _part(value, band)
                keys = list(map(key.__xor__, masks))
                for found in compress(keys, map(filled.__getitem__, keys)):
                    self._compare(value, table[found])
                if self.left < 0:
                    return

    def _table(self, band: slice) -> tuple[dict[int, list[int]], bytearray]:
        """Return the training hashes by their part in a band, and for each possible part whether it occurs."""
        table: dict[int, list[int]] = defaultdict(list)
        for value in self._train:
            table[_part(value, band)].append(value)
        filled = bytearray(1 << _WIDE_BITS)  # asking it is faster than asking a dictionary of 200,000 keys
        for key in table:
            filled[key] = 1
        return table, filled

    def _compare(self, value: int, others: Sequence[int]) -> None:
        self.left -= len(others)
        best = self.nearest.get(value, (NEAR_BITS + 1, 0))
        for other in others:
            if (distance := (value ^ other).bit_count()) < best[0]:
                best = distance, other
        if best[0] <= NEAR_BITS:
            self.nearest[value] = best


def _bands() -> Iterator[tuple[slice, Sequence[int]]]:
    """Yield each band with its masks: a part is looked up once for each mask, XORed with it."""
    neighbours = [
        sum(1 << bit for bit in bits)
        for count in range(_RADIUS + 1)
        for bits in combinations(range(_WIDE_BITS), count)
    ]
    wide = _WIDE_BANDS * _WIDE_BITS
    for band in range(_WIDE_BANDS):  # each has high and low frequencies: scenes are alike in the lowest
        yield slice(band, wide, _WIDE_BANDS), neighbours
    yield slice(wide, HASH_BITS), [0]


def _part(value: int, band: slice) -> int:
    return int(f"{value:0{HASH_BITS}b}"[band], 2)
