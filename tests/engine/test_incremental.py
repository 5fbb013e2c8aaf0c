"""What an observation costs while nothing moved in AWS, and when it may rely on an earlier listing."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from reconciler.core.planning.calls import ObservationKind
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.engine.dataset.incremental import scope_of
from reconciler.engine.usecases import each_dataset, reading
from reconciler.errors import StateError
from reconciler.rekognition.gateway import Rekognition
from tests.builders import classified, ref
from tests.engine.conftest import Lab
from tests.engine.months import Months

MANY = [f"n{number:04}" for number in range(1_000)]  # ten pages


def lines(**labels: str) -> list[bytes]:
    """Return the lines of all images; the named ones with another label than the rest."""
    return [classified(name, labels.get(name, "rose")) for name in MANY]


def calls(lab: Lab) -> dict[str, int]:
    """Return the calls since the last time, by operation."""
    found = Counter(lab.emulator.calls.names())
    lab.emulator.calls.clear()
    return dict(found)


def kind(lab: Lab) -> ObservationKind | None:
    """Return how the dataset is observed for a plan now."""
    for _, planned in each_dataset.open_plans([lab.desired()], lambda _: lab.context):
        found = planned.observation.kind if planned.observation else None
        planned.close()
    return found


@pytest.fixture
def many(lab: Lab) -> Lab:
    """Return a lab whose dataset holds a thousand entries, as its spec desires, and remembers them."""
    lab.write(*lines())
    lab.apply()
    lab.emulator.calls.clear()
    return lab


def test_nothing_moved_costs_one_call(many: Lab):
    """A plan with nothing to do describes the dataset once."""
    plan = many.plan()

    assert {"DescribeDataset": 1} == calls(many)
    assert (1_000, 1_000, ()) == (plan.counts.observed, plan.counts.unchanged, plan.changes)


@pytest.fixture
def settled(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Return the same, where what was found in the spec files is remembered as well."""
    monkeypatch.setattr(reading, "REMEMBERED_BYTES", 0)
    lab.settles = True
    lab.write(*lines())
    lab.apply()
    lab.emulator.calls.clear()
    return lab


def test_where_nothing_moved_and_nothing_was_edited_no_line_is_read(settled: Lab):
    """Neither a line of the specs nor one that is remembered of AWS: both sides are known to be the same."""
    (settled.specs / "train.jsonl").chmod(0o600)
    settled.apply()  # the metadata of the file is new, and noted again

    plan, result = settled.plan(), settled.apply()

    assert (1_000, 1_000, ()) == (plan.counts.observed, plan.counts.unchanged, plan.changes)
    assert (Verdict.CONVERGED, ObservationKind.INCREMENTAL) == (result.verdict, plan.observed.kind)
    assert {"DescribeDataset": 3} == calls(settled)
    for desired in settled.open[-2:]:
        assert "whole" not in vars(desired.lines)


def test_a_dataset_that_differs_is_compared_each_time(settled: Lab):
    """What is noted is that nothing differs: drift that is left alone stays in sight."""
    settled.emulator.console.put(settled.arn, orjson.loads(classified("n0500", "tulip")))
    settled.write(*lines(), onDrift="report")
    settled.apply()

    first, second = settled.plan(), settled.plan()

    assert 1 == first.counts.update == second.counts.update


def test_what_moved_in_aws_is_found_where_no_spec_was_edited(settled: Lab):
    settled.emulator.console.put(settled.arn, orjson.loads(classified("n0500", "tulip")))

    plan = settled.plan()

    assert [ref("n0500")] == [change.source_ref for change in plan.changes]


def test_one_edit_costs_seven_calls(many: Lab):
    """The edited entry is read, sent and read back; nothing else is listed, now or in the next apply."""
    many.write(*lines(n0500="tulip"))

    result = many.apply()

    assert (Verdict.CONVERGED, 1) == (result.verdict, result.updated)
    assert {"DescribeDataset": 4, "ListDatasetEntries": 2, "UpdateDatasetEntries": 1} == calls(many)
    assert Verdict.CONVERGED is many.apply().verdict
    assert {"DescribeDataset": 1} == calls(many)


def test_edits_of_a_folder_are_read_by_its_prefix(many: Lab):
    """Edits of neighbours share pages, before and after the update."""
    many.write(*lines(**dict.fromkeys(MANY[200:400], "tulip")))

    result = many.apply()

    assert (Verdict.CONVERGED, 200) == (result.verdict, result.updated)
    assert {"DescribeDataset": 4, "ListDatasetEntries": 4, "UpdateDatasetEntries": 1} == calls(many)


def test_a_listing_is_made_where_it_is_cheaper(many: Lab):
    """Where most entries changed, everything is listed."""
    many.write(*(classified(name, "tulip") for name in MANY), limits="{maxChangeRatio: 1}")

    assert ObservationKind.FULL is kind(many)


def test_an_addition_needs_no_page_before_it_is_sent(many: Lab):
    """An image that was not there when nothing had moved is still not there."""
    many.write(*lines(), classified("z", "rose"))

    result = many.apply()

    assert (Verdict.CONVERGED, 1) == (result.verdict, result.added)
    assert {"DescribeDataset": 4, "ListDatasetEntries": 1, "UpdateDatasetEntries": 1} == calls(many)


def test_the_overwritten_line_is_backed_up(many: Lab):
    """What an update overwrites is read first, and kept."""
    many.write(*lines(n0500="tulip"))

    many.apply()

    (backup,) = many.context.memory.backups.of("train")
    with many.context.memory.backups.open("train", backup.id) as stream:
        assert ref("n0500") == orjson.loads(stream.read())["source-ref"]


def test_other_text_of_the_same_entry_is_read_once(many: Lab):
    """A line written in another way is compared with what AWS holds, and then remembered."""
    other = orjson.dumps(orjson.loads(classified("n0500", "rose")), option=orjson.OPT_INDENT_2)
    many.write(*(other.replace(b"\n", b" ") if b"n0500" in line else line for line in lines()))

    assert Verdict.CONVERGED is many.apply().verdict
    assert {"DescribeDataset": 2, "ListDatasetEntries": 1} == calls(many)
    assert Verdict.CONVERGED is many.apply().verdict
    assert {"DescribeDataset": 1} == calls(many)


def test_an_entry_that_left_git_is_shown_as_an_orphan(many: Lab):
    """An orphan is read to be shown, and then remembered with its line."""
    many.write(*lines()[:-1])

    (change,) = many.plan().changes

    assert (ref("n0999"), "orphan") == (change.source_ref, change.cause)
    assert {"DescribeDataset": 2, "ListDatasetEntries": 1} == calls(many)
    many.apply()
    calls(many)
    many.plan()
    assert {"DescribeDataset": 1} == calls(many)


def test_a_bad_line_in_git_costs_no_listing(many: Lab):
    """An entry whose desired line is unusable is neither an orphan nor a reason to list."""
    many.write(*lines()[:-1], b'{"source-ref":"s3://b/n0999.jpg","x":1,"x-metadata":{"type":"wrong"}}')

    plan = many.plan()

    assert (1_000, ()) == (plan.counts.observed, plan.changes)
    assert {"DescribeDataset": 1} == calls(many)


@pytest.mark.parametrize(
    "move",
    [
        lambda lab: lab.emulator.console.put(lab.arn, orjson.loads(classified("n0007", "daisy"))),
        lambda lab: lab.forget_everything(),
        lambda lab: lab.clock.sleep(6 * 3_600),
        lambda lab: setattr(lab, "context", dataclasses.replace(lab.context, full=True)),
        lambda lab: lab.write(*lines(), compare="labels"),
        lambda lab: lab.context.memory.journal.begin("train", lab.arn, [ref("n0007")], 0.0, ""),
        lambda lab: lab.context.memory.observed.invalidate("train"),
    ],
    ids=["console", "lost state", "too old", "--full", "another equality", "open update", "under way"],
)
def test_what_does_not_add_up_is_listed(many: Lab, move: Callable[[Lab], object]):
    """Every reason to doubt what is remembered makes the next observation a listing."""
    move(many)

    assert ObservationKind.FULL is kind(many)


def test_a_console_edit_is_found_at_once(many: Lab):
    """A change outside git moves the fingerprint, so that the next plan shows it."""
    many.clock.sleep(1.0)
    many.emulator.console.put(many.arn, orjson.loads(classified("n0007", "daisy")))

    assert [ref("n0007")] == [change.source_ref for change in many.plan().changes]


@pytest.mark.parametrize("after", range(4))
def test_a_console_edit_beside_an_apply_is_found(many: Lab, after: int):
    """Whenever it comes between two calls of DescribeDataset, the next plan shows it."""
    many.write(*lines(n0500="tulip"))
    many.clock.sleep(1.0)
    many.emulator.faults.add(
        Fault(
            kind=Kind.CONSOLE_BEFORE,
            operations=frozenset({"DescribeDataset"}),
            after=after,
            action={"do": "add_image", "dataset": many.arn, "source_ref": ref("a")},
        )
    )

    many.apply()

    assert [ref("a")] == [change.source_ref for change in many.plan().changes]


def test_a_read_entry_that_is_not_as_remembered_makes_it_list(many: Lab):
    """Memory that one page contradicts is not believed in anything."""
    many.emulator.console.put(many.arn, orjson.loads(classified("n0500", "daisy")))
    memory, recollection = many.context.memory.observed, many.context.memory.observed.of("train")
    assert recollection is not None
    description = many.context.gateway.describe(many.arn)
    from reconciler.engine.dataset.observe import as_text

    head = recollection.head._replace(description=as_text(description))
    memory.replace("train", head, [block for block in recollection.blocks() if block.refs[0] != ref("n0000")])

    assert ObservationKind.FULL is kind(many)


def test_a_killed_apply_leaves_nothing_to_rely_on(many: Lab, monkeypatch: pytest.MonkeyPatch):
    """Between the first update and the proof, a crash makes the next start list everything."""
    many.write(*lines(n0500="tulip"))
    monkeypatch.setattr("reconciler.engine.dataset.reconcile.observe_again", _killed)
    with pytest.raises(KeyboardInterrupt):
        many.apply()
    monkeypatch.undo()

    assert ObservationKind.FULL is kind(many)


def _killed(*_: object) -> object:
    raise KeyboardInterrupt


def test_a_plan_says_what_it_cost_and_will_cost(many: Lab):
    """The forecast of one edit is what its apply then makes, beside what the observation cost."""
    many.write(*lines(n0500="tulip"))

    calls_of_plan = many.plan().calls
    result = many.apply()

    assert {"DescribeDataset": 2, "ListDatasetEntries": 1} == calls_of_plan.made
    forecast = {"DescribeDataset": 3, "ListDatasetEntries": 1, "UpdateDatasetEntries": 1}
    assert (forecast, 1) == (calls_of_plan.forecast, calls_of_plan.forecast_seconds)
    made = {"DescribeDataset": 4, "ListDatasetEntries": 2, "UpdateDatasetEntries": 1}
    assert (made, forecast) == (result.calls.made, result.calls.forecast)
    assert result.observed is not None
    assert ObservationKind.INCREMENTAL is result.observed.kind
    assert result.observed.scanned_at <= result.observed.at


def test_the_forecast_of_a_proof_by_a_full_listing_holds(many: Lab):
    """Edits all over the dataset: the dataset is described before the listing as well as after it."""
    many.write(*lines(**dict.fromkeys(MANY[::4], "tulip")))

    seen = Counter(many.plan().calls.made)
    result = many.apply()

    assert result.calls.forecast == Counter(result.calls.made) - seen


def test_the_forecast_of_a_new_project_holds(lab: Lab):
    """Whether there is a project already is asked for when the plan is shown."""
    lab.write(*lines())

    seen = lab.plan().calls
    result = lab.apply()

    assert seen.forecast == Counter(result.calls.made) - Counter(DescribeProjects=1)


@pytest.mark.parametrize(
    ("at", "seconds", "pages", "seen"),
    [(1, 0, 2, ["incremental", "full"]), (3, 0, 13, ["full", "full"]), (1, 178, 13, ["full", "full"])],
    ids=["in time", "nearly done", "too late for another"],
)
def test_an_edit_goes_before_a_listing_that_is_only_due(
    months: Months, monkeypatch: pytest.MonkeyPatch, at: int, seconds: int, pages: int, seen: list[str]
):
    """
    A commit that arrives during the regular listing is applied first, and the listing is made soon after it.

    One that could not be begun again in time is ended and planned by, as is one of which ten pages are left.
    """
    images = [f"n{number:04}" for number in range(1_300)]
    months.write("roses", *images)
    months.settle()
    months.time.sleep(5.95 * 3_600)  # the listing is due, and not overdue
    months.calls()
    listing = Rekognition.pages

    def committed(gateway: Rekognition, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        for number, page in enumerate(listing(gateway, arn, contains)):
            if contains is None and number == at:
                monkeypatch.undo()
                months.time.sleep(seconds)
                months.write("roses", *images, "z")
                months.controller._poller.poll()
            yield page

    monkeypatch.setattr(Rekognition, "pages", committed)

    months.controller.trigger()
    months.controller.tick()

    names = months.calls()
    assert pages == names[: names.index("UpdateDatasetEntries")].count("ListDatasetEntries")
    first = months.dataset_state("roses").observation
    months.run_for(90.0)  # half of what is left until fullScanMaxAge, and less than the interval
    assert seen == [first, months.dataset_state("roses").observation]


def damaged(*_: object) -> object:
    raise StateError("state.db: malformed")


def test_a_memory_that_cannot_be_read_costs_a_listing(many: Lab, monkeypatch: pytest.MonkeyPatch):
    """And a line in the log: nothing else depends on it."""
    monkeypatch.setattr(many.context.memory.observed, "of", damaged)

    with capture_logs() as events:
        assert ObservationKind.FULL is kind(many)

    assert ["state.db: malformed"] == [e["reason"] for e in events if e["event"] == "state.damaged"]


def test_a_memory_that_cannot_be_written_fails_no_apply(many: Lab, monkeypatch: pytest.MonkeyPatch):
    """What was applied is proven; only the next observation lists."""
    many.write(*lines(n0500="tulip"))
    for way in ("update", "replace"):
        monkeypatch.setattr(many.context.memory.observed, way, damaged)

    with capture_logs() as events:
        assert Verdict.CONVERGED is many.apply().verdict

    assert [("train", "state.db: malformed")] == [
        (e["dataset"], e["reason"]) for e in events if e["event"] == "status.unsaved"
    ]
    monkeypatch.undo()
    assert ObservationKind.FULL is kind(many)


class Without:
    """A gateway whose filtered pages lack every entry."""

    def __init__(self, lab: Lab) -> None:
        self._gateway = lab.context.gateway

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        for page in self._gateway.pages(arn, contains):
            yield page if contains is None else []


def test_an_entry_that_is_not_listed_as_remembered_makes_it_list(many: Lab):
    """An edited image that a search does not find is in no state that memory knows."""
    many.write(*lines(n0500="tulip"))
    many.context = dataclasses.replace(many.context, gateway=Without(many))

    with capture_logs() as events:
        assert ObservationKind.FULL is kind(many)

    assert 1 <= len([event for event in events if event["event"] == "observe.restarted"])


def test_a_clock_that_was_set_back_makes_it_list(many: Lab, monkeypatch: pytest.MonkeyPatch):
    """A listing of the future has an age that nobody knows; that holds for an edit that waits as well."""
    now = many.clock.now()
    monkeypatch.setattr(type(many.clock), "now", lambda _: now - 3_600)
    many.context = dataclasses.replace(many.context, edit_first=True)

    assert ObservationKind.FULL is kind(many)


def test_an_edit_does_not_wait_for_a_listing_that_is_due_and_does_for_one_that_is_overdue(many: Lab):
    """`fullScanMaxAge` is the promise; the jitter before it only spreads the listings."""
    many.context = dataclasses.replace(many.context, edit_first=True)
    many.clock.sleep(6 * 3_600 - 60)
    assert ObservationKind.INCREMENTAL is kind(many)

    many.clock.sleep(120)
    assert ObservationKind.FULL is kind(many)


class Disturbed(Without):
    """A gateway to a dataset that another client changes during the first search."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self._lab, self._calm = lab, False

    def pages(self, arn: str, contains: str | None = None) -> Iterator[Sequence[str]]:
        found = list(self._gateway.pages(arn, contains))
        if contains is not None and not self._calm:
            self._calm = True
            self._lab.clock.sleep(1.0)
            self._lab.emulator.console.put(arn, orjson.loads(classified("n0001", "daisy")))
        yield from found


def test_a_plan_is_of_one_state_of_the_dataset(many: Lab):
    """One that changes while an edited entry is read is listed; an apply finds that out before its update."""
    many.write(*lines(n0500="tulip"))
    many.context = dataclasses.replace(many.context, gateway=Disturbed(many))

    plan = many.plan()

    assert ObservationKind.FULL is plan.observed.kind
    assert [ref("n0001"), ref("n0500")] == [change.source_ref for change in plan.changes]


def test_what_decides_how_an_entry_is_remembered_makes_it_list(lab: Lab):
    """The target, and what is compared; not whether it may be made, nor what is done about a difference."""

    def scope(*changes: tuple[str, str], **policy: str) -> bytes:
        lab.write(classified("a"), **policy)
        path = lab.specs / "train.yaml"
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        return scope_of(lab.desired())

    ignoring = ("  limits: {}", '  ignore: [{paths: ["/x"]}]\n  limits: {}')
    first = scope()
    others = [
        scope(("flowers", "weeds")),
        scope(("TRAIN", "TEST")),
        scope(compare="labels"),
        scope(ignoring),
        scope((ignoring[0], ignoring[1].replace("/x", "/y"))),
        scope((ignoring[0], ignoring[1].replace("]}", '], match: "s3://b/*"}'))),
    ]

    assert first == scope(onDrift="report") == scope((", create: true", ""))
    assert 1 + len(others) == len({first, *others})
