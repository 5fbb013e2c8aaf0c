"""propose/v1 as types; see `reports.shapes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.planning.cause import Cause
from reconciler.core.proposals.edit_request import Kind
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.shapes import ErrorDoc, ProblemDoc


class BranchDoc(TypedDict):
    name: str
    commit: str


class ProposedDoc(TypedDict):
    """
    One image that the patch takes up.

    ``origin`` is where it stands now, null for a new one; ``file`` is where it will stand.
    """

    action: Kind
    source_ref: str
    cause: Cause
    classes: Sequence[DriftClass]
    origin: str | None
    file: str


class RefusedDoc(TypedDict):
    """One image whose drift the patch does not take up, and why."""

    source_ref: str
    cause: Cause
    classes: Sequence[DriftClass]
    origin: str | None
    reason: str


class DatasetProposalDoc(TypedDict):
    """
    What is proposed for one dataset.

    ``pending`` counts the differences that git alone made. ``applied_at`` is the last apply, where it is known.
    """

    name: str
    arn: str | None
    observed_at: str | None
    applied_at: str | None
    proposed: Sequence[ProposedDoc]
    refused: Sequence[RefusedDoc]
    pending: int
    errors: Sequence[ErrorDoc]


class ProposeDoc(TypedDict):
    """
    Drift as a patch to the specs.

    ``patch`` is a unified diff, empty if there is nothing to change; its paths are relative to ``root``.
    ``problems`` is what validation will say of the patched specs, and does not say now.
    """

    format: Literal["propose/v1"]
    revision: str | None
    root: str
    patch: str
    branch: BranchDoc | None
    datasets: Sequence[DatasetProposalDoc]
    problems: Sequence[ProblemDoc]
    errors: NotRequired[Sequence[ErrorDoc]]
