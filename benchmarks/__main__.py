"""
Measure every budget: `python3 dev.py bench [--quick] [--only TEXT] [--runs N] [--write]`.

Prints a table, writes the figures as JSON, and compares them with the last published ones. `--write` publishes:
it writes `docs/benchmarks.md` and `docs/benchmarks.json` anew. Takes a quarter of an hour; some minutes with
`--quick`, which takes fewer entries, so that the start of each process weighs more: its figures are not
comparable with budgets.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks import page
from benchmarks.alternatives import ALTERNATIVES
from benchmarks.budgets import BUDGETS, Result
from benchmarks.measure import Setting

ENTRIES = 250_000
QUICK_ENTRIES = 20_000


def main() -> int:
    parser = _parser()
    args = parser.parse_args()
    if args.quick and args.write:
        parser.error("figures of a quick run are not published")
    entries = args.entries or (QUICK_ENTRIES if args.quick else ENTRIES)
    published = page.published()
    with tempfile.TemporaryDirectory(prefix="reconciler-bench-") as name:
        setting = Setting(Path(name), entries, args.runs or (1 if args.quick else 3))
        results = []
        print(page.head())
        for budget in BUDGETS:
            if args.only in budget.name:
                results.append(Result(budget, tuple(budget.measure(setting))))
                print(page.row(results[-1], published), flush=True)
        others = [
            (one, (one.measure(setting), one.ours(setting))) for one in ALTERNATIVES if args.only in one.name
        ]
        for other in others:
            print(page.other_row(other))
    document = page.document(setting, results, others)
    if args.json:
        Path(args.json).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    if args.write:
        page.publish(document)
    return 0 if all(result.is_met for result in results) or args.quick else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="20,000 entries, one repetition")
    parser.add_argument("--only", default="", metavar="TEXT", help="budgets with this in their name")
    parser.add_argument("--entries", type=int, help=f"of each dataset (default: {ENTRIES:,})")
    parser.add_argument("--runs", type=int, help="repetitions (default: 3; with --quick 1)")
    parser.add_argument("--json", default="bench.json", metavar="FILE", help="default: bench.json")
    parser.add_argument("--write", action="store_true", help="publish: write docs/benchmarks.md and .json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
