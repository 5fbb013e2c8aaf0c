"""The explanation of one image as JSON: explain/v1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.explanation import Blame, Explanation, Ignored, Past
from reconciler.core.validation.problem import Origin
from reconciler.reports.encoding import (
    Rows,
    encode,
    error_doc,
    field_doc,
    place_text,
    problem_doc,
    quarantined_doc,
)
from reconciler.reports.visible import moment

if TYPE_CHECKING:
    from reconciler.reports.explain import shape
    from reconciler.reports.registry import Options

Writers = Mapping[Origin, Blame]


class Explained(NamedTuple):
    """
    One image in every dataset that was asked.

    Attributes:
        writers: The authors of the lines in the specs, as far as git knows.
    """

    source_ref: str
    stories: Sequence[Explanation]
    writers: Writers


def render(explained: Explained, _options: Options) -> Iterator[bytes]:
    """Give explain/v1: one element for each dataset that was asked."""
    source_ref, stories, writers = explained
    document: shape.ExplainDoc = {
        "format": "explain/v1",
        "source_ref": source_ref,
        "datasets": Rows(stories, partial(_explanation, writers)),
    }
    return encode(document)


def _explanation(writers: Writers, explanation: Explanation) -> shape.ExplanationDoc:
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


def _origin(origin: Origin, writer: Blame | None) -> shape.PlaceDoc:
    return {
        "origin": place_text(origin),
        "blame": None
        if writer is None
        else {
            "commit": writer.commit,
            "author": writer.author,
            "at": moment(writer.at),
            "summary": writer.summary,
        },
    }


def _ignored(ignored: Ignored) -> shape.IgnoredDoc:
    return {**field_doc(ignored.field), "rule": ignored.rule}


def _past(past: Past) -> shape.PastDoc:
    return {"at": moment(past.begun_at), "entries": past.entries, "result": past.result}
