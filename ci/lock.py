#!/usr/bin/env python3
"""Write the lock files anew: python3 dev.py lock [ARG ...], whose arguments go to uv."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What the lock files promise to install on; markers distinguish later versions.
OLDEST_PYTHON = "3.11"


def main(arguments: list[str]) -> int:
    """
    Write the lock files, for every supported Python and platform, with hashes and no addresses.

    Pins that still fit stay as they are. All others are solved under the runtime lock, so that the
    tests run on what is shipped, and the build backend under the development lock.
    """
    shape = ["--universal", "--generate-hashes", "--no-annotate", "--no-header", "--quiet"]
    solve = ["uv", "pip", "compile", *shape, "--python-version", OLDEST_PYTHON]
    project, runtime, development = "pyproject.toml", "requirements.lock.txt", "requirements.dev.lock.txt"
    for more in (
        [project, "-o", runtime],
        [project, "-o", development, "--group", "dev", "-c", runtime],
        [project, "-o", "requirements.k8s.lock.txt", "--extra", "k8s", "-c", development],
        ["-o", "requirements.build.lock.txt", "--group", "build", "-c", development],
        ["-o", "requirements.docs.lock.txt", "--group", "docs"],
        ["-o", "requirements.lanes.lock.txt", "--group", "lanes"],
        ["-o", "requirements.oracles.lock.txt", "--group", "oracles"],
        ["-o", "requirements.mutation.lock.txt", "--group", "mutation"],
    ):
        try:
            code = subprocess.run([*solve, *more, *arguments], cwd=ROOT).returncode
        except FileNotFoundError:
            sys.exit("dev.py: lock needs uv on the PATH: pipx install uv")
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
