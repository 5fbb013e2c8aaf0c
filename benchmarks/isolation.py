"""
Print how many updates it takes to isolate what fails: `python -m benchmarks.isolation`.

Counted are all updates, the first one and the merged rest included. One culprit is tried at every place;
several are drawn at random, with a fixed seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import mean

from reconciler.core.planning.bisect import BatchResult, Isolation

LINES = 3_400
LINE_BYTES = 700
LIMIT = 5_000_000 - 1
BUDGETS = {1: 15, 2: 28, 5: 65}
SAMPLES = 1_000

Fails = Callable[[Sequence[int]], bool]


def carry_out(isolation: Isolation[int], fails: Fails) -> int:
    """Play the service until nothing is left to send; return the updates made."""
    while (batch := isolation.next()) is not None:
        isolation.record(BatchResult.FAILED if fails(batch.items) else BatchResult.PASSED)
    return isolation.updates


def poisons(culprits: Iterable[int]) -> int:
    """Isolate lines that fail in any company."""
    bad = frozenset(culprits)
    isolation = Isolation([(line, LINE_BYTES) for line in range(LINES)], LIMIT)
    carry_out(isolation, lambda sent: not bad.isdisjoint(sent))
    if bad != set(isolation.isolated) or isolation.unresolved_groups:
        raise AssertionError(f"{sorted(bad)} were not isolated from the others")
    return isolation.updates


def pair(members: Iterable[int]) -> int:
    """Apply two lines that fail together only."""
    bad = frozenset(members)

    def fails(sent: Sequence[int]) -> bool:
        return bad.issubset(sent)

    isolation = Isolation([(line, LINE_BYTES) for line in range(LINES)], LIMIT)
    updates = carry_out(isolation, fails)
    if isolation.isolated or isolation.unresolved_groups:
        raise AssertionError(f"{sorted(bad)} were not applied apart")
    return updates


def drawn(count: int) -> Iterator[list[int]]:
    """Give the same random places on every run."""
    rng = random.Random(count)
    for _ in range(SAMPLES):
        yield rng.sample(range(LINES), count)


def main() -> None:
    """Print the table; every figure is a count, none is a time."""
    print(f"{LINES} lines in one batch{'mean':>20}{'max':>6}{'budget':>8}")
    for count, budget in BUDGETS.items():
        places = ([place] for place in range(LINES)) if count == 1 else drawn(count)
        updates = [poisons(some) for some in places]
        print(f"{count} poison, {len(updates)} runs".ljust(30), end="")
        print(f"{mean(updates):14.2f}{max(updates):6}{budget:8}")
    updates = [pair(two) for two in drawn(2)]
    print(f"pair, applied apart           {mean(updates):14.2f}{max(updates):6}")
    outage = Isolation([(line, LINE_BYTES) for line in range(LINES)], LIMIT)
    print(f"every update fails            {carry_out(outage, lambda _: True):14}")


if __name__ == "__main__":
    main()
