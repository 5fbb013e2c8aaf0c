"""Exactly what was planned is applied, or nothing; and what was applied is counted by label."""

from __future__ import annotations

import pytest

from reconciler.core.status.result import AppliedLabel, Verdict
from reconciler.engine.usecases import apply_each, each_dataset
from reconciler.errors import Exit, SourceError, Unavailable
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab


def _unreachable(_: object) -> object:
    raise Unavailable("no answer")


def test_a_plan_that_is_outdated_is_blocked_with_its_reason(full: Lab):
    """`apply --plan`: exactly that plan or nothing."""
    full.write(*named("abcde", label="tulip"), limits="{maxChangeRatio: 1}")
    desired = full.desired()
    ((_, pinned),) = each_dataset.open_plans([desired], lambda _: full.context)
    full.emulator.console.add_image(full.arn, ref("new"))

    (result,) = apply_each.apply_each([(desired, pinned)], lambda _: full.context)
    pinned.close()

    assert (Verdict.BLOCKED, Exit.BLOCKED) == (result.verdict, result.exit_code)
    assert "the dataset changed after it was planned for; nothing was sent" in result.errors[0].message
    assert 1 == len(full.updates())


def test_a_plan_that_could_not_be_made_is_not_carried_out(lab: Lab):
    lab.write(*named("ab"))
    desired = lab.desired()
    ((_, pinned),) = each_dataset.open_plans([desired], _unreachable)

    (result,) = apply_each.apply_each([(desired, pinned)], lambda _: lab.context)

    assert (Verdict.UNKNOWN, ["no answer"]) == (result.verdict, [error.message for error in result.errors])
    assert [] == lab.updates()


def test_labels_are_counted_for_what_was_added_and_for_what_was_updated(lab: Lab):
    """Each label once an image; a blanked orphan has none."""
    lab.write(*named("abc"), orphans="blank", limits="{maxChangeRatio: 1}")
    lab.apply()
    lab.write(
        classified("a", "tulip", "oak"),
        *named("b"),
        *named("d", "oak"),
        orphans="blank",
        limits="{maxChangeRatio: 1}",
    )

    result = lab.apply()

    assert (1, 2) == (result.added, result.updated)
    assert (AppliedLabel("oak", 1, 1), AppliedLabel("tulip", 0, 1)) == result.labels


def test_labels_are_not_counted_from_a_file_that_has_changed(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """What was sent was proven; the count of its labels is left out."""
    lab.write(*named("ab"))
    desired, apply = lab.desired(), apply_each.apply

    def changed_after(*args: object):
        found = apply(*args)  # type: ignore[arg-type]
        monkeypatch.setattr(type(desired), "read", lambda *_: (_ for _ in ()).throw(SourceError("changed")))
        return found

    monkeypatch.setattr(apply_each, "apply", changed_after)
    (result,) = apply_each.apply_each([(desired, None)], lambda _: lab.context)

    assert (Verdict.CONVERGED, 2, ()) == (result.verdict, result.added, result.labels)
