"""What git would have to say of one image to agree with AWS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.entries.entry import Fields
from reconciler.core.entries.equality import Equality
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import DriftClass
from reconciler.core.validation.problem import Origin


class Kind(StrEnum):
    CHANGE = "change"  # the image's entry is rewritten
    REMOVE = "remove"  # AWS does not hold it any more
    ADD = "add"  # AWS holds it, and no spec does


@dataclass(frozen=True, slots=True)
class EditRequest:
    """
    One image whose entry in git is to change.

    Attributes:
        file: Name of the file of entries that it stands in, or shall stand in.
        line: Which JSON line of that file it is, from 1; of a new one, the line that it comes behind, 0 for none.
        origin: Where it stands for people; None for a new one.
        fields: What git should say; empty for one that goes.
        equality: What the dataset's policy looks at.
    """

    dataset: str
    source_ref: str
    kind: Kind
    cause: Cause
    classes: tuple[DriftClass, ...]
    file: str
    line: int
    origin: Origin | None
    fields: Fields
    equality: Equality


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    Drift of one image that no patch takes up.

    Attributes:
        reason: A sentence without its full stop.
    """

    dataset: str
    source_ref: str
    cause: Cause
    classes: tuple[DriftClass, ...]
    origin: Origin | None
    reason: str


def refused(request: EditRequest, reason: str) -> Refusal:
    return Refusal(
        request.dataset, request.source_ref, request.cause, request.classes, request.origin, reason
    )
