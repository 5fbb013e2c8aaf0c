"""explain/v1 as types; see `reports.shapes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.explanation import ExplanationVerdict
from reconciler.core.planning.cause import Cause
from reconciler.reports.shapes import ErrorDoc, FieldDoc, ProblemDoc, QuarantinedDoc


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
    """One update that the image was in; ``result`` is null if nobody wrote down how it ended."""

    at: str
    entries: int
    result: str | None


class ExplanationDoc(TypedDict):
    """
    One image in one dataset.

    ``fields`` is what differs, ``before`` being what AWS holds and ``after`` what git desires. ``observed`` is
    null if AWS does not hold the image, or, with ``was_observed`` false, if nobody could look.
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
