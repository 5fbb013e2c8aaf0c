"""What the reconciliation of one dataset is given from outside: ports, and what an operator permits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.ports import Clock, Gateway, Memory, Progress, Tracer, Untraced


def always() -> None:
    """Permit every update: no other replica writes."""


@dataclass(frozen=True, slots=True)
class Context:
    """
    The ports and settings that every step uses.

    Attributes:
        gateway: The account and Region of this dataset.
        wait_seconds: Seconds that a command that only reads waits for a dataset that is busy.
        permit: Called before each update; raises if it must not be sent, before anything of it is recorded.
        full: List every entry, whatever is remembered of earlier listings.
        edit_first: Postpone a listing that is due, but not overdue: an edit waits.
        trust_listing: Take a listing as complete, whatever number of entries the service counts.
    """

    gateway: Gateway
    clock: Clock
    memory: Memory
    progress: Progress
    wait_seconds: float = 30.0
    permit: Callable[[], object] = always
    trust_listing: bool = False
    full: bool = False
    edit_first: bool = False
    tracer: Tracer = field(default_factory=Untraced)


@dataclass(frozen=True, slots=True)
class Overrides:
    """
    What the person who runs a command permits; a controller has none.

    Attributes:
        allow_protected: Change protected entries.
        allow_leakage: Let training and test share images.
        released: Send what ``onChange: plan`` keeps for a person.
    """

    allow_protected: bool = False
    allow_leakage: bool = False
    released: bool = False


NO_OVERRIDES: Final = Overrides()
