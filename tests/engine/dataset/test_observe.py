"""Entries that are asked for one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.emulator.behaviour.faults import Fault, Faults, Kind
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.listing import SpooledListing, query_entry
from reconciler.engine.dataset.make_plan import NOTHING
from reconciler.engine.dataset.observe import Observation
from reconciler.errors import Unavailable
from reconciler.ports import Description, Phase, Silence, Stats
from reconciler.state import State
from tests.account import emulated, gateway_of
from tests.builders import classified, ref
from tests.engine.conftest import JumpingClock


@pytest.fixture
def account(tmp_path: Path) -> Iterator[tuple[Faults, Context, str]]:
    """An account whose calls are tried once, and the ARN of a dataset of two images in it."""
    with emulated(attempts=1) as (emulator, client), closing(State(tmp_path)) as state:
        project = client.create_project(ProjectName="flowers")["ProjectArn"]
        arn = client.create_dataset(ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]
        lines = b"\n".join(classified(name) for name in ("a/s3://b/b.jpg", "b.jpg"))
        client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": lines})
        clock = JumpingClock(emulator.clock)
        yield emulator.faults, Context(gateway_of(client, clock), clock, state, Silence()), arn


def test_an_entry_that_is_asked_for_late_gets_a_time_of_its_own(account):
    """A long listing may have used up its deadline: a query fails no sooner for it."""
    faults, context, arn = account
    late = context.clock.now() - 1

    faults.add(Fault(kind=Kind.UNAVAILABLE, times=2))
    (line,) = query_entry(ref("b.jpg"), arn, context, late)
    assert ref("b.jpg") == json.loads(line)["source-ref"]

    faults.add(Fault(kind=Kind.UNAVAILABLE, times=0))
    with pytest.raises(Unavailable):
        query_entry(ref("b.jpg"), arn, context, late)


def test_an_entry_whose_address_holds_that_of_another_is_not_taken_for_it(account):
    """The service filters by a part of the address."""
    _, context, arn = account

    assert [] == query_entry(ref("b"), arn, context, 0)
    assert [] == query_entry(ref("c"), arn, context, 0)


@pytest.mark.parametrize(
    ("gap", "seen", "expected"),
    [
        (None, 4, None),
        ("AWS counts 5 entries, and 3 could be seen", 5, None),
        ("AWS counts 5 entries, and 3 could be seen", 4, "AWS counts 5 entries, and 4 could be seen"),
    ],
    ids=["a trusted listing", "closed", "smaller"],
)
def test_a_gap_changes_with_what_is_seen_later(gap: str | None, seen: int, expected: str | None):
    """A listing that was trusted, whatever the service counts, stays so."""
    description = Description(Phase.UPDATE_COMPLETE, stats=Stats(total_entries=5))
    with closing(SpooledListing()) as listing:
        observation = Observation("arn", description, NOTHING, listing, 1.0, 1.0, gap)
        amended = observation.amended(replace(NOTHING, observed=seen))

    assert (expected, seen) == (amended.gap, amended.diff.observed)
