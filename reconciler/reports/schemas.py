"""JSON Schemas of what is written, for whoever reads it."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import TypeAdapter

from reconciler.reports import shapes, shapes_doctor, shapes_explain, shapes_propose, shapes_status

Kind = Literal["plan", "apply", "validate", "drift", "status", "propose", "explain", "doctor"]

DOCUMENTS: Final[dict[Kind, Any]] = {
    "plan": shapes.PlanDoc,
    "apply": shapes.ApplyDoc,
    "validate": shapes.ValidateDoc,
    "drift": shapes.DriftDoc,
    "status": shapes_status.StatusDoc,
    "propose": shapes_propose.ProposeDoc,
    "explain": shapes_explain.ExplainDoc,
    "doctor": shapes_doctor.DoctorDoc,
}


def json_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of one document. Further keys are allowed: a later version may add some."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(DOCUMENTS[kind]).json_schema(),
    }
