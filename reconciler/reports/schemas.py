"""JSON Schemas of the documents."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import TypeAdapter

from reconciler.reports.apply.shape import ApplyDoc
from reconciler.reports.doctor.shape import DoctorDoc
from reconciler.reports.drift.shape import DriftDoc
from reconciler.reports.explain.shape import ExplainDoc
from reconciler.reports.plan.shape import PlanDoc
from reconciler.reports.propose.shape import ProposeDoc
from reconciler.reports.status.shape import StatusDoc
from reconciler.reports.validate.shape import ValidateDoc

Kind = Literal["plan", "apply", "validate", "drift", "status", "propose", "explain", "doctor"]

DOCUMENTS: Final[dict[Kind, Any]] = {
    "plan": PlanDoc,
    "apply": ApplyDoc,
    "validate": ValidateDoc,
    "drift": DriftDoc,
    "status": StatusDoc,
    "propose": ProposeDoc,
    "explain": ExplainDoc,
    "doctor": DoctorDoc,
}


def json_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of one document. Further keys are allowed: a later version may add some."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(DOCUMENTS[kind]).json_schema(),
    }
