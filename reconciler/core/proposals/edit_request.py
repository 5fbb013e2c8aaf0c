"""Requests to change the entry of one image in git so that it agrees with AWS."""

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
    A change of one image's entry in git.

    Attributes:
        file: Name of the entries file that holds the entry, or will hold it.
        line: JSON line of the entry in that file, from 1; of a new entry, the line it follows, 0 for none.
        origin: The entry's place as shown to users; None for a new one.
        fields: The new content of the entry; empty for a removal.
        equality: The comparison that the dataset's policy asks for.
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
    Drift of one image that the patch leaves out.

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
