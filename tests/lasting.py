"""What the tests of one worker share, and start once: closed when the last of them has ended."""

from contextlib import ExitStack

LASTING = ExitStack()
