"""How often a call is tried again, and for how long, on a clock that only a sleep moves."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from reconciler.engine.dataset.retry import await_settled, retry
from reconciler.errors import (
    AlreadyExists,
    DatasetBusy,
    DatasetUnusable,
    ListingMoved,
    ReconcilerError,
    Throttled,
    Unavailable,
)
from reconciler.ports import Description, Phase


@dataclass
class Service:
    """Fails each call with the same error, and is the clock; a call takes *seconds*."""

    error: ReconcilerError
    seconds: float = 0.0
    times: int = 1_000
    calls: int = 0
    time: float = 1_000.0
    drawn: float = 1.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def draw(self) -> float:
        return self.drawn

    def __call__(self) -> str:
        self.calls += 1
        self.time += self.seconds
        if self.calls > self.times:
            return "an answer"
        raise self.error


def unavailable(**facts: bool) -> Unavailable:
    error = Unavailable("no")
    for name, value in facts.items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (AlreadyExists("no"), 1),
        (unavailable(garbled=True), 2),
        (unavailable(isolated=True), 5),
        (ListingMoved("no"), 5),
    ],
    ids=["not to be tried again", "another answers", "others are answered", "it moves"],
)
def test_some_failures_are_tried_again_a_number_of_times(error: ReconcilerError, calls: int):
    """However long the deadline is, and however little time they take."""
    service = Service(error)

    with pytest.raises(type(error)):
        retry(service, service, 1e9)

    assert calls == service.calls


def test_a_service_that_is_down_is_not_waited_for():
    """Two failures are none while they come fast; past half a minute the service is down."""
    service = Service(unavailable())

    with pytest.raises(Unavailable) as raised:
        retry(service, service, 1e9)

    assert service.calls > 2
    assert 30 < service.time - 1_000 < 62
    assert raised.value.outlasted

    for seconds, calls in ((14.75, 3), (15.0, 2), (40.0, 2)):  # half a second passes between the first two
        slow = Service(unavailable(), seconds=seconds)
        with pytest.raises(Unavailable):
            retry(slow, slow, 1e9)
        assert calls == slow.calls


def test_what_was_outlasted_within_is_not_tried_again_around_it():
    """A retry around another waits for an outage once."""
    service = Service(unavailable())
    service.error.outlasted = True

    with pytest.raises(Unavailable):
        retry(service, service, 1e9)

    assert (1, []) == (service.calls, service.slept)


@pytest.mark.parametrize("error", [DatasetBusy("no"), Throttled("no")])
def test_no_wait_goes_past_the_deadline(error: ReconcilerError):
    """A dataset that is busy is waited for until the deadline: the next wait would end after it."""
    service = Service(error)

    with pytest.raises(type(error)):
        retry(service, service, 1_000 + 20)

    assert service.time <= 1_020
    assert service.time + 2 * service.slept[-1] > 1_020


def test_a_wait_that_ends_at_the_deadline_is_made():
    """Of a call that failed, and of a dataset that is busy or is being created."""
    service = Service(DatasetBusy("no"))
    with pytest.raises(DatasetBusy):
        retry(service, service, 1_003.5)
    assert [0.5, 1.0, 2.0] == service.slept

    for phase in (Phase.UPDATE_IN_PROGRESS, Phase.CREATE_IN_PROGRESS):
        dataset = Dataset(seconds=9, before=phase)
        with pytest.raises(DatasetBusy):
            await_settled(dataset, "arn", dataset, 1_001.25)  # type: ignore[arg-type]
        assert [0.5, 0.75] == dataset.slept


def test_the_first_answer_ends_it():
    service = Service(DatasetBusy("no"), times=3)

    assert "an answer" == retry(service, service, 1e9)
    assert [0.5, 1.0, 2.0] == service.slept


def test_what_is_waited_for_is_logged():
    """Where AWS throttles, and where a listing starts again; that a dataset is busy is no event."""
    for error in (Throttled("no"), ListingMoved("it moved"), DatasetBusy("no")):
        service = Service(error, times=1, drawn=1 / 3)
        with capture_logs() as events:
            retry(service, service, 1e9)
        expected = {
            Throttled: [("aws.throttled", None, 0.33)],
            ListingMoved: [("observe.restarted", "it moved", 0.33)],
        }
        assert expected.get(type(error), []) == [
            (event["event"], event.get("reason"), event["delay_seconds"]) for event in events
        ]


@dataclass
class Dataset(Service):
    """Is in one phase for *seconds*, and in another from then on."""

    error: ReconcilerError = field(default_factory=lambda: Unavailable("no"))
    before: Phase = Phase.UPDATE_IN_PROGRESS
    after: Phase = Phase.UPDATE_COMPLETE

    def describe(self, _arn: str) -> Description:
        return Description(self.before if self.time < 1_000 + self.seconds else self.after)


@pytest.mark.parametrize(
    ("phase", "longest"), [(Phase.UPDATE_IN_PROGRESS, 600), (Phase.CREATE_IN_PROGRESS, 60)]
)
def test_a_busy_dataset_is_waited_for_until_the_deadline(phase: Phase, longest: float):
    """One that is being created for a minute at most: an empty dataset takes seconds."""
    for seconds in (longest - 10, longest + 10):
        dataset = Dataset(seconds=seconds, before=phase)
        if seconds < longest:
            assert Phase.UPDATE_COMPLETE is await_settled(dataset, "arn", dataset, 1_600).phase  # type: ignore[arg-type]
        else:
            with pytest.raises(DatasetBusy, match=f"still {phase}"):
                await_settled(dataset, "arn", dataset, 1_600)  # type: ignore[arg-type]
            assert 1_000 + longest - 15 < dataset.time <= 1_000 + longest


def test_a_creation_is_not_waited_for_past_the_deadline():
    dataset = Dataset(seconds=30, before=Phase.CREATE_IN_PROGRESS)

    with pytest.raises(DatasetBusy):
        await_settled(dataset, "arn", dataset, 1_020)  # type: ignore[arg-type]

    assert dataset.time <= 1_020


def test_a_dataset_is_asked_about_more_seldom_the_longer_it_is_busy():
    """A minute of an update costs a few calls, and its end is noticed within seconds."""
    dataset = Dataset(seconds=60)

    await_settled(dataset, "arn", dataset, 1e9)  # type: ignore[arg-type]

    assert [0.5, 0.75, 1.125] == dataset.slept[:3]
    assert dataset.slept == sorted(dataset.slept)
    assert dataset.slept[0] < dataset.slept[-1]
    assert len(dataset.slept) <= 20


def test_a_dataset_that_is_being_deleted_is_not_waited_for():
    dataset = Dataset(seconds=60, before=Phase.DELETE_IN_PROGRESS)

    with pytest.raises(DatasetUnusable, match="DELETE_IN_PROGRESS"):
        await_settled(dataset, "arn", dataset, 1e9)  # type: ignore[arg-type]

    assert [] == dataset.slept
