"""
State that all parts of an emulator share, and the part of it that outlives the process.

Values that the control endpoint and the console user have set outlive it. Settings and faults given by flags or
from Python do not: they are given again with each start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reconciler.emulator.behaviour.calls import Call, Calls, Throttle
from reconciler.emulator.behaviour.faults import Faults
from reconciler.emulator.behaviour.settings import Clock, Settings
from reconciler.emulator.behaviour.switches import LastToken
from reconciler.emulator.storage import contents, entries, queues
from reconciler.emulator.storage.store import Store

_SETTINGS: Final = "settings"
_SWITCHES: Final = "switches"
_FAULTS: Final = "faults"
_TRAININGS: Final = "trainings"


@dataclass(frozen=True, slots=True)
class Past:
    """
    What is still shown of a dataset after an update, in memory alone: a restart ends every lag.

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

    def restore(self) -> None:
        """
        Restore what an earlier process has kept; it outranks the settings of the start.

        Raises:
            ValueError: A setting or switch that was kept does not exist any more.
        """
        store = self.store
        settings = self.settings.with_changes(store.document(_SETTINGS) or {})
        switches = settings.switches.with_changes(store.document(_SWITCHES) or {})
        self.settings = replace(settings, switches=switches)
        self.faults.load(store.document(_FAULTS) or ())
        self.trainings.update(store.document(_TRAININGS) or {})

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Change settings and keep the changes."""
        changed = self.settings.with_changes(changes)
        self.store.keep(_SETTINGS, {**(self.store.document(_SETTINGS) or {}), **changes})
        self.settings = changed

    def change_switches(self, changes: Mapping[str, Any]) -> None:
        """Change switches and keep the changes."""
        switches = self.settings.switches.with_changes(changes)
        self.store.keep(_SWITCHES, {**(self.store.document(_SWITCHES) or {}), **changes})
        self.settings = replace(self.settings, switches=switches)

    def keep_faults(self) -> None:
        """Keep the persistent faults and their counts, if they have changed."""
        dumped = self.faults.dump()
        if dumped != (self.store.document(_FAULTS) or []):
            self.store.keep(_FAULTS, dumped)

    def keep_trainings(self) -> None:
        self.store.keep(_TRAININGS, self.trainings)

    def reset(self) -> None:
        """Forget everything but the settings and faults that were given at the start, and the time."""
        with self.store.turn:
            self.store.clear()
            queues.clear(self.store)
            self.trainings.clear()
            self.past.clear()
            self.calls.clear()
            self.throttle.clear()
            self.faults.clear_persistent()
            self.settings = self.initial

    def log(
        self,
        service: str,
        operation: str,
        owner: tuple[str, str] | None,
        resource: str = "",
        source_refs: Iterable[str] = (),
        error: str | None = None,
    ) -> None:
        """Log a call; *owner* is the account and Region of the caller, if they are known."""
        facts = (service, operation, *(owner or ("", "")), resource, tuple(source_refs), error)
        self.calls.add(Call(self.clock.now(), *facts))

    def next_token(self, listing: tuple[Any, ...], more: int | None) -> dict[str, Any]:
        """
        Return the token of the page that starts at *more*; None is the last page.

        AWS's sample code continues as long as the key is present.
        """
        if more is not None:
            return {"NextToken": self.store.token_of(listing, more)}
        return {"NextToken": ""} if self.settings.switches.last_token is LastToken.EMPTY else {}

    def late_seconds(self) -> float:
        """Return how long an update waits before it takes effect."""
        return self.settings.switches.late_effect_ms / 1000

    def remember_past(self, dataset: int, description: dict[str, Any], due: float) -> None:
        """Keep what is to be shown after an update that is done at *due*. Call it before the update starts."""
        switches = self.settings.switches
        if not (switches.stale_describe_ms or switches.late_effect_ms or switches.listing_lag_ms):
            return
        self.forget_past(dataset)
        now, late = self.clock.now(), self.late_seconds()
        content = contents.stage(self.store)
        deque(contents.copy(self.store, entries.content_of(self.store, dataset), content), maxlen=0)
        self.past[dataset] = Past(
            now + max(late, switches.stale_describe_ms / 1000),
            description,
            due + switches.listing_lag_ms / 1000 if switches.listing_lag_ms else now + late,
            content,
        )

    def forget_past(self, dataset: int) -> None:
        """Show a dataset as it is."""
        past = self.past.pop(dataset, None)
        if past is not None:
            contents.discard(self.store, past.content)

    def shown_description(self, dataset: int) -> dict[str, Any] | None:
        """Return the description that is still shown, if any."""
        past = self.past.get(dataset)
        return past.description if past and self.clock.now() < past.described_until else None

    def shown_content(self, dataset: int) -> int | None:
        """Return the content that is still listed, if any."""
        past = self.past.get(dataset)
        return past.content if past and self.clock.now() < past.listed_until else None
