"""The document of a command that failed as a whole: its own format, no dataset, and the error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, Final

from reconciler.core.planning.plan import Plan, PlanError
from reconciler.core.validation.problem import Problem, Severity
from reconciler.reports.encoding import encode, error_doc, problem_doc

# What each document holds besides; all but that of validate have `datasets` and `errors`.
_REST: Final[Mapping[str, Mapping[str, Any]]] = {
    "plan": {"digest": Plan(()).digest, "revision": None},
    "apply": {},
    "drift": {},
    "status": {},
    "explain": {"source_ref": ""},
    "propose": {"revision": None, "root": "", "patch": "", "branch": None, "problems": []},
    "doctor": {"checks": []},
    "export": {"arn": None, "entries": 0, "left_out": [], "files": []},
    "snapshots": {"dataset": None, "snapshots": []},
    "validate": {"datasets": 0, "entries": 0},
}


def write_failed(kind: str, error: PlanError, stream: BinaryIO, source_ref: str | None = None) -> None:
    """
    Write the document.

    Args:
        kind: Of the document, as its format has it.
        source_ref: The image that was asked about.
    """
    document: dict[str, Any] = {"format": f"{kind}/v1", **_REST[kind]}
    if source_ref is not None:
        document["source_ref"] = source_ref
    if kind == "validate":
        document["problems"] = [problem_doc(Problem(Severity.ERROR, error.code, error.message, error.origin))]
    else:
        document |= {"datasets": [], "errors": [error_doc(error)]}
    stream.writelines(encode(document))
