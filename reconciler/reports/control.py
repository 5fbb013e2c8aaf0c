"""What a controller answers to an order: for people one line a dataset, for programs control/v1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.status.suspension import ControllerAnswer, SuspensionState
from reconciler.reports.documents import ErrorDoc, Rows, encode
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import Line, line

_BY_SPEC: Final = "its spec says suspend: true, so it is neither observed nor applied; change that in git"


class RequestedSuspensionDoc(TypedDict):
    """A suspension that a person has requested; without ``until``, only ``resume`` ends it."""

    reason: str
    until: str | None


class ControlledDoc(TypedDict):
    """
    One dataset after the order.

    ``suspended_by_spec``: its spec says ``suspend: true``, so it is neither observed nor applied.
    """

    name: str
    suspended_by_spec: bool
    suspension: RequestedSuspensionDoc | None


class ControlDoc(TypedDict):
    """What a running controller answers to ``reconcile``, ``suspend`` or ``resume``."""

    format: Literal["control/v1"]
    datasets: Sequence[ControlledDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = ControlDoc


def render_text(answer: ControllerAnswer, _options: RenderOptions) -> Iterator[Line]:
    """Yield one line for each dataset."""
    for state in answer.datasets:
        yield line(f"{state.name}: {_sentence(answer.order, state)}")


def _sentence(order: str, state: SuspensionState) -> str:
    if order == "suspend":
        return f"{_suspension(state)}; it is still observed"
    if state.by_spec:
        return _BY_SPEC
    if order == "resume":
        return "resumed; reconciled now"
    return "reconciled now" if state.reason is None else f"observed now; {_suspension(state)}"


def _suspension(state: SuspensionState) -> str:
    end = f" until {state.until}" if state.until else ", until it is resumed"
    return f"applying is suspended{end}: {state.reason}"


def render_json(answer: ControllerAnswer, _options: RenderOptions) -> Iterator[bytes]:
    """Yield control/v1."""
    document: ControlDoc = {"format": "control/v1", "datasets": Rows(answer.datasets, _dataset)}
    return encode(document)


def _dataset(state: SuspensionState) -> ControlledDoc:
    suspension: RequestedSuspensionDoc | None = None
    if state.reason is not None:
        suspension = {"reason": state.reason, "until": state.until}
    return {"name": state.name, "suspended_by_spec": state.by_spec, "suspension": suspension}
