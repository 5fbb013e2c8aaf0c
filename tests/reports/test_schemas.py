"""The JSON Schemas say what is really written."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from reconciler.core.entries.equality import Equality, FieldChange
from reconciler.core.entries.image_view import LabelBalance
from reconciler.core.explanation import Blame, Explanation, ExplanationVerdict, Ignored, PastUpdate
from reconciler.core.images.report import DatasetImages, ImageCounts, ImagesCheck
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError, unplanned
from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.preflight import Check, CheckResult, DatasetPreflight, Mark, Preflight
from reconciler.core.proposals.report import Branch, DatasetProposal, EditKind, EditRequest, Proposal, Refusal
from reconciler.core.revision_diff import (
    DatasetDiff,
    DatasetState,
    ImageAction,
    ImageChange,
    RevisionCounts,
    RevisionDiff,
    Side,
)
from reconciler.core.spec.choices import DatasetType, DriftClass
from reconciler.core.statistics import (
    Balance,
    BoxSizes,
    DatasetCounts,
    DatasetStatistics,
    LabelSplit,
    LabelStatistics,
    Pair,
    Statistics,
)
from reconciler.core.status.result import Verdict
from reconciler.core.status.suspension import ControllerAnswer, SuspensionState
from reconciler.core.validation.problem import Origin
from reconciler.errors import Exit
from reconciler.reports.explain.json import Explained
from reconciler.reports.registry import FORMATS, document_type, json_schema
from reconciler.reports.status.json import KnownStatuses
from reconciler.reports.status.record import record
from reconciler.reports.validate import Validation
from tests.reports.builders import (
    add,
    dataset,
    entry_problem,
    orphan,
    plan,
    problem,
    quarantined,
    rendered,
    result,
    update,
)
from tests.reports.drift import builders as drifted

ROOT = Path(__file__).parent.parent.parent
ERRORS = (PlanError("RKD5012", "no answer"), PlanError("RKD1001", "no", Origin("specs/a.jsonl", 3)))


def _checkup() -> Preflight:
    found = tuple(CheckResult(check, mark, "m", "r", "RKD5019") for check in Check for mark in Mark)
    plain = (CheckResult(Check.GIT, Mark.OK, "m"),)
    unknown = DatasetPreflight("b", (CheckResult(Check.SPECS, Mark.FAILED, "m", exit_code=5),))
    return Preflight(plain, (DatasetPreflight("a", found, "arn", "r", "1", "i"), unknown))


def _statistics() -> Statistics:
    counts = DatasetCounts(
        1, labels=(LabelStatistics("rose", 1, BoxSizes(1)),), pairs=(Pair("red", "rose", 1),)
    )
    train = DatasetStatistics("a", "p", DatasetType.TRAIN, counts, (problem(),))
    unread = DatasetStatistics("b", errors=ERRORS)
    return Statistics((train, unread), (Balance(train, train, (LabelSplit("rose", 1, 2),), (problem(),)),))


PLACE = Origin("specs/a.jsonl", 3, 1)
IN_QUARANTINE = quarantined(QuarantineReason.DROPPED, "why")


def _diff() -> RevisionDiff:
    field = FieldChange("/x", [1], None)
    changed = ImageChange(ImageAction.CHANGED, "s3://b/k", PLACE, None, (DriftClass.RELABELLED,), (field,))
    rows = (LabelBalance("rose", 1, 2, 3, None),)
    one = DatasetDiff(
        "a", DatasetState.CHANGED, PLACE, "b", RevisionCounts(), (field,), rows, (changed,), ERRORS
    )
    return RevisionDiff(Side("main", "0" * 40), Side(), "specs", (one,), (problem(),))


def _proposal() -> Proposal:
    about = "a", "s3://b/k"
    why = Cause.DRIFT_MODIFIED, (DriftClass.RELABELLED,)
    request = EditRequest(*about, EditKind.CHANGE, *why, "a.jsonl", 3, PLACE, {}, Equality())
    one = DatasetProposal(
        "a", None, (request,), (Refusal(*about, *why, None, "why"),), 1, 2, 0.0, errors=ERRORS
    )
    return Proposal((one,), "/", b"+", (problem(),), "0" * 40, Branch("b", "0" * 40))


def _explained() -> Explained:
    field = FieldChange("/x", [1], None)
    one = Explanation(
        "a",
        None,
        ExplanationVerdict.DRIFTED,
        Cause.DRIFT_MODIFIED,
        (PLACE,),
        (problem(),),
        fields=(field,),
        ignored=(Ignored(field, "rule"),),
        quarantined=IN_QUARANTINE,
        past=(PastUpdate(0.0, 1, None),),
        errors=ERRORS,
    )
    return Explained("s3://b/k", (one,), {PLACE: Blame("0" * 40, "me", 0.0, "why")})


CHANGES = (orphan("a"), add("b"), update("c", FieldChange("/x", [1], None)))
QUARANTINED = (entry_problem("a", codes=("ERROR_NO_LABEL_ATTRIBUTES",)),)
REPORTS = {
    "drift": drifted.drift(
        drifted.dataset(drifted.item(drifted.entry("a", "rose"), drifted.entry("a", "tulip")))
    ),
    "diff": _diff(),
    "propose": _proposal(),
    "explain": _explained(),
    "plan": plan(dataset(*CHANGES), unplanned("far", ERRORS, 3), revision="0" * 40),
    "apply": [result(verdict, quarantined=QUARANTINED, errors=ERRORS) for verdict in Verdict],
    "validate": Validation(1, 2, (problem(), problem(column=None))),
    "status": KnownStatuses({"a": record(result(errors=ERRORS), 0, None), "b": {}}, {}, 0),
    "doctor": _checkup(),
    "stats": _statistics(),
    "control": ControllerAnswer(
        "suspend",
        (
            SuspensionState("a", by_spec=False, reason="why", until=None),
            SuspensionState("b", True, None, None),
        ),
    ),
    "check-images": ImagesCheck(
        (
            DatasetImages(
                "a", ImageCounts(2, 1, 0, 1, 0), ("s3://b",), (problem(),), {"RKD4001": 1}, has_errors=True
            ),
            DatasetImages("b", errors=ERRORS, error_codes=(Exit.UNKNOWN,), requests={"ListObjectsV2": 1}),
        )
    ),
}


def written(kind: str) -> dict:
    return json.loads(rendered(kind, "json", REPORTS[kind]))


@pytest.mark.parametrize("kind", REPORTS)
def test_what_is_written_is_what_the_schema_says(kind):
    """Every key is there, of its type, and there is none that the schema does not name."""
    document = written(kind)

    read = TypeAdapter(document_type(kind)).validate_json(json.dumps(document), strict=True)

    assert document == TypeAdapter(document_type(kind)).dump_python(read, mode="json")


@pytest.mark.parametrize("kind", REPORTS)
def test_another_format_is_refused(kind):
    """The version is part of the shape."""
    document = written(kind) | {"format": f"{kind}/v2"}

    with pytest.raises(ValidationError, match=f"{kind}/v1"):
        TypeAdapter(document_type(kind)).validate_json(json.dumps(document))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_schemas_that_are_kept_are_current(kind):
    """After a change: python -m tests.docs.tables."""
    assert json.dumps(json_schema(kind), indent=2) + "\n" == (ROOT / "schemas" / f"{kind}.json").read_text()


def test_drift_has_the_classes_and_verdicts_that_were_promised():
    """A document whose keys cannot all be written as Python names."""
    item = {"source_ref": "s3://b/k", "class": "box_moved", "cause": "conflict", "origin": None, "fields": []}
    drifted = {
        "name": "a", "arn": None, "verdict": "drifted", "observed_at": "2026-03-01T12:00:00Z",
        "observation": "full", "counts": {"box_moved": 1}, "items": [item],
    }  # fmt: skip
    document = {"format": "drift/v1", "datasets": [drifted]}

    adapter = TypeAdapter(document_type("drift"))

    assert document == adapter.dump_python(adapter.validate_json(json.dumps(document)), mode="json")
