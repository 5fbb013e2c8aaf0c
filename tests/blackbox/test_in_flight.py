"""Processes that are killed while nobody can tell yet whether the update arrived."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.blackbox.lab import Lab, image_level, ref
from tests.blackbox.standin import HangUp


def killed_at_an_update(lab: Lab) -> None:
    """Run an apply until the service has its first update, and kill it with the call unanswered."""
    running = []

    def kill(operation: str, _: dict[str, Any]) -> None:
        if operation == "UpdateDatasetEntries" and running:
            process = running.pop()
            process.send_signal(signal.SIGKILL)
            process.wait()

    lab.service.before = kill
    running.append(process := lab.start("apply", "-o", "json"))
    lab.finish(process)
    lab.service.before = None
    assert (process.returncode, lab.service.count("UpdateDatasetEntries")) == (-signal.SIGKILL, 1)


def edited(lab: Lab) -> None:
    lab.service.make("flowers", lines=[image_level(ref(n), "rose") for n in range(3)])
    lab.lines(image_level(ref(n), "tulip") for n in range(3))
    lab.spec(limits={"maxChangeRatio": 1.0})


@pytest.mark.parametrize(("late", "lag"), [(0.0, 4.0), (0.0, 25.0), (5.0, 0.0), (5.0, 4.0), (30.0, 0.0)])
@pytest.mark.parametrize("command", [("apply",), ("run", "--once")])
def test_killed_with_an_update_under_way_it_is_not_sent_again(
    lab: Lab, late: float, lag: float, command: tuple[str, ...]
) -> None:
    """Whether the call takes effect late, or the status shows it late."""
    edited(lab)
    lab.service.habits.late, lab.service.habits.status_lag = late, lag
    killed_at_an_update(lab)

    ran = lab.run(*command, "-o", "json")

    assert ran.code == 0, ran
    assert {"tulip"} == {
        fields["a0-metadata"]["class-name"] for fields in lab.service.entries("flowers").values()
    }
    assert lab.service.count("UpdateDatasetEntries") == 1
    lab.assert_in_order()


def test_killed_with_a_call_that_never_arrives_it_is_sent_after_all(lab: Lab) -> None:
    """Ninety seconds after the call was begun, and not before."""
    edited(lab)
    lab.service.fail("UpdateDatasetEntries", HangUp())
    killed_at_an_update(lab)

    ran = lab.apply()

    assert ran.code == 0, ran
    first, second = (call.at for call in lab.service.calls if call.operation == "UpdateDatasetEntries")
    assert 85.0 < second - first < 110.0
    lab.assert_in_order()
