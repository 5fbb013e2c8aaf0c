"""What a controller answers to an order as text: one line a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from reconciler.core.status.suspension import ControllerAnswer, SuspensionState
from reconciler.reports.screen import Line, line

if TYPE_CHECKING:
    from reconciler.reports.registry import Options

_BY_SPEC: Final = "its spec says suspend: true, so it is neither observed nor applied; change that in git"


def render(answer: ControllerAnswer, _options: Options) -> Iterator[Line]:
    """Give one line for each dataset."""
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
