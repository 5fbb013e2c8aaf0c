"""
Run git, without prompts and with a deadline. No other module starts a git process.

No program that a repository names is run: no hook, no fsmonitor, no transport for missing objects. The callers
keep git from its configuration: `checkout` gives git its own directory over a checkout of the user, and the clone
below the state directory is ours.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

READ_SECONDS: Final = 60

# Variables that redirect git to another repository or change how it reads one; git sets some of them for hooks.
_FOREIGN: Final = frozenset(
    f"GIT_{name}"
    for name in (
        "ALTERNATE_OBJECT_DIRECTORIES", "ATTR_SOURCE", "CEILING_DIRECTORIES", "COMMON_DIR", "CONFIG",
        "DEFAULT_HASH", "DEFAULT_REF_FORMAT", "DIR", "EXTERNAL_DIFF", "GLOB_PATHSPECS", "GRAFT_FILE",
        "ICASE_PATHSPECS", "IMPLICIT_WORK_TREE", "INDEX_FILE", "INTERNAL_SUPER_PREFIX", "LITERAL_PATHSPECS",
        "NAMESPACE", "NOGLOB_PATHSPECS", "OBJECT_DIRECTORY", "PREFIX", "QUARANTINE_PATH", "REFLOG_ACTION",
        "SHALLOW_FILE", "TEMPLATE_DIR", "WORK_TREE",
    )
)  # fmt: skip
_NO_PROGRAMS: Final = (("core.fsmonitor", "false"), ("core.hooksPath", os.devnull))
_OFFLINE: Final = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
_ASIDE: Final = ("warning:", "hint:")
_BOILERPLATE: Final = "Please make sure you have the correct access rights"
_LINES: Final = 2  # of the error output that are shown


class Answer(NamedTuple):
    """
    The result of a git command.

    Attributes:
        reason: Its error output, shortened and without passwords; never empty.
    """

    code: int
    out: bytes
    reason: str

    @property
    def text(self) -> str:
        return os.fsdecode(self.out).strip("\n")


def run(
    *words: str,
    git_dir: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    into: BinaryIO | None = None,
    seconds: float = READ_SECONDS,
) -> Answer:
    """
    Run git and wait for its end.

    Args:
        git_dir: The repository; git never searches for one.
        env: The whole environment; `environment` without a network if it is left out.
        into: A real file for the output of git.

    Raises:
        TimeoutError: It took longer than *seconds*, and was killed with its children.
        OSError: It cannot be run.
    """
    # In a session of its own, git has no terminal for prompts, and its children can be killed with it.
    process = subprocess.Popen(
        ["git", f"--git-dir={git_dir}", *words],
        cwd=cwd,
        env=environment() | _OFFLINE if env is None else env,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=into or subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            answer, complaint = process.communicate(stdin, timeout=seconds)
        except BaseException as exc:
            os.killpg(process.pid, signal.SIGKILL)  # often a child hangs that holds the connection
            if not isinstance(exc, subprocess.TimeoutExpired):
                raise
            raise TimeoutError(f"git {words[0]} took longer than {seconds:g} s") from None
    return Answer(process.returncode, answer or b"", _reason(complaint, process.returncode))


def environment(*config: tuple[str, str]) -> dict[str, str]:
    """
    Return the environment for a git process.

    Configuration in the inherited environment, such as trusted signers, stays.

    Args:
        config: Further settings, in order.
    """
    kept = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    count = kept.get("GIT_CONFIG_COUNT", "")
    ours = int(count) if re.fullmatch("[0-9]{1,6}", count) else 0
    settings = (*_NO_PROGRAMS, *config)
    for number, (key, value) in enumerate(settings, ours):
        kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return kept | {
        "GIT_CONFIG_COUNT": str(ours + len(settings)),
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def _reason(stderr: bytes, code: int) -> str:
    """
    Return the first lines of the error output, and those that continue them, without passwords in URLs.

    Messages of ssh or the remote side come before those of git, and are more specific.
    """
    if code < 0:  # such as SIGXFSZ, by a limit for the size of files
        return f"{signal.strsignal(-code)} (signal {-code})"
    text = stderr.decode(errors="replace").partition(_BOILERPLATE)[0]
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.lower().startswith(_ASIDE)]
    shown = lines[:_LINES]
    for line in lines[_LINES:]:
        if not shown[-1].endswith(":"):
            break
        shown[-1] += f" {line}"
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", "; ".join(shown) or "no reason given")
