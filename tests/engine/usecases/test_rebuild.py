"""How a rebuild waits for an operation of the service."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.engine.usecases.rebuild.context import RebuildContext
from reconciler.errors import DatasetBusy, NotFound
from reconciler.ports import Description, Phase
from tests.engine.conftest import Lab


class Settling:
    """A gateway to a dataset whose operation ends after a number of polls."""

    def __init__(self, busy: int, end: Phase | None = Phase.CREATE_COMPLETE) -> None:
        self.busy, self.end = busy, end

    def describe(self, _: str) -> Description:
        self.busy -= 1
        if self.busy < 0 and self.end is None:
            raise NotFound("the dataset is gone")
        return Description(Phase.CREATE_IN_PROGRESS if self.busy >= 0 or self.end is None else self.end)


def waiting(lab: Lab, gateway: Any, timeout: float = 60.0) -> RebuildContext:
    return RebuildContext(lab.context, gateway, objects=gateway, timeout=timeout)


@pytest.mark.parametrize("busy", [0, 1, 3])
def test_an_operation_in_progress_is_awaited_with_growing_pauses(lab: Lab, busy: int):
    """Half a second at first, then half as long again; none if nothing is in progress."""
    found = waiting(lab, Settling(busy)).rested("arn:1")

    assert Description(Phase.CREATE_COMPLETE) == found
    assert [0.5, 0.75, 1.125][:busy] == lab.clock.slept


def test_a_dataset_that_goes_meanwhile_is_gone(lab: Lab):
    assert waiting(lab, Settling(2, end=None)).rested("arn:1") is None
    assert [0.5, 0.75] == lab.clock.slept


@pytest.mark.parametrize(("timeout", "slept"), [(0.4, []), (0.5, [0.5]), (2.0, [0.5, 0.75])])
def test_nothing_is_awaited_beyond_the_timeout(lab: Lab, timeout: float, slept: list[float]):
    with pytest.raises(DatasetBusy, match="still CREATE_IN_PROGRESS; waited as long as allowed"):
        waiting(lab, Settling(99), timeout).rested("arn:1")

    assert slept == lab.clock.slept
