"""Backups: written before the first update is sent, and limited to what the apply overwrites."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from msgspec import structs
from structlog.testing import capture_logs

from reconciler.core.planning.quarantine import ROUNDS, Quarantined, QuarantineReason
from reconciler.core.status.result import EntryProblem, Verdict
from reconciler.engine.dataset import bookkeeping, make_plan, send
from reconciler.engine.dataset.bookkeeping import share_images, update_quarantine
from reconciler.engine.dataset.send import SentUpdates
from reconciler.engine.dataset.verify import Proof
from reconciler.errors import StateError
from reconciler.private import TemporaryFileError
from tests.builders import classified, listed, named, ref
from tests.engine.conftest import Lab


def kept(lab: Lab) -> list[list[bytes]]:
    backups = lab.context.memory.backups
    found = []
    for saved in backups.of("train"):
        with backups.open("train", saved.id) as stream:
            found.append(stream.read().splitlines())
    return found


def test_an_apply_keeps_what_it_overwrites_and_nothing_else(full: Lab):
    """The backup holds updated and blanked entries as they were listed, not added or unchanged ones."""
    full.write(classified("a", "tulip"), *named("bcd"), *named("x"), orphans="blank")
    plan = full.plan()

    full.apply()

    assert [[listed(line) for line in named("ae")]] == kept(full)
    (saved,) = full.context.memory.backups.of("train")
    assert (full.arn, None, 2) == (saved.head.arn, saved.head.revision, saved.head.entries)
    assert saved.head.plan in saved.id
    assert plan.arn == saved.head.arn


def test_an_apply_that_overwrites_nothing_keeps_nothing(full: Lab):
    full.write(*named("abcdef"))

    full.apply()

    assert [] == kept(full)


def test_what_cannot_be_kept_is_not_overwritten(full: Lab, monkeypatch: pytest.MonkeyPatch):
    """If the backup cannot be written, as with a full disk, nothing is sent and the reason is reported."""

    def full_disk(*_):
        raise StateError("state/snapshots: No space left on device")

    monkeypatch.setattr(full.context.memory.backups, "keep", full_disk)
    full.write(classified("a", "tulip"), *named("bcde"))

    result = full.apply()

    assert (Verdict.FAILED, 3, 0) == (result.verdict, result.exit_code, result.updates)
    assert ["state/snapshots: No space left on device"] == [error.message for error in result.errors]
    assert 1 == len(full.updates())


def test_a_backup_of_which_nothing_was_overwritten_does_not_stay(full: Lab, monkeypatch: pytest.MonkeyPatch):
    """Restore takes the newest backup: one of an apply that sent nothing would restore nothing."""

    def full_disk(*_: Any) -> int:
        raise StateError("database or disk is full")

    full.write(classified("a", "tulip"), *named("bcde"))
    full.apply()
    before = full.context.memory.backups.of("train")
    full.write(classified("a", "daisy"), *named("bcde"))
    monkeypatch.setattr(full.context.memory.journal, "begin", full_disk)

    assert (Verdict.FAILED, 0) == ((result := full.apply()).verdict, result.updates)
    assert before == full.context.memory.backups.of("train")


def test_what_was_sent_is_proven_though_the_journal_cannot_be_written_any_more(
    full: Lab, monkeypatch: pytest.MonkeyPatch
):
    """No further update is begun; what was sent is reported with its proof, and what was not with the reason."""
    changed = [classified(name, "tulip" * 9) for name in "abcde"]
    full.write(*changed, limits="{maxChangeRatio: 1}")
    for module in (make_plan, send):
        monkeypatch.setattr(module, "MAX_UPDATE_BYTES", 2 * len(changed[0]) + 3)
    journal, sent = full.context.memory.journal, len(full.updates())
    begin, left = journal.begin, iter([True])

    def filling(*args: Any) -> int:
        if next(left, False):
            return begin(*args)
        raise StateError("state.sqlite3: database or disk is full")

    monkeypatch.setattr(journal, "begin", filling)

    result = full.apply()

    assert (Verdict.PARTIAL, 3, 1, 2, True) == (
        result.verdict, result.exit_code, result.updates, result.updated, result.verified
    )  # fmt: skip
    assert sent + 1 == len(full.updates())
    assert ["state.sqlite3: database or disk is full"] == [error.message for error in result.errors]
    assert {"left for later, the state could not be written: state.sqlite3: database or disk is full"} == {
        entry.reason for entry in result.quarantined
    }
    monkeypatch.undo()
    assert (Verdict.CONVERGED, 3) == ((again := full.apply()).verdict, again.updated)


@pytest.mark.parametrize("table", ["remember", "journal.end", "quarantine.put"])
def test_what_is_proven_holds_though_it_cannot_be_remembered(
    full: Lab, monkeypatch: pytest.MonkeyPatch, table: str
):
    """Entries are in place, whatever the disk of the state: the next plan is empty."""

    def full_disk(*_: Any, **__: Any) -> None:
        raise StateError("database or disk is full")

    full.emulator.console.put(full.arn, orjson.loads(classified("a", "weed")))
    monkeypatch.setattr(attrgetter(table.rpartition(".")[0])(full.context.memory) if "." in table
                        else full.context.memory, table.rpartition(".")[2], full_disk)  # fmt: skip
    with capture_logs() as events:
        result = full.apply()

    assert (Verdict.CONVERGED, 0, 1) == (result.verdict, result.exit_code, result.updates)
    assert ["status.unsaved"] == [event["event"] for event in events if event["log_level"] == "warning"]
    monkeypatch.undo()
    assert () == full.plan().changes


def test_what_was_sent_is_reported_though_the_disk_for_temporary_files_is_full(
    full: Lab, monkeypatch: pytest.MonkeyPatch
):
    """The read-back needs a file: without room for it the result is unknown, and says how much was sent."""

    def full_disk(*_: Any) -> None:
        raise TemporaryFileError(28, "No space left on device", "/full")

    full.write(classified("a", "tulip"), *named("bcde"))
    monkeypatch.setattr("reconciler.engine.dataset.reconcile.observe_again", full_disk)

    result = full.apply()

    assert (Verdict.UNKNOWN, 3, 1, full.arn) == (
        result.verdict, result.exit_code, result.updates, result.arn
    )  # fmt: skip
    assert ["/full: No space left on device"] == [error.message for error in result.errors]


def test_it_is_kept_before_the_update_goes_out(full: Lab, monkeypatch: pytest.MonkeyPatch):
    """The backup is complete if the process is killed right after the first call."""
    full.write(classified("a", "tulip"), *named("bcde"))
    seen = []
    gateway = full.context.gateway
    send = gateway.update
    monkeypatch.setattr(gateway, "update", lambda *args: (seen.append(kept(full)), send(*args)))

    full.apply()

    assert [[[listed(named("a")[0])]]] == seen
    assert ref("a") == orjson.loads(seen[0][0][0])["source-ref"]


@pytest.mark.parametrize(("room", "is_remembered"), [(0, True), (-1, False)], ids=["enough", "too many"])
def test_a_dataset_is_remembered_while_its_differing_lines_are_few(
    full: Lab, monkeypatch: pytest.MonkeyPatch, room: int, is_remembered: bool
):
    """Lines that differ are kept whole; with more of them it is listed each time."""
    full.write(classified("a", "tulip"), classified("b", "tulip"), *named("cde"), mode="observe")
    kept = sum(len(listed(line)) for line in named("ab"))
    monkeypatch.setattr(bookkeeping, "MAX_LINES_BYTES", kept + room)
    full.context = replace(full.context, full=True)

    assert Verdict.OBSERVED is full.apply().verdict

    assert is_remembered is (full.context.memory.observed.of("train") is not None)


PROBLEM = EntryProblem(ref("a"), None, "why")


@pytest.mark.parametrize(
    ("sent", "proof", "kind"),
    [
        (SentUpdates(isolated={ref("a"): "why"}), Proof(failed=(PROBLEM,)), QuarantineReason.ISOLATED),
        (
            SentUpdates(unresolved_groups={ref("a"): "why"}),
            Proof(failed=(PROBLEM,)),
            QuarantineReason.UNRESOLVED_GROUP,
        ),
        (SentUpdates(left={ref("a"): "why"}), Proof(failed=(PROBLEM,)), None),
        (SentUpdates(touched={ref("a")}), Proof(dropped=(PROBLEM,)), QuarantineReason.DROPPED),
        (SentUpdates(touched={ref("a")}), Proof(overtaken=(PROBLEM,)), QuarantineReason.REWRITTEN_BY_SERVICE),
        (SentUpdates(touched={ref("a")}), Proof(rejected=(PROBLEM,)), None),
    ],
)
def test_an_entry_is_quarantined_for_what_the_proof_showed_of_it(
    full: Lab, sent: SentUpdates, proof: Proof, kind: QuarantineReason | None
):
    """What was left for later, and what is in place with errors, is sent again as soon as it differs."""
    full.write(classified("a", "tulip"), *named("bcde"))
    items, quarantine = full.plan().changes, full.context.memory.quarantine

    update_quarantine("train", items, [ref("a")], sent, proof, quarantine, full.context.clock.now())

    assert ([kind] if kind else []) == [entry.kind for entry in quarantine.of("train").values()]
    assert {items[0].sent} >= {entry.digest for entry in quarantine.of("train").values()}


def images(*refs: str, description: str = "known") -> Any:
    """Return what is remembered of a dataset with these images, in blocks of two."""
    blocks = [SimpleNamespace(refs=refs[start : start + 2]) for start in range(0, len(refs), 2)]
    return SimpleNamespace(head=SimpleNamespace(description=description), blocks=lambda: blocks)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (images("a", "b", "c"), images("d", "e", "f"), False),
        (images("a", "b", "c"), images("d", "e", "c"), True),
        (images("c"), images("a", "b", "c"), True),
        (images(), images("a"), False),
        (None, images("a"), None),
        (images("a"), None, None),
        (images("a"), images("a", description=""), None),
        (images("a", description=""), images("a"), None),
    ],
)
def test_whether_datasets_share_an_image_is_known_of_two_that_are(
    one: Any, other: Any, expected: bool | None
):
    """Not while an update of either is open: its entries are not known then."""
    memory: Any = SimpleNamespace(observed=SimpleNamespace(of={"one": one, "other": other}.get))

    assert expected is share_images(memory, "one", "other")


def held(name: str, kind: QuarantineReason, until: float, rounds: int = 1) -> Quarantined:
    return Quarantined(ref(name), b"digest", kind, "why", rounds, 0.0, until)


def updated(full: Lab, *known: Quarantined, **facts: Any) -> tuple[set[str], list[tuple[str, str]]]:
    """Update the quarantine at 100 s; return what is in it then, and what was logged."""
    quarantine = full.context.memory.quarantine
    quarantine.put("train", known, [])
    different = [ref(name) for name in facts.pop("different", "")]
    with capture_logs() as events:
        update_quarantine(
            "train", facts.pop("items", ()), different, SentUpdates(), Proof(**facts), quarantine, 100.0
        )
    return set(quarantine.of("train")), [(event["event"], event["source_ref"]) for event in events]


def test_a_hold_is_over_once_its_entry_does_not_differ(full: Lab):
    """One on an entry that others keep changing lasts until its time, since it is in place just now."""
    isolated, flapping = QuarantineReason.ISOLATED, QuarantineReason.FLAPPING
    known = [
        held("a", isolated, 9e9),
        held("b", isolated, 9e9),
        held("c", flapping, 101),
        held("d", flapping, 100),
    ]

    left, events = updated(full, *known, different="bd")

    assert {ref("b"), ref("c")} == left
    assert {("entry.released", ref("a")), ("entry.released", ref("d"))} == set(events)


def test_what_had_to_be_set_again_is_counted_and_held_only_when_it_goes_on(full: Lab):
    """One revert is no conflict. An entry that was missing is not fought over, nor one that git changed."""
    full.write(classified("a", "tulip"), *named("bcde"), *named("x"))
    a, x = full.plan().changes
    again = structs.replace(a, reverts=True)
    digest = again.sent
    assert digest is not None

    assert ({ref("a")}, []) == updated(full, items=[again], in_place=(again,))
    full.context.memory.quarantine.put("train", [], [ref("a")])
    assert (set(), []) == updated(full, items=[a, x], in_place=(a, structs.replace(x, reverts=True)))
    known = held("a", QuarantineReason.FLAPPING, 9e9, ROUNDS - 1)._replace(digest=digest)
    assert ({ref("a")}, [("entry.quarantined", ref("a"))]) == updated(
        full, known, items=[again], in_place=(again,)
    )
