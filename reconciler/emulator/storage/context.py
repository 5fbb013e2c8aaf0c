"""What all parts of one emulator share."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.emulator.behaviour.calls import Calls
from reconciler.emulator.behaviour.clock import Clock
from reconciler.emulator.behaviour.faults import Faults
from reconciler.emulator.behaviour.settings import Settings
from reconciler.emulator.behaviour.throttle import Throttle
from reconciler.emulator.storage.store import Store


@dataclass(slots=True)
class Context:
    """
    One emulator's matter.

    Attributes:
        settings: Replaced as a whole when a switch is turned.
        account: Of callers whose access key says nothing else.
        trainings: By project ARN, the names of the models that are being trained. Not kept across restarts.
    """

    store: Store
    clock: Clock
    settings: Settings
    account: str
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)
    throttle: Throttle = field(default_factory=Throttle)
    trainings: dict[str, list[str]] = field(default_factory=dict)
