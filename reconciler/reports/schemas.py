"""JSON Schemas of what is written, for whoever reads it."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import TypeAdapter

from reconciler.reports.shapes import doctor, documents, explain, propose, status

Kind = Literal["plan", "apply", "validate", "drift", "status", "propose", "explain", "doctor"]

DOCUMENTS: Final[dict[Kind, Any]] = {
    "plan": documents.PlanDoc,
    "apply": documents.ApplyDoc,
    "validate": documents.ValidateDoc,
    "drift": documents.DriftDoc,
    "status": status.StatusDoc,
    "propose": propose.ProposeDoc,
    "explain": explain.ExplainDoc,
    "doctor": doctor.DoctorDoc,
}


def json_schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of one document. Further keys are allowed: a later version may add some."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(DOCUMENTS[kind]).json_schema(),
    }
