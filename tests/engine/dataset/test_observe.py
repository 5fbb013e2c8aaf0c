"""Entries that are asked for one by one."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.observe import alone
from reconciler.errors import Unavailable
from reconciler.ports import Silence
from reconciler.state import State
from tests.account import emulated, gateway_of
from tests.builders import classified, ref
from tests.engine.conftest import JumpingClock


def test_an_entry_that_is_asked_for_late_gets_a_time_of_its_own(tmp_path: Path):
    """A long listing may have used up its deadline: a query fails no sooner for it."""
    with emulated(attempts=1) as (emulator, client), closing(State(tmp_path)) as state:
        project = client.create_project(ProjectName="flowers")["ProjectArn"]
        arn = client.create_dataset(ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]
        lines = b"\n".join(classified(name) for name in "ab")
        client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": lines})
        clock = JumpingClock(emulator.clock)
        context = Context(gateway_of(client, clock), clock, state, Silence())
        late = clock.now() - 1

        emulator.faults.add(Fault(kind=Kind.UNAVAILABLE, times=2))
        (line,) = alone(ref("b"), arn, context, late)
        assert ref("b") == json.loads(line)["source-ref"]
        assert [] == alone(ref("c"), arn, context, late)

        emulator.faults.add(Fault(kind=Kind.UNAVAILABLE, times=0))
        with pytest.raises(Unavailable):
            alone(ref("b"), arn, context, late)
