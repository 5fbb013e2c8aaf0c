"""When a cycle relies on the last observation, and what it logs of its plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from msgspec import structs
from msgspec.structs import replace
from structlog.testing import capture_logs

from reconciler.core.planning.calls import ObservationKind
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.status.result import DatasetResult, EntryProblem, Verdict
from reconciler.core.status.summary import Summary
from reconciler.engine.controller import cycle
from reconciler.engine.controller.cycle import (
    CycleResult,
    _check_fingerprint,
    _counts_still,
    _is_remembered,
)
from reconciler.engine.dataset.observe import as_text
from reconciler.ports import Description, LastObservation, LoadedDataset, ObservedHead, Phase, Stats
from tests.builders import classified, ref
from tests.engine.months import Months
from tests.sources.builders import LINE, dataset, loaded, write

SPEC = dataset() + "  schedule: {interval: 5m, fullScanMaxAge: 6h, jitter: 0.1}\n"
NOW = 100_000.0
SUMMARY = Summary(Verdict.CONVERGED, {"desired": 5}, seen=True)
KEPT = LastObservation("arn:1", b"digest", "as it was", NOW - 60, {})


def spec(root: Path, text: str = SPEC, lines: str = LINE, **more: str) -> LoadedDataset:
    write(root, a_yaml=text, train_jsonl=lines, **more)
    return loaded(root).datasets[0]


@dataclass
class Memory:
    """What is remembered of one dataset."""

    held: list[Quarantined] = field(default_factory=list)
    open: list[object] = field(default_factory=list)
    head: ObservedHead | None = None
    ahead_seconds: float = 0.0

    def context(self) -> Any:
        return SimpleNamespace(
            ahead_seconds=self.ahead_seconds,
            clock=SimpleNamespace(now=lambda: NOW),
            memory=SimpleNamespace(
                quarantine=SimpleNamespace(of=lambda _: {one.source_ref: one for one in self.held}),
                journal=SimpleNamespace(unfinished=lambda _: self.open),
                observed=SimpleNamespace(head_of=lambda _: self.head),
            ),
        )


def held(until: float) -> Quarantined:
    return Quarantined(f"s3://b/{until}.jpg", b"", QuarantineReason.ISOLATED, "why", 1, 0.0, until)


@pytest.mark.parametrize(
    ("kept", "memory", "expected"),
    [
        (KEPT, Memory(), True),
        (KEPT._replace(desired=b"another"), Memory(), False),
        (KEPT._replace(scanned_at=NOW - 6 * 3_600), Memory(), False),
        (KEPT._replace(scanned_at=NOW - 6 * 3_600 + 330), Memory(), False),
        (KEPT._replace(scanned_at=NOW - 6 * 3_600 + 331), Memory(), True),
        (KEPT._replace(scanned_at=NOW - 6 * 3_600 + 331), Memory(ahead_seconds=2.0), False),
        (KEPT._replace(scanned_at=NOW + 1), Memory(), False),
        (KEPT, Memory(held=[held(NOW + 1), held(NOW + 2)]), True),
        (KEPT, Memory(held=[held(NOW + 1), held(NOW)]), False),
        (KEPT, Memory(open=[object()]), False),
    ],
    ids=[
        *("as it was", "edited", "old", "old before the next cycle", "not so old"),
        *("listed before others", "of the future"),
        *("quarantined", "to be tried again", "an update is open"),
    ],
)
def test_an_observation_counts_while_nothing_calls_for_another(
    tmp_path: Path, kept: LastObservation, memory: Memory, expected: bool
):
    assert expected is _counts_still(kept, spec(tmp_path), b"digest", memory.context())


@pytest.mark.parametrize(("arn", "expected"), [("1", True), ("2", False)])
def test_an_observation_of_another_dataset_than_the_one_that_is_named_does_not_count(
    tmp_path: Path, arn: str, expected: bool
):
    named = "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/train/"
    text = SPEC.replace("{project: flowers, type: TRAIN}", f"{{datasetArn: {named}{arn}}}")

    kept = KEPT._replace(arn=f"{named}1")
    assert expected is _counts_still(kept, spec(tmp_path, text), b"digest", Memory().context())


def test_what_another_process_has_applied_is_known_by_the_description_alone():
    """Any other state of the dataset is one that nobody of this state directory has seen."""
    description = Description(Phase.UPDATE_COMPLETE, "SUCCESS", "", 10.0)
    same = ObservedHead("arn:1", b"", as_text(description), 1.0, True)

    def remembered(head: ObservedHead | None) -> bool:
        return _is_remembered("roses", description, Memory(head=head).context())

    assert remembered(same)
    assert not remembered(None)
    for other in ("", as_text(structs.replace(description, updated_at=9.0)), f"{same.description} ", "~"):
        assert not remembered(same._replace(description=other))


@pytest.mark.parametrize(
    ("described", "body", "moved"),
    [
        ("as it was", SUMMARY.document(), False),
        ("as it is now", SUMMARY.document(), True),
        ("as it was", {"of": "another version"}, True),
    ],
)
def test_a_cycle_is_quiet_if_the_dataset_is_described_as_before(
    monkeypatch: pytest.MonkeyPatch, described: str, body: Any, moved: bool
):
    """And if the last result can be read; else the description is what the next step begins with."""
    monkeypatch.setattr(cycle, "as_text", lambda text: text)
    context: Any = SimpleNamespace(gateway=SimpleNamespace(describe=lambda arn: described))

    with capture_logs() as events:
        found = _check_fingerprint(KEPT._replace(body=body), "roses", context)

    quiet = CycleResult(SUMMARY, ObservationKind.FINGERPRINT, "arn:1", NOW - 60)
    assert (described if moved else quiet) == found
    assert [("observe.fingerprint", moved)] == [(event["event"], event["moved"]) for event in events]


SEEN: Any = SimpleNamespace(
    arn="arn:1",
    description=Description(Phase.UPDATE_COMPLETE, updated_at=5.0, stats=Stats(total_entries=3)),
    scanned_at=9.0,
)
LEFT = (EntryProblem("s3://b/1.jpg", None, "no"),)
DONE = DatasetResult("roses", None, Verdict.CONVERGED)


@pytest.mark.parametrize(
    ("summary", "result", "seen", "held_until", "expected"),
    [
        (SUMMARY, DONE, SEEN, None, True),
        (SUMMARY, DONE, None, None, False),
        (Summary(Verdict.FAILED), DONE, SEEN, None, False),
        (SUMMARY, replace(DONE, dropped=LEFT), SEEN, None, False),
        (SUMMARY, replace(DONE, quarantined=LEFT), SEEN, None, False),
        (SUMMARY, replace(DONE, quarantined=LEFT), SEEN, NOW, False),
        (SUMMARY, replace(DONE, dropped=LEFT), SEEN, NOW + 1, True),
        (SUMMARY, DONE, SimpleNamespace(description=Description(Phase.UPDATE_COMPLETE)), None, False),
    ],
    ids=[
        *("nothing is left", "nothing was observed", "failed", "dropped", "without a quarantine"),
        *("to be tried again", "quarantined", "described without a time"),
    ],
)
def test_an_observation_is_kept_if_later_cycles_may_rely_on_it(
    summary: Summary, result: DatasetResult, seen: Any, held_until: float | None, expected: bool
):
    """Else the one before it is forgotten, too."""
    kept: dict[str, LastObservation | None] = {"roses": KEPT}
    context = Memory(
        held=[held(held_until)._replace(source_ref="s3://b/1.jpg")] if held_until else []
    ).context()
    context.memory.observations = SimpleNamespace(put=kept.__setitem__)

    cycle._keep("roses", b"digest", summary, result, seen, context)

    written = LastObservation("arn:1", b"digest", as_text(SEEN.description), 9.0, summary.document())
    assert (written if expected else None) == kept["roses"]


def test_a_guard_is_logged_with_its_reason(months: Months):
    """Each guard of a plan, whichever of them blocks it."""
    months.write("roses", *"abcdefghijkl")
    months.settle()
    path = months.specs / "roses.yaml"
    months.write("roses", *"abcdefghijkl", label="tulip")
    text = path.read_text().replace("maxChangeRatio: 1", "maxChangeRatio: 0.1, maxChanges: 1")
    path.write_text(text)

    with capture_logs() as events:
        months.settle()

    tripped = {event["code"]: event["reason"] for event in events if event["event"] == "guard.tripped"}
    assert {"MAX_CHANGE_RATIO", "MAX_CHANGES"} == set(tripped)
    assert all(tripped.values())


def test_an_image_that_git_does_not_know_is_logged_as_no_drift(months: Months):
    """It is counted beside drift: git may have removed it."""
    months.write("roses", *"abc", policy="onDrift: report")
    months.settle()
    months.emulator.console.add_image(months.arn("roses"), "s3://b/z.jpg")
    with capture_logs() as events:
        months.settle()
    assert [] == [event for event in events if event["event"] == "drift.detected"]

    months.emulator.console.put(months.arn("roses"), orjson.loads(classified("b", "daisy")))
    with capture_logs() as events:
        months.settle()
    (detected,) = [event for event in events if event["event"] == "drift.detected"]
    assert (1, 1) == (detected["relabelled"], detected["unmanaged"])


def test_the_first_of_many_bad_entries_are_named():
    """Twenty of each kind say what is wrong; thousands of lines would hide it."""
    bad = [EntryProblem(ref(f"{number:02d}"), None, "no", ("CODE",)) for number in range(30)]

    with capture_logs() as events:
        cycle._log_problems(
            DatasetResult("roses", None, Verdict.PARTIAL, dropped=tuple(bad), rejected=tuple(bad))
        )

    named = [(event["event"], event["source_ref"]) for event in events]
    kinds = ("entry.dropped", "entry.rejected")
    assert [(kind, ref(f"{number:02d}")) for kind in kinds for number in range(20)] == named
