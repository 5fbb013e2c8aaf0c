"""Backups: written before the first update is sent, and limited to what the apply overwrites."""

from __future__ import annotations

import orjson
import pytest

from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.status.result import EntryProblem, Verdict
from reconciler.engine.dataset.bookkeeping import update_quarantine
from reconciler.engine.dataset.send import Sent
from reconciler.engine.dataset.verify import Proof
from reconciler.errors import StateError
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

    assert (Verdict.FAILED, 1, 0) == (result.verdict, result.exit_code, result.updates)
    assert ["state/snapshots: No space left on device"] == [error.message for error in result.errors]
    assert 1 == len(full.updates())


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


PROBLEM = EntryProblem(ref("a"), None, "why")


@pytest.mark.parametrize(
    ("sent", "proof", "kind"),
    [
        (Sent(isolated={ref("a"): "why"}), Proof(failed=(PROBLEM,)), QuarantineReason.ISOLATED),
        (
            Sent(unresolved_groups={ref("a"): "why"}),
            Proof(failed=(PROBLEM,)),
            QuarantineReason.UNRESOLVED_GROUP,
        ),
        (Sent(left={ref("a"): "why"}), Proof(failed=(PROBLEM,)), None),
        (Sent(touched={ref("a")}), Proof(dropped=(PROBLEM,)), QuarantineReason.DROPPED),
        (Sent(touched={ref("a")}), Proof(overtaken=(PROBLEM,)), QuarantineReason.REWRITTEN_BY_SERVICE),
        (Sent(touched={ref("a")}), Proof(rejected=(PROBLEM,)), None),
    ],
)
def test_an_entry_is_quarantined_for_what_the_proof_showed_of_it(
    full: Lab, sent: Sent, proof: Proof, kind: QuarantineReason | None
):
    """What was left for later, and what is in place with errors, is sent again as soon as it differs."""
    full.write(classified("a", "tulip"), *named("bcde"))
    items, quarantine = full.plan().changes, full.context.memory.quarantine

    update_quarantine("train", items, [ref("a")], sent, proof, quarantine, full.context.clock.now())

    assert ([kind] if kind else []) == [entry.kind for entry in quarantine.of("train").values()]
