"""What becomes of the datasets of a controller when the fleet gives them to it, or to another replica."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from reconciler.core.runtime.fleet import Partition
from reconciler.core.spec.documents import Target
from reconciler.engine.controller.registry import AFTER_SECONDS, Ownership, Registry
from reconciler.engine.controller.views import QuarantineView
from tests.engine.months import Months


@dataclass
class Replica:
    """A `Fleet` in which the test says what this replica owns, by project or by name."""

    owned: set[str] = field(default_factory=set)
    owner: str = "replica-2"

    def owns(self, target: Target) -> bool:
        return target.project in self.owned

    def represents(self, name: str) -> bool:
        return name in self.owned

    def owner_in_words(self, target: Target) -> str:
        return f"{self.owner} owns {target.project}"

    def partition_of(self, target: Target) -> Partition:
        return Partition(str(target.project), "us-east-1")

    def leadership(self) -> None: ...


@pytest.fixture
def replica(months: Months) -> Replica:
    """A replica that has read the specs of two datasets, and owns roses."""
    found = Replica({"roses"})
    months.registry.fleet = found  # type: ignore[assignment]
    months.controller.ownership = Ownership(
        found,  # type: ignore[arg-type]
        months.registry,
        months.controller._runner.targets,
    )
    months.write("roses", *"abc")
    months.write("tulips", *"de")
    months.settle()
    months.run_for(2)
    return found


def test_only_what_a_replica_owns_is_observed(months: Months, replica: Replica):
    """The status of the other says whose it is, and it makes this process no less ready."""
    assert [("roses", "converged")] == months.counted.cycles
    assert months.dataset_state("tulips").is_elsewhere
    assert "Standby" == months.reasons("tulips")["Ready"]
    assert {"replica-2 owns tulips"} <= {one.message for one in months.dataset_state("tulips").conditions}
    assert months.registry.is_ready()


def test_what_comes_is_due_when_the_calls_of_the_former_owner_no_longer_count(
    months: Months, replica: Replica
):
    """Both together would exceed the limit of AWS, which is for each second."""
    replica.owned.add("tulips")
    months.controller.ownership.reassign()  # type: ignore[union-attr]
    state = months.dataset_state("tulips")

    assert (False, None) == (state.is_elsewhere, state.summary)
    assert months.time.seconds() + 1.0 == months.time.seconds() + AFTER_SECONDS == state.due
    months.run_for(2)
    assert "True" == months.conditions("tulips")["InSync"]


def test_what_leaves_is_forgotten(months: Months, replica: Replica):
    """Its status is that of another replica: nothing that this one found out is shown any more."""
    state = months.dataset_state("roses")
    state.failures = 3
    assert state.drift_view is not None
    replica.owned.clear()
    months.calls()

    months.controller.ownership.reassign()  # type: ignore[union-attr]
    months.run_for(600)

    assert [] == months.calls()
    assert (0, None, QuarantineView()) == (state.failures, state.drift_view, state.quarantined)
    assert ("Unknown", "Standby") == (months.conditions("roses")["InSync"], months.reasons("roses")["Ready"])


def test_a_status_is_judged_again_when_the_owner_changes_alone(
    months: Months, replica: Replica, monkeypatch: pytest.MonkeyPatch
):
    """A fleet at rest costs nothing."""
    judged: list[str] = []
    judge = Registry.judge
    monkeypatch.setattr(
        Registry, "judge", lambda registry, state: (judged.append(state.name), judge(registry, state))
    )
    ownership = months.controller.ownership
    assert ownership is not None
    months.registry._dirty = False
    ownership.reassign()
    assert ([], False) == (judged, months.registry._dirty)

    replica.owner = "replica-3"
    ownership.reassign()
    ownership.reassign()

    assert (["tulips"], True) == (judged, months.registry._dirty)
    assert {"replica-3 owns tulips"} <= {one.message for one in months.dataset_state("tulips").conditions}


def test_a_document_that_cannot_be_read_is_reported_by_one_replica(months: Months, replica: Replica):
    """It names no account: the replica that represents its name reports it."""
    for name in ("roses", "tulips"):
        path = months.specs / f"{name}.yaml"
        path.write_text(path.read_text().replace("policy:", "polcy:"))
    months.settle()
    months.run_for(2)

    assert "SpecInvalid" == months.reasons("roses")["Ready"]
    assert "Standby" == months.reasons("tulips")["Ready"]
    assert "another replica reports the dataset" in {
        one.message for one in months.dataset_state("tulips").conditions
    }


def test_the_fleet_hears_of_all_targets_once_the_specs_were_read(months: Months):
    """Before, it is not known what there is to own, which is not the same as nothing."""
    replica = Replica()
    ownership = Ownership(
        replica,  # type: ignore[arg-type]
        months.registry,
        months.controller._runner.targets,
    )
    assert ownership.targets() is None

    months.write("roses", *"abc")
    months.settle()

    assert ["roses"] == [target.project for target in ownership.targets() or ()]


def test_a_partition_is_busy_while_a_cycle_of_it_runs(months: Months, replica: Replica):
    """It is given away only when no call of this replica can be on its way."""
    busy = []
    ownership = months.controller.ownership
    assert ownership is not None
    months.counted.on_submitted = lambda: busy.extend(
        name for name in ("roses", "tulips") if ownership.is_busy(Partition(name, "us-east-1"))
    )
    months.write("roses", *"abcd")

    months.settle()

    assert ["roses"] == busy
    assert not ownership.is_busy(Partition("roses", "us-east-1"))
