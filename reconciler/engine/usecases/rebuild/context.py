"""The ports that a rebuild uses, and how it waits for AWS."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.runtime.backoff import poll_delay
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.retry import retry
from reconciler.errors import DatasetBusy, NotFound
from reconciler.ports import Description, Objects, Phase, RebuildGateway


@dataclass(frozen=True, slots=True)
class RebuildContext:
    """
    The ports of a rebuild.

    Attributes:
        dataset: The context of the dataset's reconciliation.
        gateway: The gateway of the dataset, which can also delete it.
        timeout: Seconds that each operation, such as deletion or creation, may take.
    """

    dataset: Context
    gateway: RebuildGateway
    objects: Objects
    timeout: float

    @property
    def deadline(self) -> float:
        return self.dataset.clock.now() + self.timeout

    def describe(self, arn: str) -> Description | None:
        """Return the description of a dataset; None if it does not exist."""
        try:
            return retry(lambda: self.gateway.describe(arn), self.dataset.clock, self.deadline)
        except NotFound:
            return None

    def rested(self, arn: str) -> Description | None:
        """
        Wait until no operation is in progress, and return the description; None if the dataset is gone.

        Raises:
            DatasetBusy: An operation is still in progress after the timeout.
        """
        deadline, polls = self.deadline, 0
        while (description := self.describe(arn)) is not None and not description.phase.settled:
            delay = poll_delay(polls)
            if self.dataset.clock.now() + delay > deadline:
                raise DatasetBusy(f"the dataset is still {description.phase}; waited as long as allowed")
            self.dataset.clock.sleep(delay)
            polls += 1
        return description


def is_deleting(description: Description) -> bool:
    return description.phase is Phase.DELETE_IN_PROGRESS
