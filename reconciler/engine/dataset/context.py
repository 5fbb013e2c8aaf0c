"""Everything outside that one dataset's reconciliation touches, in one hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.ports import Clock, Gateway, Memory, Progress, Tracer, Untraced


def always() -> None:
    """Permit everything: nobody else writes."""


@dataclass(frozen=True, slots=True)
class Context:
    """
    What a step needs of the outside.

    Attributes:
        gateway: The account and Region of this dataset.
        patience_seconds: How long a command that only looks waits for a dataset that is busy.
        permit: Asked before each update; raises if it must not be sent, and then nothing of it was noted.
        trust_listing: A listing is whole, whatever number of entries the service counts.
    """

    gateway: Gateway
    clock: Clock
    memory: Memory
    progress: Progress
    patience_seconds: float = 30.0
    permit: Callable[[], object] = always
    trust_listing: bool = False
    tracer: Tracer = field(default_factory=Untraced)
