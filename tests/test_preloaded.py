"""What is forked from a Python that has imported the project behaves as what a Python starts."""

import os
import subprocess
import sys

import pytest

from tests.preloaded import python

PROBE = """\
import os, sys, time
print(sys.argv[1:], os.getcwd(), sorted(os.environ.items()), os.umask(0), sys.stdin.read(), time.tzname)
print(sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering, sys.stderr.errors, __name__)
print("on stderr", file=sys.stderr)
{end}
"""
ENDS = {
    "the end": "",
    "a code": "sys.exit(3)",
    "a code beyond a byte": "sys.exit(259)",
    "a message": "sys.exit('no')",
    "an exception": "raise KeyError('no')",
    "a signal": "os.kill(os.getpid(), 15)",
    "the end of all signals": "os.kill(os.getpid(), 9)",
    "a thread that goes on": "import threading; threading.Timer(0.01, print, ['late']).start(); sys.exit(4)",
    "a function for the end": "import atexit; atexit.register(print, 'late'); sys.exit(5)",
    "a stream that is full": "sys.stdout = open('/dev/full', 'w'); print('lost'); sys.exit(0)",
}


def ran(program, place, *words, **variables):
    environment = {"PATH": os.environ["PATH"], "TZ": "Asia/Tokyo", **variables}
    return subprocess.run(
        [program, "-m", "probe", *words],
        cwd=place,
        env=environment,
        input="in\n",
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_process_is_given_the_same_and_ends_the_same(end, tmp_path):
    """Arguments, directory, environment, umask, streams and exit code."""
    (tmp_path / "probe.py").write_text(PROBE.format(end=end))

    forked, started = (ran(program, tmp_path, "a", "ü b", X="ü") for program in (python(), sys.executable))

    assert (started.returncode, started.stdout) == (forked.returncode, forked.stdout)
    assert started.stderr.splitlines()[-1:] == forked.stderr.splitlines()[-1:]


@pytest.mark.parametrize(
    ("variables", "is_forked"), [({}, True), ({"PYTHONHASHSEED": "7"}, False), ({"PYTHONPATH": "/x"}, False)]
)
def test_what_only_a_start_can_do_is_started(variables, is_forked, tmp_path):
    """A seed for hashes, or another path for imports, is nothing that a fork can have."""
    (tmp_path / "probe.py").write_text("import sys; print('reconciler.cli.main' in sys.modules)")

    assert f"{is_forked}\n" == ran(python(), tmp_path, **variables).stdout
