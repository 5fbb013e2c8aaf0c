"""``python -m reconciler.demo``."""

import sys

from reconciler.cli.output.terminal import discard
from reconciler.demo import main
from reconciler.errors import Exit

if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # the reader has closed the pipe
        discard(sys.stdout)
        sys.exit(Exit.DONE)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
