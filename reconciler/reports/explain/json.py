"""The explanation of one image as JSON: explain/v1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Literal, NamedTuple, NotRequired

from typing_extensions import TypedDict

from reconciler.core.explanation import Blame, Explanation, ExplanationVerdict, Ignored, PastUpdate
from reconciler.core.moments import moment
from reconciler.core.planning.cause import Cause
from reconciler.core.validation.problem import Origin
from reconciler.reports.documents import (
    ErrorDoc,
    FieldDoc,
    ProblemDoc,
    QuarantinedDoc,
    Rows,
    doc_of,
    encode,
    error_doc,
    field_doc,
    place_text,
    problem_doc,
    quarantined_doc,
)
from reconciler.reports.registry import RenderOptions


class BlameDoc(TypedDict):
    """Who wrote a line last."""

    commit: str
    author: str
    at: str
    summary: str


class PlaceDoc(TypedDict):
    """``file:line``; ``blame`` is null outside git, or if the file was edited since."""

    origin: str
    blame: BlameDoc | None


class AppliedEntryDoc(TypedDict):
    """
    What was last proven in place; digests of both sides, null if the image never was.

    ``known`` tells whether it is remembered at all what was applied to the dataset.
    """

    known: bool
    at: str | None
    desired: str | None
    observed: str | None


class IgnoredDoc(TypedDict):
    """One difference that does not count, and the rule that says so."""

    path: str
    before: object
    after: object
    rule: str


class PastDoc(TypedDict):
    """One update that the image was in; ``result`` is null if it was not recorded how it ended."""

    at: str
    entries: int
    result: str | None


class ExplanationDoc(TypedDict):
    """
    One image in one dataset.

    ``fields`` is what differs, ``before`` being what AWS holds and ``after`` what git desires. ``observed`` is
    null if AWS does not hold the image, or, with ``was_observed`` false, if AWS could not be observed.
    """

    name: str
    arn: str | None
    verdict: ExplanationVerdict
    cause: Cause | None
    origins: Sequence[PlaceDoc]
    desired: Mapping[str, object] | None
    observed: Mapping[str, object] | None
    was_observed: bool
    applied: AppliedEntryDoc
    fields: Sequence[FieldDoc]
    ignored: Sequence[IgnoredDoc]
    codes: Sequence[str]
    findings: Sequence[ProblemDoc]
    held: QuarantinedDoc | None
    updates: Sequence[PastDoc]
    errors: Sequence[ErrorDoc]


class ExplainDoc(TypedDict):
    """The explanation of one image, one element a dataset that was asked."""

    format: Literal["explain/v1"]
    source_ref: str
    datasets: Sequence[ExplanationDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = ExplainDoc


Writers = Mapping[Origin, Blame]


class Explained(NamedTuple):
    """
    One image in every dataset that was asked.

    Attributes:
        writers: The authors of the lines in the specs, as far as git knows.
    """

    source_ref: str
    explanations: Sequence[Explanation]
    writers: Writers


def render(explained: Explained, _options: RenderOptions) -> Iterator[bytes]:
    """Yield explain/v1: one element for each dataset that was asked."""
    source_ref, explanations, writers = explained
    document: ExplainDoc = {
        "format": "explain/v1",
        "source_ref": source_ref,
        "datasets": Rows(explanations, partial(_explanation, writers)),
    }
    return encode(document)


def _explanation(writers: Writers, explanation: Explanation) -> ExplanationDoc:
    return {
        "name": explanation.dataset,
        "arn": explanation.arn,
        "verdict": explanation.verdict,
        "cause": explanation.cause,
        "origins": [_origin(origin, writers.get(origin)) for origin in explanation.origins],
        "desired": explanation.desired,
        "observed": explanation.observed if explanation.was_observed else None,
        "was_observed": explanation.was_observed,
        "applied": {
            "known": explanation.remembers,
            "at": explanation.applied_at,
            "desired": explanation.applied.desired.hex() if explanation.applied else None,
            "observed": explanation.applied.observed.hex() if explanation.applied else None,
        },
        "fields": list(map(field_doc, explanation.fields)),
        "ignored": list(map(_ignored, explanation.ignored)),
        "codes": list(explanation.codes),
        "findings": list(map(problem_doc, explanation.problems)),
        "held": quarantined_doc(explanation.quarantined) if explanation.quarantined else None,
        "updates": list(map(_past, explanation.past)),
        "errors": [error_doc(error) for error in explanation.errors],
    }


def _origin(origin: Origin, writer: Blame | None) -> PlaceDoc:
    return {
        "origin": place_text(origin),
        "blame": doc_of(BlameDoc, writer, at=moment(writer.at)) if writer else None,
    }


def _ignored(ignored: Ignored) -> IgnoredDoc:
    return {**field_doc(ignored.field), "rule": ignored.rule}


def _past(past: PastUpdate) -> PastDoc:
    return {"at": moment(past.begun_at), "entries": past.entries, "result": past.result}
