"""What an apply guarantees: bad lines are named, all others are in place, nothing is sent in vain."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from reconciler.core.planning.quarantine import FIRST_PAUSE_SECONDS, ROUNDS, QuarantineReason
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.behaviour.switches import FailedUpdate, Switches
from reconciler.engine.dataset import make_plan, send
from reconciler.errors import Denied, Rejected
from reconciler.ports import Description, Phase, Untraced
from reconciler.state import State
from tests.builders import classified, ref
from tests.engine.conftest import Lab, make_lab

UPDATE = frozenset({"UpdateDatasetEntries"})


def named(count: int, label: str = "rose") -> list[bytes]:
    return [classified(f"{number:03}", label) for number in range(count)]


def refs(*numbers: int) -> frozenset[str]:
    return frozenset(ref(f"{number:03}") for number in numbers)


def poison(lab: Lab, *numbers: int, kind: Kind = Kind.POISON) -> None:
    lab.emulator.faults.add(Fault(kind=kind, source_refs=refs(*numbers)))


def listed(lab: Lab) -> set[str]:
    pages = lab.context.gateway.pages(lab.arn)
    return {orjson.loads(line)["source-ref"] for page in pages for line in page}


def collisions(lab: Lab) -> list[str | None]:
    """Return the errors of updates sent while another was in progress."""
    busy = ("ResourceInUseException", "LimitExceededException")
    return [c.error for c in lab.emulator.calls.of("UpdateDatasetEntries") if c.error in busy]


class Traced(Untraced):
    """Keeps what the spans of updates note and fail of."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def note(self, **attributes: object) -> None:
        self.seen += [attributes["result"]] if "result" in attributes else []

    def fail(self, kind: str) -> None:
        self.seen.append(("failed", kind))


def test_an_update_that_failed_is_traced_as_failed(lab: Lab):
    """And no other."""
    lab.write(*named(2))
    poison(lab, 1)
    tracer = Traced()

    lab.context = dataclasses.replace(lab.context, tracer=tracer)
    lab.apply()

    failed = ["UPDATE_FAILED CLIENT_ERROR", ("failed", "CLIENT_ERROR")]
    assert [*failed, "UPDATE_COMPLETE SUCCESS", *failed] == tracer.seen


class TestFailingLines:
    @pytest.mark.parametrize("failed", list(FailedUpdate))
    @pytest.mark.parametrize("culprits", [(0,), (31,), (7, 8), (0, 15, 31)])
    def test_are_named_and_all_others_are_applied(self, lab: Lab, culprits, failed):
        """Whatever a failed update stored, only the culprits are missing in the end, and they are named."""
        settings = lab.emulator.settings
        lab.emulator.settings = dataclasses.replace(settings, switches=Switches(failed_update=failed))
        lab.write(*named(32))
        poison(lab, *culprits)

        result = lab.apply()

        absent = refs(*range(32)) - listed(lab)
        expected = (Verdict.PARTIAL, 7) if absent else (Verdict.CONVERGED, 0)
        assert expected == (result.verdict, result.exit_code)
        assert {entry_problem.source_ref for entry_problem in result.quarantined} == absent
        assert absent <= refs(*culprits)

    def test_are_found_in_few_updates(self, lab: Lab):
        """One culprit among 200 lines costs about one bisection, not 200 single updates."""
        lab.write(*named(200))
        poison(lab, 77)

        assert lab.apply().updates <= 12

    def test_that_fail_only_together_all_end_in_place(self, lab: Lab):
        """Two lines that fail only together are both applied separately, and neither is reported."""
        lab.write(*named(20))
        poison(lab, 3, 17, kind=Kind.POISON_TOGETHER)

        result = lab.apply()

        assert (Verdict.CONVERGED, 20) == (result.verdict, result.added)

    def test_are_not_sent_again_until_they_are_edited(self, lab: Lab):
        """A quarantined line is not sent again until it is edited in git, and then at once."""
        lab.write(*named(10))
        poison(lab, 4)
        lab.apply()
        sent = len(lab.updates())

        again = lab.apply()
        assert (sent, 7) == (len(lab.updates()), again.exit_code)
        assert [("CONVICTED",)] == [entry_problem.codes for entry_problem in again.quarantined]

        lab.emulator.faults.clear()
        lab.write(*named(4), classified("004", "tulip"), *named(10)[5:])
        assert Verdict.CONVERGED is lab.apply().verdict
        assert {} == lab.context.memory.quarantine.of("train")

    def test_are_tried_again_after_a_pause_that_grows(self, lab: Lab):
        """A quarantined line is sent again after an hour; after a second failure the pause doubles."""
        lab.write(*named(10))
        poison(lab, 4)
        lab.apply()
        lab.clock.sleep(FIRST_PAUSE_SECONDS)

        lab.apply()

        (hold,) = lab.context.memory.quarantine.of("train").values()
        assert (QuarantineReason.ISOLATED, 2) == (hold.kind, hold.rounds)
        assert hold.until - lab.clock.now() == pytest.approx(2 * FIRST_PAUSE_SECONDS, abs=60)


class TestTheService:
    def test_may_fail_by_its_own_fault_and_then_succeed(self, lab: Lab):
        """After SERVICE_ERROR the same batch is sent again later, and no line is blamed."""
        lab.write(*named(10))
        lab.emulator.faults.add(Fault(kind=Kind.FAIL_SERVICE, operations=UPDATE, times=2))

        result = lab.apply()

        assert (Verdict.CONVERGED, 3) == (result.verdict, result.updates)
        assert [tuple(sorted(refs(*range(10))))] * 3 == lab.updates()

    def test_may_fail_by_its_own_fault_for_ever(self, lab: Lab):
        """After a few attempts the rest is left for a later apply: exit code 7, nothing quarantined."""
        lab.write(*named(10))
        lab.emulator.faults.add(Fault(kind=Kind.FAIL_SERVICE, operations=UPDATE, times=0))

        result = lab.apply()

        assert (Verdict.PARTIAL, 7) == (result.verdict, result.exit_code)
        assert {("LEFT",)} == {entry_problem.codes for entry_problem in result.quarantined}
        assert {} == lab.context.memory.quarantine.of("train")

    @pytest.mark.parametrize("culprits", [(0,), (9,), (2, 3, 8)])
    def test_may_fail_by_its_own_fault_wherever_a_certain_line_travels(self, lab: Lab, culprits):
        """A line that always fails is isolated and quarantined even if the service reports its own fault."""
        lab.write(*named(10))
        lab.emulator.faults.add(Fault(kind=Kind.FAIL_SERVICE, source_refs=refs(*culprits), times=0))

        result = lab.apply()

        assert refs(*range(10)) - refs(*culprits) == listed(lab)
        assert (Verdict.PARTIAL, 7) == (result.verdict, result.exit_code)
        assert {(ref, ("CONVICTED",)) for ref in refs(*culprits)} == {
            (entry_problem.source_ref, entry_problem.codes) for entry_problem in result.quarantined
        }
        assert all("SERVICE_ERROR" in entry_problem.reason for entry_problem in result.quarantined)

    @pytest.mark.parametrize("passing", [6, 9])
    def test_may_go_down_in_the_middle_of_a_search(self, lab: Lab, passing: int):
        """Lines left over because nothing passes any more are not quarantined: the next apply sends them."""
        lab.write(*named(32))
        lab.emulator.faults.add(Fault(kind=Kind.FAIL_SERVICE, source_refs=refs(1), times=0))
        lab.emulator.faults.add(Fault(kind=Kind.FAIL_SERVICE, operations=UPDATE, after=passing, times=0))

        result = lab.apply()

        assert (Verdict.PARTIAL, 7) == (result.verdict, result.exit_code)
        assert {} == lab.context.memory.quarantine.of("train")
        lab.emulator.faults.clear()
        assert Verdict.CONVERGED is lab.apply().verdict

    @pytest.mark.parametrize("kind", [Kind.CUT_AFTER, Kind.CUT_INSIDE, Kind.GARBAGE])
    def test_may_lose_its_answer(self, lab: Lab, kind: Kind):
        """A call that arrived but whose answer was lost is no failure and is not sent twice."""
        slow = dataclasses.replace(lab.emulator.settings, update_seconds=20.0)
        lab.emulator.settings = slow
        lab.write(*named(10))
        lab.emulator.faults.add(Fault(kind=kind, operations=UPDATE))

        result = lab.apply()

        assert Verdict.CONVERGED is result.verdict
        assert 1 == len(lab.updates())
        assert [] == collisions(lab)

    @pytest.mark.parametrize(
        "kind",
        [
            *(Kind.CUT_BEFORE, Kind.INTERNAL_ERROR, Kind.UNAVAILABLE, Kind.IN_USE, Kind.LIMIT_EXCEEDED),
            *(Kind.THROTTLE, Kind.THROTTLE_400, Kind.THROTTLE_500),
        ],
    )
    def test_may_refuse_a_call_without_effect(self, lab: Lab, kind: Kind):
        """A refused call without effect is made again later and takes effect once."""
        lab.write(*named(10))
        lab.emulator.faults.add(Fault(kind=kind, operations=UPDATE, times=2))

        assert Verdict.CONVERGED is lab.apply().verdict
        assert 1 == len([c for c in lab.emulator.calls.of("UpdateDatasetEntries") if c.error is None])

    def test_may_mark_a_line_with_errors(self, lab: Lab):
        """A line stored with an error list is named with AWS's codes: exit code 7, also the next time."""
        error = Switches(bare_line="error")
        lab.emulator.settings = dataclasses.replace(lab.emulator.settings, switches=error)
        lab.write(*named(9), b'{"source-ref":"s3://b/bare.jpg"}')

        for _ in range(2):
            result = lab.apply()
            assert (Verdict.PARTIAL, 7) == (result.verdict, result.exit_code)
            assert [("s3://b/bare.jpg", ("ERROR_NO_LABEL_ATTRIBUTES",))] == [
                (entry_problem.source_ref, entry_problem.codes) for entry_problem in result.rejected
            ]
        assert 1 == len(lab.updates())


class TestOtherWriters:
    def test_are_waited_for(self, lab: Lab):
        """An update waits for one of another client that is in progress."""
        lab.write(*named(5))
        lab.apply()
        lab.emulator.settings = dataclasses.replace(lab.emulator.settings, update_seconds=30.0)
        lab.context.gateway.update(lab.arn, classified("foreign", "x") + b"\n")
        lab.write(*named(6))

        assert Verdict.CONVERGED is lab.apply().verdict
        assert [] == collisions(lab)
        assert ref("foreign") in listed(lab)

    def test_that_keep_changing_a_line_back_are_not_fought_for_ever(self, lab: Lab):
        """A line that keeps being changed back is left alone after a few rounds, and retried later."""
        lab.write(*named(12))
        lab.apply()
        theirs = orjson.loads(classified("003", "daisy"))
        for _ in range(ROUNDS):
            lab.emulator.console.put(lab.arn, theirs)
            assert Verdict.CONVERGED is lab.apply().verdict
        lab.emulator.console.put(lab.arn, theirs)
        sent = len(lab.updates())

        result = lab.apply()

        assert (sent, 7) == (len(lab.updates()), result.exit_code)
        assert [(ref("003"), ("CONTESTED",))] == [(t.source_ref, t.codes) for t in result.quarantined]

    def test_that_rewrite_a_line_at_once_get_an_ignore_rule(self, lab: Lab):
        """A line that the service rewrites is left alone after a few rounds, and an ignore rule suggested."""
        lab.write(*named(12))
        lab.apply()
        theirs = orjson.loads(classified("003", "rose"))
        theirs["rose-metadata"]["creation-date"] = "2030-01-01T00:00:00"
        action = {"do": "put", "dataset": lab.arn, "lines": [theirs]}
        lab.emulator.faults.add(Fault(kind=Kind.CONSOLE_AFTER, operations=UPDATE, times=0, action=action))
        for number in range(ROUNDS + 1):
            lab.write(
                *named(3), classified("003", "rose"), *named(12)[4:], classified(f"new{number}", "rose")
            )
            (entry_problem,) = lab.apply().quarantined
            assert (ref("003"), ("OVERTAKEN",)) == (entry_problem.source_ref, entry_problem.codes)
        sent = len(lab.updates())

        result = lab.apply()

        assert (sent, 7) == (len(lab.updates()), result.exit_code)
        (entry_problem,) = result.quarantined
        assert (ref("003"), ("PERPETUAL",)) == (entry_problem.source_ref, entry_problem.codes)
        rule = '{"paths": ["/rose-metadata/creation-date"], "match": "s3://b/003.jpg"}'
        assert f"spec.ignore: [{rule}]" in entry_problem.reason

    def test_a_second_process_waits_and_then_refuses(self, lab: Lab):
        """Two processes never write to one dataset from one state directory: the second is refused."""
        lab.write(*named(3))
        with State(lab.state_dir).claim("train"):
            result = lab.apply()

        assert (Verdict.UNKNOWN, 3, "RKD5008") == (result.verdict, result.exit_code, result.errors[0].code)
        assert [] == lab.updates()


class Killed(BaseException):
    """The process was killed."""


class Mortal:
    """A gateway that kills the process at the n-th call, before or after it takes effect."""

    def __init__(self, gateway, at: int, *, after: bool) -> None:
        self._gateway, self._left, self._after = gateway, at, after

    def __getattr__(self, name: str):
        call = getattr(self._gateway, name)

        def dying(*args, **kwargs):
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Killed
            answer = call(*args, **kwargs)
            if self._left == 0:
                raise Killed
            return answer

        return dying


def calls_of_one_apply(tmp_path: Path) -> int:
    with killable_lab(tmp_path / "count") as lab:
        counted = Mortal(lab.context.gateway, 10**6, after=False)
        lab.context = dataclasses.replace(lab.context, gateway=counted)
        lab.apply()
        return 10**6 - counted._left


def killable_lab(tmp_path: Path):
    """Return a lab in which four slow updates are needed, three of them to isolate a culprit."""
    tmp_path.mkdir()
    return make_lab(tmp_path, prepare=_prepare)


def _prepare(lab: Lab) -> None:
    lab.write(*named(2, "tulip"))
    lab.apply()
    lab.emulator.settings = dataclasses.replace(lab.emulator.settings, update_seconds=2.0)
    lab.emulator.calls.clear()
    poison(lab, 2)
    lab.write(*named(4))


class MortalMemory:
    """A memory that kills the process at the n-th step of its journal, before or after it is on disk."""

    def __init__(self, memory: State, at: int, *, after: bool) -> None:
        self._memory = memory
        self.journal = Mortal(memory.journal, at, after=after)

    def __getattr__(self, name: str):
        return getattr(self._memory, name)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "at", [2, 3, 4, 5, 8, 9]
)  # 1 asks what is unfinished; then begin, end, begin, end, …
def test_killed_at_a_step_of_the_journal_the_next_start_converges(tmp_path: Path, at: int, after: bool):
    """Killed before or after any step of the journal, the next run converges."""
    with killable_lab(tmp_path / "lab") as lab:
        whole = lab.context
        lab.context = dataclasses.replace(whole, memory=MortalMemory(whole.memory, at, after=after))
        with pytest.raises(Killed):
            lab.apply()
        with State(lab.state_dir) as state:
            lab.context = dataclasses.replace(whole, memory=state)

            assert [ref("002")] == [entry_problem.source_ref for entry_problem in lab.apply().quarantined]
            assert [] == collisions(lab)
            assert [] == list(state.journal.unfinished("train"))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def test_killed_at_any_call_the_next_start_converges(tmp_path: Path, step: int, after: bool):
    """Killed at any call of an apply, the next run converges as if nothing had happened."""
    for at in range(1, calls_of_one_apply(tmp_path) + 1, step):
        with killable_lab(tmp_path / f"{at}-{after}") as lab:
            whole = lab.context
            lab.context = dataclasses.replace(whole, gateway=Mortal(whole.gateway, at, after=after))
            with pytest.raises(Killed):
                lab.apply()
            with State(lab.state_dir) as state:
                lab.context = dataclasses.replace(whole, memory=state)

                result = lab.apply()

                # Only the poisoned line is not as desired, and it is named.
                assert [ref("002")] == [entry_problem.source_ref for entry_problem in result.quarantined]
                assert [] == collisions(lab)
                assert {ref("002")} == {change.source_ref for change in lab.plan().changes}
                assert [] == list(state.journal.unfinished("train"))


def test_without_its_state_nothing_is_lost_but_attribution(lab: Lab):
    """A deleted state file costs a complete observation: the next apply finds everything in place."""
    lab.write(*named(5))
    lab.apply()
    lab.forget_everything()

    assert (Verdict.CONVERGED, 0) == (lab.apply().verdict, lab.apply().updates)


class Refusing:
    """A gateway that refuses every update."""

    def __init__(self, gateway: Any, error: Exception) -> None:
        self._gateway, self._error = gateway, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def update(self, *_: object) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "past"),
    [
        (Rejected("InvalidParameterException: no"), ["UPDATE_FAILED CLIENT_ERROR"]),
        (Denied("AccessDeniedException: no"), []),
    ],
)
def test_only_an_update_that_the_service_judged_is_in_the_history(
    lab: Lab, error: Exception, past: list[str]
):
    """A call that was refused as such changed nothing; one whose lines were refused is a failed update."""
    lab.write(classified("a", "x"))
    lab.context = dataclasses.replace(lab.context, gateway=Refusing(lab.context.gateway, error))

    lab.apply()

    journal = lab.context.memory.journal
    assert past == [update.result for update in journal.past("train", ref("a"))]
    assert [] == list(journal.unfinished("train"))


def test_a_search_is_logged_from_its_beginning_to_its_end(lab: Lab):
    """How many lines were isolated, and what that took; once, however many lines are bad."""
    lab.write(*named(8))
    poison(lab, 2, 5)

    with capture_logs() as events:
        result = lab.apply()

    (started,) = [event for event in events if event["event"] == "bisect.started"]
    (finished,) = [event for event in events if event["event"] == "bisect.finished"]
    assert (8, 2, 0, result.updates) == (
        started["entries"],
        finished["convicted"],
        finished["parked"],
        finished["updates"],
    )
    failed = [event["entries"] for event in events if event["event"] == "update.failed"]
    passed = [event["entries"] for event in events if event["event"] == "update.finished"]
    assert (8, result.updates) == (failed[0], len(failed) + len(passed))


def test_a_bad_line_that_travels_alone_needs_no_search(lab: Lab):
    """It is isolated by its only update."""
    lab.write(*named(1))
    poison(lab, 0)

    with capture_logs() as events:
        result = lab.apply()

    assert not [event for event in events if event["event"].startswith("bisect")]
    assert (1, [("CONVICTED",)]) == (result.updates, [entry.codes for entry in result.quarantined])


class Shown:
    """A `Progress` that records its updates."""

    def __init__(self) -> None:
        self.updates: list[tuple[int, int | None]] = []

    def step(self, dataset: str, what: str, done: int, total: int | None) -> None:
        if (dataset, what) == ("train", "update"):
            self.updates.append((done, total))


def test_progress_counts_the_updates_of_the_plan_and_then_those_of_the_search(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    """Isolating a bad line takes more updates than were planned: the end moves with them."""
    for module in (make_plan, send):
        monkeypatch.setattr(module, "MAX_UPDATE_BYTES", 900)  # four lines
    shown = Shown()
    lab.context = dataclasses.replace(lab.context, progress=shown)
    lab.write(*named(8))
    lab.apply()
    assert [(0, 2), (1, 2)] == shown.updates

    shown.updates.clear()
    lab.write(*named(4, "tulip"), *named(8)[4:])
    poison(lab, 3)
    lab.apply()
    assert [(number, number + 1) for number in range(len(shown.updates))] == shown.updates
    assert len(shown.updates) > 2


@pytest.mark.parametrize(("times", "waits"), [(2, [1.5, 3.0]), (0, [1.5, 3.0, 6.0, 12.0])])
def test_a_fault_of_the_service_is_waited_out_ever_longer(lab: Lab, times: int, waits: list[float]):
    """Two seconds at first, half of them at random; after the last failure nothing is waited for."""
    lab.write(*named(10))
    lab.apply()
    lab.write(*named(10, "tulip"), limits="{maxChangeRatio: 1}")
    lab.emulator.faults.add(Fault(kind=Kind.FAIL_SERVICE, operations=UPDATE, times=times))
    lab.clock.slept.clear()

    with capture_logs() as events:
        lab.apply()

    assert waits == [seconds for seconds in lab.clock.slept if seconds in (1.5, 3.0, 6.0, 12.0, 22.5)]
    tries = [event["tries"] for event in events if event["event"] == "update.failed" and "tries" in event]
    assert ([1, 2, 3, 4, 5] if times == 0 else [1, 2]) == tries


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("CLIENT_ERROR", "line 3 is bad", "line 3 is bad"),
        ("CLIENT_ERROR", "", "no reason given"),
        ("SERVICE_ERROR", "try again", "SERVICE_ERROR: try again"),
        ("SERVICE_ERROR", None, "SERVICE_ERROR: no reason given"),
        (None, None, "no code: no reason given"),
    ],
)
def test_the_reason_of_a_failed_update_is_that_of_the_service(
    code: str | None, message: str | None, expected: str
):
    """With its code where the lines are not to blame."""
    assert expected == send._message_of(Description(Phase.UPDATE_FAILED, code, message))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "expected"), [("a", "a"), ("ab", "ab"), ("abc", "acb"), ("abcde", "aec"), ("abcdef", "afd")]
)
def test_three_lines_are_tried_of_many(lines: str, expected: str):
    """The first, the last and the middle one: where all of them fail, hardly any other would pass."""
    assert list(expected) == send._samples(lines)
