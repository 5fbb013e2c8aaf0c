"""Restoring overwritten entries: by a plan, with guards and verification, touching nothing else."""

from __future__ import annotations

import orjson
import pytest

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.status.result import Verdict
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.apply_each import apply_each
from reconciler.engine.usecases.restore import as_desired, backups_of, choose
from reconciler.errors import UsageError
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from tests.builders import classified, line, named, ref
from tests.engine.conftest import Lab


@pytest.fixture
def overwritten(lab: Lab) -> Lab:
    """Apply an update of a and add f, with e blanked."""
    lab.write(*named("abcde"), orphans="blank")
    lab.apply()
    lab.write(classified("a", "tulip"), *named("bcdf"), orphans="blank")
    lab.apply()
    lab.clock.sleep(60)
    return lab


def chosen(lab: Lab, snapshot: str | None = None):
    (loaded,) = load(open_path(lab.specs).tree).datasets
    desired = as_desired(loaded, choose(backups_of("train", lab.context.memory), snapshot))
    lab.open.append(desired)
    return desired


def plan(lab: Lab, snapshot: str | None = None):
    (found,) = each_dataset.plan_each([chosen(lab, snapshot)], lambda _: lab.context)
    return found


def restore(lab: Lab):
    """Restore what was overwritten last."""
    (result,) = apply_each([(chosen(lab), None)], lambda _: lab.context)
    lab.clock.sleep(60)
    return result


def labels(lab: Lab) -> dict[str, str]:
    lines = [orjson.loads(text) for page in lab.context.gateway.pages(lab.arn) for text in page]
    return {
        entry["source-ref"]: "+".join(label for label in ("rose", "tulip") if label in entry)
        for entry in lines
    }


def test_the_plan_is_about_the_kept_entries_only(overwritten: Lab):
    """The plan holds the entries of the backup; other entries are no orphans of it."""
    found = plan(overwritten)

    assert [(Action.UPDATE, ref("a")), (Action.UPDATE, ref("e"))] == [
        (c.action, c.source_ref) for c in found.changes
    ]
    assert (2, 6, 0) == (found.counts.desired, found.counts.observed, found.counts.orphan)
    assert found.applyable


def test_a_restored_dataset_holds_what_it_held(overwritten: Lab):
    """Labels come back, also those of a blanked image; added entries stay, since AWS cannot delete them."""
    (file,) = backups_of("train", overwritten.context.memory)

    result = restore(overwritten)

    assert (Verdict.CONVERGED, 2, True) == (result.verdict, result.updated, result.verified)
    assert {ref(name): "rose" for name in "abcdef"} == labels(overwritten)
    assert () == plan(overwritten, file.saved.id).changes


def test_a_restore_can_itself_be_undone(overwritten: Lab):
    """A restore writes a backup of what it overwrites, like any apply."""
    restore(overwritten)

    result = restore(overwritten)

    assert 2 == result.updated
    assert ("tulip", "") == (labels(overwritten)[ref("a")], labels(overwritten)[ref("e")])


def test_a_restore_does_not_become_what_git_says(overwritten: Lab):
    """A restore changes AWS alone: the next plan reports the entries as changed there."""
    restore(overwritten)

    causes = {change.source_ref: change.cause for change in overwritten.plan().changes}

    assert {ref("a"): Cause.DRIFT_MODIFIED, ref("e"): Cause.ORPHAN} == causes


def test_the_guards_stand(overwritten: Lab):
    """A protected entry is not restored unless that is allowed."""
    overwritten.write(classified("a", "tulip"), *named("bcdf"))
    spec = overwritten.specs / "train.yaml"
    spec.write_text(spec.read_text() + f'  protect: ["{ref("a")}"]\n')

    result = restore(overwritten)

    assert (Verdict.BLOCKED, ["PROTECTED"]) == (result.verdict, [error.code for error in result.errors])


def test_an_entry_that_is_gone_is_added_again(overwritten: Lab):
    overwritten.emulator.console.remove_image(overwritten.arn, ref("e"))

    result = restore(overwritten)

    assert (1, 1) == (result.added, result.updated)


def test_a_line_that_was_marked_with_errors_is_named_and_not_sent(overwritten: Lab):
    """A line that the service would mark with errors is named and not sent; the others are restored."""
    overwritten.emulator.console.put(overwritten.arn, orjson.loads(line("e", odd=1)))
    overwritten.write(classified("a", "rose", "tulip"), *named("bcdf"), orphans="blank")
    overwritten.apply()
    overwritten.clock.sleep(60)

    result = restore(overwritten)

    assert (Verdict.PARTIAL, 5, 1) == (result.verdict, result.exit_code, result.updated)
    assert ["ERROR_NO_LABEL_ATTRIBUTES"] == [error.code for error in result.errors]


def test_an_unknown_or_unclear_snapshot_is_refused(overwritten: Lab):
    """An unknown or ambiguous backup id is refused, and the known ids are listed."""
    files = backups_of("train", overwritten.context.memory)
    (only,) = files

    assert only == choose(files, only.saved.id[:10])
    with pytest.raises(UsageError, match=only.saved.id):
        choose(files, "1999")
    with pytest.raises(UsageError, match="nothing is kept"):
        choose([], None)


def test_of_several_snapshots_the_newest_is_chosen_unless_one_is_named(overwritten: Lab):
    """What a rebuild replaced is one of them; a beginning that several share is no name."""
    (file,) = backups_of("train", overwritten.context.memory)
    for seconds in (-60.0, 60.0):
        head = file.saved.head._replace(at=file.saved.head.at + seconds, arn="arn:of-another")
        overwritten.context.memory.archive.keep(head, named("ab"))

    before, middle, after = files = backups_of("train", overwritten.context.memory)

    assert file.saved.id == middle.saved.id
    assert [after, before, middle] == [
        choose(files, None),
        choose(files, before.saved.id),
        choose(files, middle.saved.id),
    ]
    with pytest.raises(UsageError) as found:
        choose(files, "20")
    ids = ", ".join(one.saved.id for one in files)
    assert f"--snapshot 20: several begin with it; there are: {ids}" == str(found.value)
    with pytest.raises(UsageError, match="--snapshot 20: nothing is kept"):
        choose([], "20")


def quarantine(lab: Lab, name: str) -> None:
    now = lab.context.clock.now()
    held = Quarantined(ref(name), b"digest", QuarantineReason.ISOLATED, "why", 1, now, now + 9e9)
    lab.context.memory.quarantine.put("train", [held], [])


def test_a_restore_releases_no_other_entry_from_quarantine(overwritten: Lab):
    """An apply of all entries does, once the entry is as desired, or has left git."""
    quarantine(overwritten, "c")
    quarantine(overwritten, "z")

    restore(overwritten)
    assert {ref("c"), ref("z")} == overwritten.context.memory.quarantine.of("train").keys()

    overwritten.apply()
    assert not {ref("c"), ref("z")} & overwritten.context.memory.quarantine.of("train").keys()


def test_an_entry_of_a_backup_is_named_by_its_line_there(overwritten: Lab):
    """Its first line is no entry."""
    (file, *_) = backups_of("train", overwritten.context.memory)
    with file.open() as stream:
        head, *entries = stream.read().splitlines()
    desired = chosen(overwritten)

    assert b"train" in head or entries
    assert [f"snapshot {file.saved.id}:{number}" for number in (2, 3)] == [
        str(desired.origin_of_ref(ref(name))) for name in "ae"
    ]
    assert file.origin == desired.loaded.origin
    assert (None, None, f"snapshot {file.saved.id}:1") == (file.pinned, file.identity(), str(file.origin))
