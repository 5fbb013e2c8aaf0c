"""What is stored of an observation and the apply after it."""

from __future__ import annotations

import json

import pytest

from reconciler.core.planning.cause import Cause
from reconciler.core.status.conditions import FailureReason, Reason
from reconciler.core.status.result import EntryProblem as Entry
from reconciler.core.status.result import Named, Verdict, WithheldEntry, WithheldGroup
from reconciler.core.status.summary import Summary, from_document
from reconciler.core.validation.problem import Origin

PLACE = Origin("specs/train.jsonl", 3)
WHOLE = Summary(
    Verdict.WITHHELD,
    counts={"desired": 3, "withheld": 1},
    drift={"relabelled": 1},
    pending=True,
    unattributed=True,
    left_out=True,
    seen=True,
    failure=FailureReason(Reason.THROTTLED, "slow down"),
    gap="AWS counts 3, 2 were seen",
    named=Named(
        (WithheldEntry("s3://b/a.jpg", PLACE, Cause.CONFLICT, "why"),),
        (WithheldGroup(Cause.CONFLICT, "why", 1),),
        (Entry("s3://b/q.jpg", None, "no", ("CONVICTED",)),),
        (Entry("s3://b/d.jpg", PLACE, "gone"),),
        (Entry("s3://b/r.jpg", PLACE, "marked", ("A", "B")),),
    ),
    exit_code=7,
)


@pytest.mark.parametrize("summary", [WHOLE, Summary(Verdict.CONVERGED)])
def test_it_survives_its_document(summary: Summary):
    """A failure reason and the entries it names survive a restart."""
    assert summary == from_document(json.loads(json.dumps(summary.document())))


@pytest.mark.parametrize("key", list(WHOLE.document()))
def test_what_another_version_wrote_is_no_finding(key: str):
    document = WHOLE.document()
    del document[key]
    known = from_document(document)

    assert known is None or key not in {"verdict", "trouble", "named"}
