"""Check whether the state directory can be used, without changing it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from reconciler.core.preflight import Check, CheckResult, Mark
from reconciler.errors import StateError, StateUnusable
from reconciler.state.damage import UNREADABLE, check_rows
from reconciler.state.database import FILE_NAME
from reconciler.state.read_only import opened_for_reading
from reconciler.state.schema import NEWEST

_REMEDY: Final = "give the user of this process the right to write there, or name another by --state-dir"


def check_state(directory: Path) -> CheckResult:
    """Check the state directory, which need not exist yet. Nothing in it is created or changed."""
    try:
        return _missing(directory) if not directory.exists() else _present(directory)
    except OSError as exc:
        return _failed(f"{directory}: {exc.strerror or exc}")


def _missing(directory: Path) -> CheckResult:
    if directory.is_symlink():
        return _failed(f"{directory} is a link that leads nowhere")
    nearest = next(parent for parent in directory.absolute().parents if parent.exists())
    if not _is_writable(nearest):
        return _failed(f"{directory} does not exist, and cannot be made: {nearest} cannot be written to")
    return CheckResult(Check.STATE, Mark.OK, f"{directory} does not exist yet, and can be made")


def _present(directory: Path) -> CheckResult:
    if not _is_writable(directory):
        return _failed(f"{directory} cannot be written to")
    file = directory / FILE_NAME
    if not file.exists():
        return CheckResult(Check.STATE, Mark.OK, f"{directory} can be written to, and holds nothing yet")
    if not _may(file, os.R_OK | os.W_OK):
        return _failed(f"{file} cannot be written to")
    try:
        with closing(opened_for_reading(file)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if version == NEWEST:
                check_rows(connection)
    except sqlite3.OperationalError as exc:
        return _failed(f"{file}: {exc}")
    except (sqlite3.DatabaseError, *UNREADABLE) as exc:
        result, version = str(exc), 0
    if result != "ok":
        remedy = "the next apply puts it aside and starts afresh; it cannot know then which side changed"
        return CheckResult(Check.STATE, Mark.WARNING, f"{file} is damaged: {result}", remedy, StateError.code)
    if version > NEWEST:
        return _failed(f"{file}: written by a newer version of this tool (format {version})")
    return CheckResult(Check.STATE, Mark.OK, f"{directory} can be written to")


def _is_writable(directory: Path) -> bool:
    return directory.is_dir() and _may(directory, os.W_OK | os.X_OK)


def _may(path: Path, mode: int) -> bool:
    """Return whether the effective user has access."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _failed(message: str) -> CheckResult:
    return CheckResult(
        Check.STATE, Mark.FAILED, message, _REMEDY, StateUnusable.code, StateUnusable.exit_code
    )
