"""How a source is polled, on its own schedule, and how old its last confirmation may be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.core.runtime.backoff import RETRY_MOST_SECONDS
from reconciler.engine.controller import source_poller
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.source_poller import Polling
from reconciler.errors import SourceError
from reconciler.ports import LoadedDataset
from tests.engine.months import Months, make_months

MINUTE = 60.0


@dataclass
class Sync:
    """A `Witness` that the test advances."""

    at: float | None = None
    failure: str | None = None
    name: str = "git-sync"

    def confirmed_at(self, now: float) -> float | None:
        del now
        if self.failure:
            raise SourceError(self.failure)
        return self.at


def follow_by(months: Months, polling: Polling) -> None:
    months.controller._poller._polling = polling


def test_a_directory_is_polled_every_five_seconds(months: Months):
    """A spec directory is polled every five seconds, whatever the intervals of its datasets."""
    months.write("roses", *"abc", interval="24h")
    months.settle()
    months.write("roses", *"abcd", interval="24h")

    months.run_for(6)

    assert 4 == months.dataset_state("roses").summary.counts["observed"]


def test_a_repository_has_its_own_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A repository is polled every `--git-interval`, and no more often."""
    with make_months(tmp_path) as months:
        follow_by(months, Polling(30.0))
        months.write("roses", "a", interval="1m")
        months.settle()
        looks: list[float] = []
        poll = months.controller._poller._source.poll
        monkeypatch.setattr(
            months.controller._poller._source,
            "poll",
            lambda known: (looks.append(months.time.seconds()), poll(known))[1],
        )

        months.run_for(10 * MINUTE)

        assert 19 <= len(looks) <= 20


def test_what_is_not_there_yet_is_polled_soon(months: Months):
    """A source that is missing at first is found within ten seconds of appearing."""
    months.run_for(10 * MINUTE)
    assert not months.registry.is_ready()
    months.write("roses", *"abc")

    months.run_for(10)

    assert "True" == months.conditions("roses")["InSync"]
    assert months.registry.is_ready()


def test_conditions_change_with_the_first_failed_poll_alone(months: Months, events: list[dict[str, object]]):
    """Conditions change at the first failed poll and at the first success after it, not in between."""
    months.write("roses", *"abc")
    months.settle()
    months.specs.rename(months.place / "gone")
    events.clear()

    months.run_for(5 * MINUTE)
    failed = [
        e["status"] for e in events if (e["event"], e.get("type")) == ("condition.changed", "SourceReady")
    ]
    (months.place / "gone").rename(months.specs)
    months.run_for(MINUTE)

    looks = [event for event in events if event["event"] == "source.unavailable"]
    told = [
        e["status"] for e in events if (e["event"], e.get("type")) == ("condition.changed", "SourceReady")
    ]
    assert len(looks) >= 5
    assert (["False"], ["False", "True"]) == (failed, told)


def test_the_first_failed_poll_is_judged_at_once_and_the_next_ones_are_not(
    months: Months, monkeypatch: pytest.MonkeyPatch
):
    """All datasets are judged when a source fails and when it recovers, not at every failed poll."""
    months.write("roses", *"abc")
    months.settle()
    poll, judged = months.controller._poller.poll, []
    judge = Registry.judge
    monkeypatch.setattr(
        Registry, "judge", lambda registry, state: (judged.append(state.name), judge(registry, state))
    )
    months.specs.rename(months.place / "gone")

    poll()
    assert (["roses"], "False") == (judged, months.conditions("roses")["SourceReady"])
    poll()
    poll()
    assert ["roses"] == judged
    (months.place / "gone").rename(months.specs)
    poll()
    poll()

    assert (["roses", "roses"], "True") == (judged, months.conditions("roses")["SourceReady"])


def test_a_revision_that_nothing_confirms_is_stale(months: Months, events: list[dict[str, object]]):
    """A revision that can be read but is never confirmed goes stale by its age."""
    sync = Sync(at=months.time.wall())
    follow_by(months, Polling(witness=sync, max_age_seconds=120))
    months.write("roses", *"abc")
    months.settle()

    months.run_for(115)
    assert "True" == months.conditions("roses")["SourceReady"]
    months.run_for(20)

    assert ("False", "SourceStale") == (
        months.conditions("roses")["SourceReady"],
        months.reasons("roses")["SourceReady"],
    )
    assert "SourceStale" == months.registry.document()["source"]["reason"]
    assert ["source.stale"] == [event["event"] for event in events if event["event"] == "source.stale"]
    sync.at = months.time.wall()
    months.run_for(6)
    assert "True" == months.conditions("roses")["SourceReady"]


@pytest.mark.parametrize("sync", [Sync(), Sync(failure="connection refused")])
def test_what_never_confirms_is_stale_after_a_while(months: Months, sync: Sync):
    """A source that never confirms goes stale, counted from the start; its changes still apply."""
    follow_by(months, Polling(witness=sync, max_age_seconds=120))
    months.write("roses", *"abc")
    months.settle()
    assert "True" == months.conditions("roses")["SourceReady"]

    months.run_for(130)
    months.write("roses", *"abcd")
    months.run_for(6)

    assert "SourceStale" == months.reasons("roses")["SourceReady"]
    assert (sync.failure or "") in str(months.registry.document()["source"]["message"])
    assert 4 == months.dataset_state("roses").summary.counts["observed"]


def test_a_document_that_breaks_or_is_mended_is_a_new_try_for_what_failed(months: Months):
    """Without a usable spec on one side it is open whether the failure remains: the back-off ends early."""
    months.write("roses", *"abc")
    months.settle()
    state, path = months.dataset_state("roses"), months.specs / "roses.yaml"
    sound = path.read_text()

    for text in (sound.replace("policy:", "polcy:"), sound):
        state.failures, state.due = 5, months.time.seconds() + 10_000
        path.write_text(text)
        months.controller._poller.poll()

        assert months.controller._poller.failure is None
        assert months.time.seconds() <= state.due <= months.time.seconds() + RETRY_MOST_SECONDS


def test_a_file_that_is_gone_when_a_revision_is_adopted_is_reported_by_its_dataset(
    months: Months, monkeypatch: pytest.MonkeyPatch
):
    """The others are adopted, and so is this one: its cycle says what is missing."""
    months.write("roses", *"abc")
    months.write("tulips", *"de")
    digest_of = source_poller.digest_of

    def gone(loaded: LoadedDataset) -> bytes:
        if loaded.name == "roses":
            raise SourceError("roses.jsonl: no such file")
        return digest_of(loaded)

    monkeypatch.setattr(source_poller, "digest_of", gone)
    months.controller._poller.poll()

    assert {"roses": True, "tulips": False} == {
        name: state.digest is None for name, state in months.registry.states.items()
    }


def test_a_revision_is_logged_with_what_it_holds(months: Months, events: list[dict[str, object]]):
    """The first twenty datasets that it lacks are named."""
    names = [f"d{number:02}" for number in range(22)]
    for name in (*names, "roses"):
        months.write(name, "a")
    months.controller._poller.poll()
    for name in names:
        (months.specs / f"{name}.yaml").unlink()
    (months.specs / "roses.yaml").write_text("apiVersion: reconciler/v1\nkind: Dataset\n")
    months.write("tulips", "b")
    months.controller._poller.poll()

    first, second = (event for event in events if event["event"] == "source.updated")
    keys = ("datasets", "broken", "removed", "left_alone")
    assert [23, 0, 0, []] == [first[key] for key in keys]
    assert [1, 1, 23, names[:20]] == [second[key] for key in keys]
    (invalid,) = [event for event in events if event["event"] == "spec.invalid"]
    assert str(invalid["first"]).endswith("roses.yaml:1:1")
    assert invalid["problems"] == 2


@pytest.mark.parametrize(("age", "stale"), [(120.0, False), (120.5, True)])
def test_a_confirmation_counts_until_it_is_too_old(months: Months, age: float, stale: bool):
    """The reason names what confirms, and why it does not."""
    sync = Sync(at=months.time.wall())
    follow_by(months, Polling(witness=sync, max_age_seconds=120))
    months.write("roses", *"abc")
    months.controller._poller.poll()
    sync.failure = "connection refused"
    months.time.jump_wall(age)
    months.controller._poller.poll()

    failure = months.registry.source_failure
    text = "git-sync has not confirmed the revision for more than 120 s: connection refused"
    assert (text if stale else None) == (failure.message if failure else None)


def test_until_specs_were_read_the_source_is_polled_every_ten_seconds(tmp_path: Path):
    """However long its interval, and however often it has failed."""
    with make_months(tmp_path) as months:
        follow_by(months, Polling(300.0))
        poller = months.controller._poller
        waits = []
        for _ in range(6):
            poller.poll()
            waits.append(poller.due - months.time.seconds())
        assert [5.0, *[10.0] * 5] == waits  # by half of what is drawn at random

        months.write("roses", *"abc")
        poller.poll()
        assert 300 == poller.due - months.time.seconds()


def test_a_commit_is_a_new_generation_of_the_datasets_that_it_changes(months: Months):
    """The others keep theirs, and their schedule."""
    months.write("roses", *"abc")
    months.write("tulips", *"de")
    months.settle()
    states = [months.dataset_state(name) for name in ("roses", "tulips")]
    before, due = [state.generation for state in states], states[1].due
    months.write("roses", *"abcd")

    months.controller._poller.poll()

    assert [before[0] + 1, before[1]] == [state.generation for state in states]
    assert ([True, False], due) == ([state.edited for state in states], states[1].due)
    assert months.time.seconds() >= states[0].due


def test_a_dataset_that_left_the_specs_is_superseded(months: Months):
    """A cycle of it that still runs sends nothing more."""
    months.write("roses", *"abc")
    months.write("tulips", *"de")
    months.settle()
    state = months.dataset_state("roses")
    generation = state.generation
    (months.specs / "roses.yaml").unlink()

    months.controller._poller.poll()

    assert generation + 1 == state.generation
    assert "roses" not in months.registry.states


def test_a_failed_poll_is_logged_with_how_many_failed_before_it(
    months: Months, events: list[dict[str, object]]
):
    """A success begins the count anew."""
    months.write("roses", *"abc")
    poll = months.controller._poller.poll
    for there in (True, False, False, True, False):
        if there != months.specs.exists():
            source, target = months.specs, months.place / "gone"
            (target if there else source).rename(source if there else target)
        poll()

    failed = [event["failures"] for event in events if event["event"] == "source.unavailable"]
    assert [1, 2, 1] == failed


def test_a_confirmation_counts_for_ten_minutes_unless_another_time_is_given():
    assert (5.0, None, 600.0) == (Polling().interval_seconds, Polling().witness, Polling().max_age_seconds)
