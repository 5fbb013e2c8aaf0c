"""How a rebuild waits for an operation of the service."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.spec.choices import DatasetType
from reconciler.engine.usecases.rebuild.steps import RebuildContext, step_to_resume
from reconciler.errors import DatasetBusy, NotFound
from reconciler.ports import ContentDigest, Description, Phase, Rebuild, RebuildStep
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
    found = waiting(lab, Settling(busy)).await_settled("arn:1")

    assert Description(Phase.CREATE_COMPLETE) == found
    assert [0.5, 0.75, 1.125][:busy] == lab.clock.slept


def test_a_dataset_that_goes_meanwhile_is_gone(lab: Lab):
    assert waiting(lab, Settling(2, end=None)).await_settled("arn:1") is None
    assert [0.5, 0.75] == lab.clock.slept


@pytest.mark.parametrize(("timeout", "slept"), [(0.4, []), (0.5, [0.5]), (2.0, [0.5, 0.75])])
def test_nothing_is_awaited_beyond_the_timeout(lab: Lab, timeout: float, slept: list[float]):
    with pytest.raises(DatasetBusy, match="still CREATE_IN_PROGRESS; waited as long as allowed"):
        waiting(lab, Settling(99), timeout).await_settled("arn:1")

    assert slept == lab.clock.slept


def filling(new_arn: str | None = "arn:new") -> Rebuild:
    content = ContentDigest(0, "")
    return Rebuild(
        "1",
        "roses",
        RebuildStep.FILLING,
        "plan",
        None,
        "arn:project",
        DatasetType.TRAIN,
        "arn:old",
        "",
        "bucket",
        "prefix",
        0.0,
        {},
        content,
        content,
        new_arn=new_arn,
    )


@pytest.mark.parametrize(
    "end", [Phase.CREATE_COMPLETE, Phase.UPDATE_COMPLETE, Phase.UPDATE_FAILED], ids=lambda end: end.value
)
def test_a_rebuild_goes_on_with_a_new_dataset_that_can_be_used(lab: Lab, end: Phase):
    """Whatever happened to it since."""
    assert filling() == step_to_resume(filling(), waiting(lab, Settling(1, end)))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (Phase.CREATE_FAILED, filling()._replace(step=RebuildStep.DELETING, old_arn="arn:new", new_arn=None)),
        (None, filling()._replace(step=RebuildStep.CREATING, new_arn=None)),
    ],
    ids=["failed", "gone"],
)
def test_a_rebuild_goes_back_to_make_a_new_dataset_that_can_be_used(
    lab: Lab, end: Phase | None, expected: Rebuild
):
    """One that could not be created is deleted first; the step is on disk before it is taken."""
    assert expected == step_to_resume(filling(), waiting(lab, Settling(1, end)))
    assert expected == lab.context.memory.rebuilds.of("roses")


def test_a_dataset_that_is_not_made_yet_is_not_asked_for(lab: Lab):
    gateway = Settling(0)

    assert filling(None) == step_to_resume(filling(None), waiting(lab, gateway))
    assert 0 == gateway.busy
