"""
The budget of a start: CPU of `reconciler --version`, at most 150 ms: `python -m benchmarks.start [--runs 20]`.

Help and completion are measured with it: neither may load the AWS SDK.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

COMMANDS = (["--version"], ["--help"], ["plan", "--help"], ["--print-completion", "bash"])


def cpu(words: Sequence[str]) -> float:
    """Return the CPU seconds, of user and system, that one command costs from start to end."""
    process = subprocess.Popen([sys.executable, "-m", "reconciler", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"reconciler {' '.join(words)} exited with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    args = parser.parse_args()
    for words in COMMANDS:
        cpu(words)  # the first may compile
        seconds = median(cpu(words) for _ in range(args.runs))
        print(f"reconciler {' '.join(words):<24} {1000 * seconds:4.0f} ms CPU, median of {args.runs}")


if __name__ == "__main__":
    main()
