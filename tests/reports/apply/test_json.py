"""apply/v1: every key, and nothing else."""

import json

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import Counts, PlanError
from reconciler.core.status.result import Verdict, WithheldEntry, WithheldGroup
from reconciler.core.validation.problem import Origin
from tests.reports.builders import ARN, entry_problem, ref, rendered, result

REASON = "changed in AWS, onDrift: report"


def applied(*results) -> dict:
    return json.loads(rendered("apply", "json", results))


def test_a_result_has_exactly_the_shape_that_was_promised():
    """Numbers, and each entry that is not in place."""
    it = result(
        Verdict.PARTIAL,
        added=3,
        updated=1,
        updates=2,
        verified=True,
        quarantined=(entry_problem("q", 1, "CLIENT_ERROR"),),
        rejected=(entry_problem("r", 2, "stored with errors", ("ERROR_NO_LABEL_ATTRIBUTES",)),),
        withheld=(WithheldEntry(ref("w"), Origin("specs/train.jsonl", 3), Cause.DRIFT_MODIFIED, REASON),),
        groups=(WithheldGroup(Cause.DRIFT_MODIFIED, REASON, 1),),
        counts=Counts(desired=9, observed=8, add=1, update=2, unchanged=5, ignored=1),
        errors=(PlanError("RKD1001", "no", Origin("specs/a.jsonl", 3)),),
    )

    assert {
        "format": "apply/v1",
        "datasets": [
            {
                "name": "flowers-train",
                "arn": ARN,
                "verdict": "partial",
                "counts": {"added": 3, "updated": 1, "withheld": 1},
                "entries": {"desired": 9, "in_place": 6, "blocked": 0},
                "updates": 2,
                "verified": True,
                "complete": True,
                "quarantined": [
                    {
                        "source_ref": ref("q"),
                        "origin": "specs/train.jsonl:1",
                        "reason": "CLIENT_ERROR",
                        "codes": [],
                    }
                ],
                "dropped": [],
                "rejected": [
                    {
                        "source_ref": ref("r"),
                        "origin": "specs/train.jsonl:2",
                        "reason": "stored with errors",
                        "codes": ["ERROR_NO_LABEL_ATTRIBUTES"],
                    }
                ],
                "withheld": [
                    {
                        "source_ref": ref("w"),
                        "origin": "specs/train.jsonl:3",
                        "cause": "drift_modified",
                        "reason": "changed in AWS, onDrift: report",
                    }
                ],
                "errors": [{"code": "RKD1001", "message": "no", "origin": "specs/a.jsonl:3"}],
                "observation": None,
                "listed_at": None,
                "calls": {"made": {}, "forecast": {}, "forecast_seconds": 0},
            }
        ],
    } == applied(it)
