"""
Print what it takes to prove k changes of 250,000: `python -m benchmarks.readback`.

Below one page for every hundred touched refs no choice can come. Clustered means: whole runs of a folder
changed, as after a labelling session; scattered means: drawn from everywhere.
"""

from __future__ import annotations

import random
import resource
import sys
from collections.abc import Sequence
from time import process_time

from reconciler.core.planning.calls import cover
from reconciler.core.runtime.quotas import PAGE_SIZE

ENTRIES = 250_000
FOLDER = 500
RUN = 250
CHANGES = (1, 10, 100, 1_000, 10_000, 20_000)


def source_refs() -> list[str]:
    """Name the images of some five hundred shoots in one bucket."""
    return sorted(
        f"s3://acme-flowers/train/shoot-{number // FOLDER:03}/img_{number % FOLDER:05}.jpg"
        for number in range(ENTRIES)
    )


def scattered(known: Sequence[str], count: int, rng: random.Random) -> list[str]:
    return rng.sample(known, count)


def clustered(known: Sequence[str], count: int, rng: random.Random) -> list[str]:
    runs = rng.sample(range(0, len(known), RUN), -(-count // RUN))
    return [ref for start in sorted(runs) for ref in known[start : start + RUN]][:count]


def main() -> None:
    """Print the table; CPU is that of the choice, not of the calls."""
    known = source_refs()
    print(f"{'changes':<20}{'below':>8}{'calls':>8}{'filters':>9}{'full':>8}{'CPU s':>8}")
    for pick in (clustered, scattered):
        for count in CHANGES:
            touched = pick(known, count, random.Random(count))
            started = process_time()
            chosen = cover(known, touched)
            spent = process_time() - started
            below, full = -(-count // PAGE_SIZE), -(-len(known) // PAGE_SIZE)
            filters = "full" if chosen.full else len(chosen.filters)
            print(f"{count:>7} {pick.__name__:<12}", end="")
            print(f"{below:8}{chosen.calls:8}{filters:>9}{full:8}{spent:8.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory, the known refs included: {peak / 1024:.0f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
