"""Backups: written before the first update is sent, and limited to what the apply overwrites."""

from __future__ import annotations

import orjson
import pytest

from reconciler.core.status.result import Verdict
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
