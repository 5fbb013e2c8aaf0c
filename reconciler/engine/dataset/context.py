"""What the reconciliation of one dataset is given from outside: ports, and what an operator permits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from msgspec import Struct

from reconciler.core.planning.withholding import ALL_CHANGES, ChangeSelection
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from reconciler.ports import Clock, Description, Gateway, Images, Located, Memory, Progress, Tracer, Untraced


def always(*_: object, **__: object) -> None:
    """Permit every call: there is no other replica."""


@dataclass(frozen=True, slots=True)
class Context:
    """
    The ports and settings that every step uses.

    Attributes:
        gateway: The account and Region of this dataset.
        wait_seconds: Seconds that a command that only reads waits for a dataset that is busy.
        permit: Called before each update; raises if it must not be sent, before anything of it is recorded.
        full: List every entry, whatever is remembered of earlier listings.
        ahead_seconds: How much earlier than for its own age a listing is due, for the sake of others after it.
        edit_first: Postpone a listing that is due, but not overdue: an edit waits.
        overtaken: Called between the pages of a listing that is only due; raises to abandon it for something else.
        trust_listing: Take a listing as complete, whatever number of entries the service counts.
        images: Returns the images of a dataset, for plans of a policy that has them checked; None to check none.
        made: The calls that were made for this dataset, by operation; empty unless they are counted.
    """

    gateway: Gateway
    clock: Clock
    memory: Memory
    progress: Progress
    wait_seconds: float = 30.0
    permit: Callable[[], object] = always
    trust_listing: bool = False
    full: bool = False
    ahead_seconds: float = 0.0
    edit_first: bool = False
    overtaken: Callable[[], object] = always
    tracer: Tracer = field(default_factory=Untraced)
    images: Callable[[Target], Images] | None = None
    made: Counter[str] = field(default_factory=Counter)


class CountedGateway:
    """`ports.Gateway` that counts calls, whatever becomes of them; retries by the SDK are not counted."""

    def __init__(self, gateway: Gateway, made: Counter[str]) -> None:
        self._gateway = gateway
        self._made = made

    @property
    def region(self) -> str:
        return self._gateway.region

    def account(self) -> str:
        return self._gateway.account()

    def locate(self, project: str, dataset_type: DatasetType) -> Located:
        self._made["DescribeProjects"] += 1
        return self._gateway.locate(project, dataset_type)

    def describe(self, arn: str) -> Description:
        self._made["DescribeDataset"] += 1
        return self._gateway.describe(arn)

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        for page in self._gateway.pages(arn, contains):
            self._made["ListDatasetEntries"] += 1
            yield page

    def update(self, arn: str, payload: bytes) -> None:
        self._made["UpdateDatasetEntries"] += 1
        self._gateway.update(arn, payload)

    def create_project(self, project: str) -> str:
        self._made["CreateProject"] += 1
        return self._gateway.create_project(project)

    def create_dataset(self, project_arn: str, dataset_type: DatasetType) -> str:
        self._made["CreateDataset"] += 1
        return self._gateway.create_dataset(project_arn, dataset_type)


def counting(context: Context) -> Context:
    made = Counter[str]()
    return replace(context, gateway=CountedGateway(context.gateway, made), made=made)


class Overrides(Struct, frozen=True):
    """
    Exceptions and limits that a person sets for one command; a controller has none.

    Attributes:
        allow_protected: Change protected entries.
        allow_leakage: Let training and test share images.
        allow_frozen: Send changes outside the change windows and during a freeze.
        released: Send what ``onChange: plan`` keeps for a person.
        selection: Send these changes only.
    """

    allow_protected: bool = False
    allow_leakage: bool = False
    allow_frozen: bool = False
    released: bool = False
    selection: ChangeSelection = ALL_CHANGES


NO_OVERRIDES: Final = Overrides()
