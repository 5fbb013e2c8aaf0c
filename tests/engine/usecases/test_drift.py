"""What one look says about drift, against the emulator."""

from dataclasses import replace

import orjson

from reconciler.core.drift.report import Coverage, DatasetDrift, DriftVerdict
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError
from reconciler.core.spec.choices import DatasetType, DriftClass
from reconciler.engine.usecases import each_dataset
from reconciler.engine.usecases.drift import drift_each
from reconciler.engine.usecases.spec_tree import read
from reconciler.sources.load import load
from reconciler.sources.trees.directory import open_path
from tests.builders import boxed, classified, ref
from tests.engine.conftest import Lab

DESK = boxed("desk", ("Echo", 86, 65, 220, 334), ("Dot", 399, 251, 155, 101))
ROSE = classified("rose", "rose", "with_leaves")
TULIP = classified("tulip", "tulip")


def drift(lab: Lab) -> DatasetDrift:
    (found,) = drift_each([lab.desired()], lambda _: lab.context)
    return found


def told(found: DatasetDrift) -> dict[str, tuple[tuple[str, ...], str]]:
    """What happened to which image, and why."""
    return {item.source_ref: (item.classes, item.cause) for item in found.items}


def console_edits(lab: Lab) -> None:
    """What an afternoon in the console leaves behind."""
    lab.emulator.console.move_box(lab.arn, ref("desk"), dx=5)
    lab.emulator.console.relabel(lab.arn, ref("rose"), "with_leaves", "no_leaves")
    lab.emulator.console.add_image(lab.arn, ref("new"))


def test_a_console_user_is_told_apart_from_git(lab):
    """One box moved by five pixels, one image relabelled, one added: exactly that, and who did it."""
    lab.write(DESK, ROSE, TULIP)
    lab.apply()
    console_edits(lab)

    found = drift(lab)

    assert {
        ref("desk"): ((DriftClass.BOX_MOVED,), Cause.DRIFT_MODIFIED),
        ref("rose"): ((DriftClass.RELABELLED,), Cause.DRIFT_MODIFIED),
        ref("new"): ((DriftClass.UNMANAGED,), Cause.ORPHAN),
    } == told(found)
    assert (DriftVerdict.DRIFTED, (0, 4)) == (found.verdict, found.exit_codes)


def test_what_is_as_applied_is_in_sync(lab):
    """Nothing moved: nothing is told, and everything is covered."""
    lab.write(DESK, ROSE)
    lab.apply()

    found = drift(lab)

    assert (DriftVerdict.IN_SYNC, (), Coverage(2, 2, 2, 2)) == (found.verdict, found.items, found.coverage)


def test_a_change_in_git_is_no_drift(lab):
    """Only git moved: an apply is due, and no alarm."""
    lab.write(DESK)
    lab.apply()
    lab.write(boxed("desk", ("Echo", 90, 65, 220, 334), ("Dot", 399, 251, 155, 101)), ROSE)

    found = drift(lab)

    assert {
        ref("desk"): ((DriftClass.BOX_MOVED,), Cause.SPEC_CHANGED),
        ref("rose"): ((DriftClass.MISSING,), Cause.SPEC_ADDED),
    } == told(found)
    assert (DriftVerdict.PENDING, (0, 0), ()) == (found.verdict, found.exit_codes, found.labels)


def test_without_memory_a_difference_counts_as_drift(lab):
    """Nobody can tell who moved: then it is not called pending, which invites to overwrite it."""
    lab.write(ROSE)
    lab.apply()
    lab.emulator.console.relabel(lab.arn, ref("rose"), "with_leaves", "no_leaves")
    lab.context.memory.remember("train", "arn:of-another", (), ())

    found = drift(lab)

    assert {ref("rose"): ((DriftClass.RELABELLED,), Cause.UNATTRIBUTED)} == told(found)
    assert (DriftVerdict.DRIFTED, False) == (found.verdict, found.attributed)


def delete_dataset(lab: Lab) -> None:
    """Delete the dataset as somebody with the console might, and wait until it is gone."""
    lab.context.gateway._client.delete_dataset(DatasetArn=lab.arn)
    lab.context.clock.sleep(60)


def test_a_dataset_that_was_deleted_has_drifted(lab):
    """All that was applied is gone: that is no change in git, and no reason to be calm. What is new is new."""
    lab.write(ROSE)
    lab.apply()
    delete_dataset(lab)
    lab.write(ROSE, TULIP)

    found = drift(lab)

    assert {
        ref("rose"): ((DriftClass.MISSING,), Cause.DRIFT_REMOVED),
        ref("tulip"): ((DriftClass.MISSING,), Cause.SPEC_ADDED),
    } == told(found)
    assert (DriftVerdict.DRIFTED, (0, 4)) == (found.verdict, found.exit_codes)


def test_a_dataset_that_was_deleted_and_made_anew_has_drifted(lab):
    """It is another one, and empty: what was applied to the one before it is gone."""
    lab.write(ROSE)
    lab.apply()
    delete_dataset(lab)
    project = lab.context.gateway.locate("flowers", DatasetType.TRAIN).project_arn
    lab.context.gateway.create_dataset(project, DatasetType.TRAIN)
    lab.context.clock.sleep(60)

    assert {ref("rose"): ((DriftClass.MISSING,), Cause.DRIFT_REMOVED)} == told(drift(lab))


def test_another_target_is_a_change_in_git(lab):
    """Nothing was lost: the spec names a project that is still to be filled."""
    lab.write(ROSE)
    lab.apply()
    spec = lab.specs / "train.yaml"
    spec.write_text(spec.read_text().replace("project: flowers", "project: meadow"))

    found = drift(lab)

    assert {ref("rose"): ((DriftClass.MISSING,), Cause.SPEC_ADDED)} == told(found)
    assert DriftVerdict.PENDING is found.verdict


def test_an_orphan_that_was_blanked_raises_no_alarm(lab):
    """It is told, since AWS holds it and git does not; but nothing is left to be done about it."""
    lab.write(ROSE, TULIP, orphans="blank")
    lab.apply()
    lab.write(ROSE, orphans="blank")
    assert 4 in drift(lab).exit_codes
    lab.apply()

    found = drift(lab)

    assert {ref("tulip"): ((DriftClass.UNMANAGED,), Cause.ORPHAN)} == told(found)
    assert (0, 0) == found.exit_codes
    assert "blank already, as policy.orphans asks" == found.items[0].acknowledged


def test_an_orphan_that_is_marked_with_errors_is_an_orphan(lab):
    """One class, and the codes all the same."""
    lab.write(ROSE)
    lab.apply()
    broken = orjson.loads(TULIP)
    broken["tulip-metadata"]["type"] = "groundtruth/wrongtype"
    lab.emulator.console.put(lab.arn, broken)

    (item,) = drift(lab).items

    assert (DriftClass.UNMANAGED,) == item.classes
    assert "ERROR_UNSUPPORTED_USE_CASE_TYPE" in item.codes


def test_a_look_makes_no_call_that_writes(lab):
    """Whatever it finds, it only reads."""
    lab.write(DESK, ROSE)
    lab.apply()
    console_edits(lab)
    lab.emulator.calls.clear()

    drift(lab)

    assert [] == lab.emulator.calls.writes()
    assert {"DescribeProjects", "DescribeDataset", "ListDatasetEntries"} == set(lab.emulator.calls.names())


def test_what_the_service_marks_is_told_although_it_is_in_place(lab):
    """An error list on an image is not shrugged off because the rest of its line is as desired."""
    lab.write(TULIP)
    lab.apply()
    broken = orjson.loads(TULIP)
    broken["tulip-metadata"]["type"] = "groundtruth/wrongtype"
    lab.emulator.console.put(lab.arn, broken)

    (item,) = drift(lab).items

    assert DriftClass.ERRORED in item.classes
    assert "ERROR_UNSUPPORTED_USE_CASE_TYPE" in item.codes


def test_an_unusable_line_makes_no_claim_about_its_image(lab):
    """What git wants of it is not known: no drift, but no "in sync" either."""
    lab.write(ROSE, TULIP)
    lab.apply()
    lab.write(ROSE, TULIP.replace(b"groundtruth/image-classification", b"wrong"))

    found = drift(lab)

    assert (DriftVerdict.UNKNOWN, (), (5, 0)) == (found.verdict, found.items, found.exit_codes)


def test_an_image_that_an_unreadable_line_may_be_about_is_not_known_to_have_drifted(lab):
    """A comma too many in git is no drift of AWS; the image is told, and the verdict waits for the line."""
    lab.write(ROSE, TULIP)
    lab.apply()
    lab.write(ROSE, b"{" + TULIP)

    found = drift(lab)

    assert {ref("tulip"): ((DriftClass.UNMANAGED,), Cause.ORPHAN)} == told(found)
    assert (DriftVerdict.UNKNOWN, 5) == (found.verdict, found.exit_codes[0])


def test_a_dataset_that_cannot_be_seen_is_unknown(lab):
    """No project, no verdict; and the reason is kept."""
    lab.write(ROSE)
    desired = lab.desired()
    target = desired.target.model_copy(update={"create": False})
    spec = desired.spec.spec.model_copy(update={"target": target})
    desired = replace(desired, spec=desired.spec.model_copy(update={"spec": spec}))

    (found,) = drift_each([desired], lambda _: lab.context)

    assert (DriftVerdict.UNKNOWN, (3, 0), None) == (found.verdict, found.exit_codes, found.observed_at)
    assert ["RKD5015"] == [error.code for error in found.errors if isinstance(error, PlanError)]


def test_an_image_on_both_sides_of_a_project_is_a_leak(lab):
    """Somebody put a training image into the test dataset, in the console: both datasets say so."""
    lab.write(ROSE)
    project = lab.specs / "train.yaml"
    test = project.read_text().replace("name: train}", "name: test}").replace("type: TRAIN", "type: TEST")
    (lab.specs / "test.yaml").write_text(test.replace("train.jsonl", "test.jsonl"))
    (lab.specs / "test.jsonl").write_bytes(TULIP + b"\n")
    reading = read(load(open_path(lab.specs).tree))
    lab.open.extend(reading.datasets)
    list(each_dataset.apply_each([(desired, None) for desired in reading.datasets], lambda _: lab.context))
    arn = lab.context.gateway.locate("flowers", DatasetType.TEST).dataset_arn
    lab.emulator.console.add_image(arn, ref("rose"))

    found = drift_each(reading.datasets, lambda _: lab.context)

    assert {"test": (ref("rose"),), "train": (ref("rose"),)} == {one.name: one.leaked for one in found}


def remembered(lab: Lab, *, remember: bool) -> list[tuple[float | None, int]]:
    (found,) = drift_each([lab.desired()], lambda _: lab.context, remember=remember)
    return [(item.since, item.times) for item in found.items]


def test_drift_has_an_age(lab):
    """Noted once, it is told by every later look, also by one that notes nothing."""
    lab.write(ROSE)
    lab.apply()
    lab.emulator.console.add_image(lab.arn, ref("new"))
    assert [(None, 0)] == remembered(lab, remember=False)
    first = lab.context.clock.now()
    assert [(first, 1)] == remembered(lab, remember=True)

    lab.context.clock.sleep(3_600)

    assert [(first, 1)] == remembered(lab, remember=False)


def test_a_look_remembers_nothing_unless_it_is_asked_to(lab):
    """A command that only reads leaves the state directory as it found it."""
    lab.write(ROSE)
    lab.apply()
    lab.emulator.console.add_image(lab.arn, ref("new"))

    drift(lab)

    assert {} == lab.context.memory.sightings.of("train")
