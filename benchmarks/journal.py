"""
The overhead of the journal: two commits on the disk for each update.

    python -m benchmarks.journal [--updates 50]

An update at AWS takes seconds at the least; what is printed is added to each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from reconciler.state import State

ENTRIES = 3_400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--updates", type=int, default=50)
    args = parser.parse_args()
    refs = [f"s3://acme-inspection/line-{number % 7}/IMG_{number:07}.jpg" for number in range(ENTRIES)]
    took = []
    with tempfile.TemporaryDirectory() as name, State(Path(name)) as state:
        for _ in range(args.updates):
            start = time.perf_counter()
            state.journal.end(state.journal.begin("bench", "arn", refs, time.time()), "UPDATE_COMPLETE")
            took.append((time.perf_counter() - start) * 1_000)
        size = sum(path.stat().st_size for path in Path(name).iterdir() if path.is_file())
    print(
        f"{args.updates} updates of {ENTRIES} entries: median {median(took):.1f} ms, most {max(took):.1f} ms "
        f"an update, both commits on the disk; {size / args.updates / 1024:.0f} kB an update in the file"
    )


if __name__ == "__main__":
    main()
