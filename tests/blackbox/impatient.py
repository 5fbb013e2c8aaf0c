"""The command line, which waits less for updates that may still arrive: for tests that kill it many times."""

from reconciler.engine.dataset import prepare

prepare.OPEN_SECONDS = 10.0  # type: ignore[misc]  # the stand-in of these tests takes every call at once

from reconciler.cli.main import main  # noqa: E402 - imports what is changed above

if __name__ == "__main__":
    raise SystemExit(main())
