"""What is asked before each call of a cycle, and how its updates are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.core.spec.choices import DatasetType
from reconciler.engine.controller.guarded_gateway import GuardedGateway, Work
from reconciler.engine.dataset.context import CountedGateway
from reconciler.errors import NotLeader, Rejected, Unavailable
from reconciler.ports import Description, Located, Phase

BEFORE = Description(Phase.UPDATE_COMPLETE, "SUCCESS", "", 10.0)
BUSY = Description(Phase.UPDATE_IN_PROGRESS, None, None, 11.0)  # type: ignore[arg-type]


@dataclass
class Account:
    """A gateway and its clock, which record what was asked and what was counted."""

    region: str = "us-east-1"
    answers: list[Description] = field(default_factory=list)
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    counted: list[tuple[str, str, int, float]] = field(default_factory=list)
    time: float = 100.0

    def now(self) -> float:
        return self.time

    def account(self) -> str:
        return "111122223333"

    def locate(self, project: str, kind: DatasetType) -> Located:
        return Located(f"{project} {kind}", None)

    def describe(self, arn: str) -> Description:
        return self.answers.pop(0)

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        yield [arn]
        yield [str(contains)]

    def update(self, arn: str, payload: bytes) -> None:
        self.time += 2
        if self.error:
            raise self.error

    def create_project(self, project: str) -> str:
        return f"new {project}"

    def create_dataset(self, project_arn: str, kind: DatasetType) -> str:
        return f"new {kind} of {project_arn}"


@dataclass
class Counted:
    """A `Meter` that counts for an account."""

    account: Account

    def update(self, dataset: str, result: str, size_bytes: int, seconds: float) -> None:
        self.account.counted.append((dataset, result, size_bytes, seconds))


def guarded(account: Account, may_write: Any = None) -> GuardedGateway:
    gateway: Any = account
    permit = may_write or (lambda: account.asked.append("write"))
    return GuardedGateway(
        gateway, "roses", gateway, Counted(account), lambda: account.asked.append("call"), permit
    )


@pytest.mark.parametrize(
    ("call", "answer", "asked"),
    [
        (lambda gateway: gateway.region, "us-east-1", []),
        (lambda gateway: gateway.account(), "111122223333", ["call"]),
        (lambda gateway: gateway.locate("p", "TRAIN"), Located("p TRAIN", None), ["call"]),
        (lambda gateway: list(gateway.pages("arn", "a")), [["arn"], ["a"]], ["call"] * 3),
        (lambda gateway: gateway.create_project("p"), "new p", ["call", "write"]),
        (lambda gateway: gateway.create_dataset("p", "TRAIN"), "new TRAIN of p", ["call", "write"]),
        (lambda gateway: gateway.update("arn", b"1"), None, ["call", "write"]),
    ],
)
def test_each_call_is_asked_for_and_each_that_writes_twice(call: Any, answer: object, asked: list[str]):
    """So that a replica that no longer leads, or a process that must stop, makes no further one."""
    account = Account()

    assert answer == call(guarded(account))
    assert asked == account.asked


def test_a_call_that_may_not_write_is_not_made():
    account = Account()

    def refuse() -> None:
        raise NotLeader("replica-2 leads")

    gateway = guarded(account, refuse)
    for call in (
        lambda: gateway.update("arn", b"1"),
        lambda: gateway.create_project("p"),
        lambda: gateway.create_dataset("p", DatasetType.TRAIN),
    ):
        with pytest.raises(NotLeader):
            call()

    assert ([], Work(100.0)) == (account.counted, gateway.work)


def test_a_cycle_that_has_sent_nothing_has_no_progress():
    work = Work(5.0)

    assert (0, 0, 0, 0, 0) == (work.planned, work.sent, work.finished, work.failed, work.sent_bytes)
    assert (None, None) == (work.in_flight_since, work.found)


@pytest.mark.parametrize(
    ("phase", "result"), [(Phase.UPDATE_COMPLETE, "finished"), (Phase.UPDATE_FAILED, "failed")]
)
def test_an_update_ends_with_the_first_description_that_has_moved_and_is_settled(phase: Phase, result: str):
    """One as before the update, or of an update in progress, says nothing of its end."""
    after = replace(BEFORE, phase=phase, updated_at=20.0)
    account = Account(answers=[BEFORE, BEFORE, BUSY, after, after])
    gateway = guarded(account)
    gateway.describe("arn")
    gateway.update("arn", b"12345")
    assert ([("roses", "submitted", 5, 0.0)], 100.0) == (account.counted, gateway.work.in_flight_since)

    for _ in range(2):
        account.time += 10
        gateway.describe("arn")
        assert (1, 1) == (len(account.counted), gateway.work.sent)
    account.time += 10
    gateway.describe("arn")
    gateway.describe("arn")

    assert ("roses", result, 5, 32.0) == account.counted[-1]
    assert 2 == len(account.counted)
    good = result == "finished"
    work = gateway.work
    assert (1, 5, int(good), int(not good), None) == (
        work.sent,
        work.sent_bytes,
        work.finished,
        work.failed,
        work.in_flight_since,
    )


@pytest.mark.parametrize(("error", "sent"), [(Unavailable("no answer"), 1), (Rejected("no"), 0)])
def test_an_update_without_an_answer_may_have_arrived(error: Exception, sent: int):
    """One that was refused has not."""
    account = Account(error=error)
    gateway = guarded(account)

    with pytest.raises(type(error)):
        gateway.update("arn", b"1")

    assert (sent, sent) == (gateway.work.sent, len(account.counted))


def test_each_call_is_counted_by_its_operation():
    """Pages count one by one; what STS is asked, and what is known without a call, do not."""
    made: Counter[str] = Counter()
    gateway: Any = CountedGateway(Account(answers=[BEFORE, BEFORE]), made)  # type: ignore[arg-type]

    assert ("us-east-1", "111122223333") == (gateway.region, gateway.account())
    assert {} == made
    gateway.locate("p", "TRAIN")
    gateway.describe("arn")
    gateway.describe("arn")
    list(gateway.pages("arn"))
    gateway.update("arn", b"")
    gateway.create_project("p")
    gateway.create_dataset("p", "TRAIN")
    assert made == {
        "DescribeProjects": 1,
        "DescribeDataset": 2,
        "ListDatasetEntries": 2,
        "UpdateDatasetEntries": 1,
        "CreateProject": 1,
        "CreateDataset": 1,
    }
