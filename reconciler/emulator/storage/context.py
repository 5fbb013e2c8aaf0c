"""State that all parts of an emulator share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconciler.emulator.behaviour.calls import Calls, Throttle
from reconciler.emulator.behaviour.clock import Clock
from reconciler.emulator.behaviour.faults import Faults
from reconciler.emulator.behaviour.settings import Settings
from reconciler.emulator.storage.store import Store


@dataclass(frozen=True, slots=True)
class Past:
    """
    What is still shown of a dataset after an update.

    Attributes:
        described_until: Time up to which DescribeDataset answers *description*.
        listed_until: Time up to which listings show *content*, a copy, whatever the dataset is busy with.
    """

    described_until: float
    description: dict[str, Any]
    listed_until: float
    content: int


@dataclass(slots=True)
class Context:
    """
    The shared state of one emulator.

    Attributes:
        settings: Immutable; replaced to change a switch or setting.
        initial: The settings at the start, without what the control endpoint has changed.
        account: Account of callers whose access key does not identify another.
        s3_endpoint: URL of another S3, which manifests are read from; None for the emulated one.
        trainings: Project ARN -> names of the models in training.
        past: Dataset -> what is still shown of it after an update. Not persistent.
    """

    store: Store
    clock: Clock
    settings: Settings
    account: str
    s3_endpoint: str | None = None
    faults: Faults = field(default_factory=Faults)
    calls: Calls = field(default_factory=Calls)
    throttle: Throttle = field(default_factory=Throttle)
    trainings: dict[str, list[str]] = field(default_factory=dict)
    past: dict[int, Past] = field(default_factory=dict)
    initial: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.initial = self.settings
