"""Run every linter, whatever the one before said; show the output of those that object: python3 dev.py lint."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

LINTERS = {
    "ruff check": ["ruff", "check"],
    "ruff format": ["ruff", "format", "--check"],
    "mypy": ["mypy"],
    "lint-imports": ["lint-imports", "--no-logo"],
}


def main() -> int:
    """Return 1 if a linter objects."""
    if len(sys.argv) > 1:
        sys.stderr.write("dev.py: lint takes no arguments; see python3 dev.py --help\n")
        return 64
    failures = 0
    for name, command in LINTERS.items():
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        failures += done.returncode != 0
        print(f"{name:<14}{'ok' if done.returncode == 0 else 'failed'}", flush=True)
        if done.returncode:
            print(done.stdout.rstrip(), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
