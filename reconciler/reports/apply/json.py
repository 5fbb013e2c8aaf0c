"""The results of an apply as JSON: apply/v1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.core.status.result import DatasetResult, EntryProblem, WithheldEntry
from reconciler.reports.encoding import Rows, encode, error_doc, place_text

if TYPE_CHECKING:
    from reconciler.reports.apply import shape
    from reconciler.reports.registry import Options


def render(results: Sequence[DatasetResult], options: Options) -> Iterator[bytes]:
    """Give apply/v1."""
    document: shape.ApplyDoc = {"format": "apply/v1", "datasets": Rows(results, _result)}
    if options.failure:
        document["errors"] = [error_doc(options.failure)]
    return encode(document)


def _result(result: DatasetResult) -> shape.DatasetResultDoc:
    return {
        "name": result.name,
        "arn": result.arn,
        "verdict": result.verdict,
        "counts": {
            "added": result.added,
            "updated": result.updated,
            "withheld": result.number_withheld,
        },
        "entries": _entries(result),
        "updates": result.updates,
        "verified": result.verified,
        "complete": result.complete,
        "quarantined": Rows(result.quarantined, _entry_problem),
        "dropped": Rows(result.dropped, _entry_problem),
        "rejected": Rows(result.rejected, _entry_problem),
        "withheld": Rows(result.withheld, _withheld),
        "errors": [error_doc(error) for error in result.errors],
    }


def _entries(result: DatasetResult) -> shape.EntriesDoc | None:
    if (seen := result.counts) is None:
        return None
    return {"desired": seen.desired, "in_place": seen.unchanged + seen.ignored, "blocked": result.blocked}


def _withheld(entry: WithheldEntry) -> shape.WithheldDoc:
    return {
        "source_ref": entry.source_ref,
        "origin": place_text(entry.origin) if entry.origin else None,
        "cause": entry.cause,
        "reason": entry.reason,
    }


def _entry_problem(entry_problem: EntryProblem) -> shape.EntryProblemDoc:
    return {
        "source_ref": entry_problem.source_ref,
        "origin": place_text(entry_problem.origin) if entry_problem.origin else None,
        "reason": entry_problem.reason,
        "codes": list(entry_problem.codes),
    }
