"""``python -m reconciler.demo``."""

import sys

from reconciler.cli.exits import Exit
from reconciler.demo import main

if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
