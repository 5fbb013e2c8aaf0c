"""What one observation reports about drift, against the emulator."""

from dataclasses import replace

import orjson
import pytest
from msgspec import structs

from reconciler.core.drift.foreign_calls import AddressClass, ForeignCall, PrincipalKind
from reconciler.core.drift.report import Coverage, DatasetDrift, DriftVerdict
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.plan import PlanError
from reconciler.core.spec.choices import DatasetType, DriftClass
from reconciler.emulator.behaviour.switches import Switches
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.desired import Desired
from reconciler.engine.usecases.apply_each import apply_each
from reconciler.engine.usecases.drift import drift_each
from reconciler.engine.usecases.spec_tree import read
from reconciler.errors import Unavailable
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from tests.builders import boxed, classified, ref
from tests.engine.conftest import Lab

DESK = boxed("desk", ("Echo", 86, 65, 220, 334), ("Dot", 399, 251, 155, 101))
ROSE = classified("rose", "rose", "with_leaves")
TULIP = classified("tulip", "tulip")


def drift(lab: Lab) -> DatasetDrift:
    (found,) = drift_each([lab.desired()], lambda _: lab.context)
    return found


def told(found: DatasetDrift) -> dict[str, tuple[tuple[str, ...], str]]:
    """The kind and cause of each reported image."""
    return {item.source_ref: (item.classes, item.cause) for item in found.items}


def console_edits(lab: Lab) -> None:
    """Make the edits of one console user."""
    lab.emulator.console.move_box(lab.arn, ref("desk"), dx=5)
    lab.emulator.console.relabel(lab.arn, ref("rose"), "with_leaves", "no_leaves")
    lab.emulator.console.add_image(lab.arn, ref("new"))


def test_a_console_user_is_distinguished_from_git(lab):
    """A moved box, a relabelled and an added image are reported as exactly that, attributed to AWS."""
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
    """Right after an apply no image is reported, and coverage is complete."""
    lab.write(DESK, ROSE)
    lab.apply()

    found = drift(lab)

    assert (DriftVerdict.IN_SYNC, (), Coverage(2, 2, 2, 2)) == (found.verdict, found.items, found.coverage)


def test_a_change_in_git_is_no_drift(lab):
    """A change in git is pending and raises no alarm."""
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
    """Without state a difference counts as drift, not as pending."""
    lab.write(ROSE)
    lab.apply()
    lab.emulator.console.relabel(lab.arn, ref("rose"), "with_leaves", "no_leaves")
    lab.context.memory.remember("train", "arn:of-another", (), ())

    found = drift(lab)

    assert {ref("rose"): ((DriftClass.RELABELLED,), Cause.UNATTRIBUTED)} == told(found)
    assert (DriftVerdict.DRIFTED, False) == (found.verdict, found.attributed)


def delete_dataset(lab: Lab) -> None:
    """Delete the dataset in AWS, and wait until it is gone."""
    lab.context.gateway._client.delete_dataset(DatasetArn=lab.arn)
    lab.context.clock.sleep(60)


def recreate_dataset(lab: Lab) -> None:
    """Delete the dataset in AWS, and create it empty."""
    delete_dataset(lab)
    project = lab.context.gateway.locate("flowers", DatasetType.TRAIN).project_arn
    lab.context.gateway.create_dataset(project, DatasetType.TRAIN)
    lab.context.clock.sleep(60)


def test_a_dataset_that_was_deleted_has_drifted(lab):
    """Every applied entry of a deleted dataset has drifted; entries new in git are pending."""
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


def test_a_dataset_that_was_deleted_and_recreated_has_drifted(lab):
    """Every applied entry of a dataset that was deleted and created empty has drifted."""
    lab.write(ROSE)
    lab.apply()
    recreate_dataset(lab)

    assert {ref("rose"): ((DriftClass.MISSING,), Cause.DRIFT_REMOVED)} == told(drift(lab))


def test_what_a_recreated_dataset_lacks_is_unattributed_once_it_holds_something(lab):
    """Another client filled it, and may have left the image out."""
    lab.write(ROSE)
    lab.apply()
    recreate_dataset(lab)
    lab.emulator.console.put(lab.arn, TULIP.decode())

    causes = {source_ref: cause for source_ref, (_, cause) in told(drift(lab)).items()}

    assert {ref("rose"): Cause.UNATTRIBUTED, ref("tulip"): Cause.ORPHAN} == causes


def test_another_target_is_a_change_in_git(lab):
    """A new target in the spec makes its entries pending, not drifted."""
    lab.write(ROSE)
    lab.apply()
    spec = lab.specs / "train.yaml"
    spec.write_text(spec.read_text().replace("project: flowers", "project: meadow"))

    found = drift(lab)

    assert {ref("rose"): ((DriftClass.MISSING,), Cause.SPEC_ADDED)} == told(found)
    assert DriftVerdict.PENDING is found.verdict


def test_an_orphan_that_was_blanked_raises_no_alarm(lab):
    """A blanked orphan is reported without an alarm."""
    lab.write(ROSE, TULIP, orphans="blank")
    lab.apply()
    lab.write(ROSE, orphans="blank")
    assert 4 in drift(lab).exit_codes
    lab.apply()

    found = drift(lab)

    assert {ref("tulip"): ((DriftClass.UNMANAGED,), Cause.ORPHAN)} == told(found)
    assert (0, 0) == found.exit_codes
    assert (DriftVerdict.IN_SYNC, 0, 0) == (found.verdict, found.drifted, found.acknowledged)
    assert "blank already, as policy.orphans asks" == found.items[0].acknowledged


def test_an_orphan_that_is_marked_with_errors_is_an_orphan(lab):
    """An orphan with service errors has the class of an orphan, and its error codes."""
    lab.write(ROSE)
    lab.apply()
    broken = orjson.loads(TULIP)
    broken["tulip-metadata"]["type"] = "groundtruth/wrongtype"
    lab.emulator.console.put(lab.arn, broken)

    (item,) = drift(lab).items

    assert (DriftClass.UNMANAGED,) == item.classes
    assert "ERROR_UNSUPPORTED_USE_CASE_TYPE" in item.codes


def test_an_observation_makes_no_call_that_writes(lab):
    """A drift report makes no call that writes."""
    lab.write(DESK, ROSE)
    lab.apply()
    console_edits(lab)
    lab.emulator.calls.clear()

    drift(lab)

    assert [] == lab.emulator.calls.writes()
    assert {"DescribeProjects", "DescribeDataset", "ListDatasetEntries"} == set(lab.emulator.calls.names())


def test_what_the_service_marks_is_reported_although_it_is_in_place(lab):
    """An error list of the service is reported even if the rest of the line is as desired."""
    lab.write(TULIP)
    lab.apply()
    broken = orjson.loads(TULIP)
    broken["tulip-metadata"]["type"] = "groundtruth/wrongtype"
    lab.emulator.console.put(lab.arn, broken)

    (item,) = drift(lab).items

    assert DriftClass.ERRORED in item.classes
    assert "ERROR_UNSUPPORTED_USE_CASE_TYPE" in item.codes


def test_an_unusable_line_makes_no_claim_about_its_image(lab):
    """An image whose desired line is invalid is not reported as drifted, and the dataset not as in sync."""
    lab.write(ROSE, TULIP)
    lab.apply()
    lab.write(ROSE, TULIP.replace(b"groundtruth/image-classification", b"wrong"))

    found = drift(lab)

    assert (DriftVerdict.UNKNOWN, (), (5, 0)) == (found.verdict, found.items, found.exit_codes)


def test_an_image_that_an_unreadable_line_may_be_about_is_not_known_to_have_drifted(lab):
    """An image that an unparsable line may be about is reported, but not as drifted."""
    lab.write(ROSE, TULIP)
    lab.apply()
    lab.write(ROSE, b"{" + TULIP)

    found = drift(lab)

    assert {ref("tulip"): ((DriftClass.UNMANAGED,), Cause.ORPHAN)} == told(found)
    assert (DriftVerdict.UNKNOWN, 5) == (found.verdict, found.exit_codes[0])


def test_a_dataset_that_cannot_be_seen_is_unknown(lab):
    """A dataset without a project has no verdict, and the reason is kept."""
    lab.write(ROSE)
    desired = lab.desired()
    target = desired.target.model_copy(update={"create": False})
    spec = desired.loaded.spec.spec.model_copy(update={"target": target})
    loaded = structs.replace(desired.loaded, spec=desired.loaded.spec.model_copy(update={"spec": spec}))
    desired = replace(desired, loaded=loaded)

    (found,) = drift_each([desired], lambda _: lab.context)

    assert (DriftVerdict.UNKNOWN, (3, 0), None) == (found.verdict, found.exit_codes, found.observed_at)
    assert ["RKD5015"] == [error.code for error in found.errors if isinstance(error, PlanError)]


@pytest.mark.parametrize(("kind", "image"), [(DatasetType.TEST, "rose"), (DatasetType.TRAIN, "tulip")])
def test_an_image_on_both_sides_of_a_project_is_a_leak(lab, kind, image):
    """An image that a console user put into both datasets of a project is reported in both."""
    lab.write(ROSE)
    project = lab.specs / "train.yaml"
    test = project.read_text().replace("name: train}", "name: test}").replace("type: TRAIN", "type: TEST")
    (lab.specs / "test.yaml").write_text(test.replace("train.jsonl", "test.jsonl"))
    (lab.specs / "test.jsonl").write_bytes(TULIP + b"\n")
    reading = read(load(open_path(lab.specs).tree))
    lab.open.extend(reading.datasets)
    list(apply_each([(desired, None) for desired in reading.datasets], lambda _: lab.context))
    arn = lab.context.gateway.locate("flowers", kind).dataset_arn
    lab.emulator.console.add_image(arn, ref(image))

    found = drift_each(reading.datasets, lambda _: lab.context)

    assert {"test": (ref(image),), "train": (ref(image),)} == {one.name: one.leaked for one in found}


def test_an_image_that_git_has_in_both_datasets_is_a_leak_in_aws_too(lab):
    """Though nothing has drifted."""
    lab.write(ROSE)
    spec = lab.specs / "train.yaml"
    test = spec.read_text().replace("name: train}", "name: test}").replace("TRAIN", "TEST")
    (lab.specs / "test.yaml").write_text(test.replace("train.jsonl", "test.jsonl"))
    (lab.specs / "test.jsonl").write_bytes(TULIP + b"\n")

    def reading() -> tuple[Desired, ...]:
        found = read(load(open_path(lab.specs).tree)).datasets
        lab.open.extend(found)
        return found

    list(apply_each([(desired, None) for desired in reading()], lambda _: lab.context))
    arn = lab.context.gateway.locate("flowers", DatasetType.TEST).dataset_arn
    lab.emulator.console.put(arn, ROSE.decode())
    (lab.specs / "test.jsonl").write_bytes(TULIP + b"\n" + ROSE + b"\n")

    found = drift_each(reading(), lambda _: lab.context)

    assert [((), (ref("rose"),))] * 2 == [(one.items, one.leaked) for one in found]


def remembered(lab: Lab, *, remember: bool) -> list[tuple[float | None, int]]:
    (found,) = drift_each([lab.desired()], lambda _: lab.context, remember=remember)
    return [(item.since, item.times) for item in found.items]


def test_drift_has_an_age(lab):
    """The time of the first sighting is kept and shown by every later report."""
    lab.write(ROSE)
    lab.apply()
    lab.emulator.console.add_image(lab.arn, ref("new"))
    assert [(None, 0)] == remembered(lab, remember=False)
    first = lab.context.clock.now()
    assert [(first, 1)] == remembered(lab, remember=True)

    lab.context.clock.sleep(3_600)

    assert [(first, 1)] == remembered(lab, remember=False)


def test_calls_of_others_are_named_where_something_drifted(lab):
    """Only there: of a dataset as it is desired, nobody's call needs an explanation."""
    lab.write(ROSE)
    lab.apply()
    at = lab.context.clock.now()
    call = ForeignCall(
        "1", "UpdateDatasetEntries", "Admin/alice", PrincipalKind.ROLE, AddressClass.PUBLIC, at
    )
    lab.context.memory.foreign_calls.add("train", call)
    assert () == drift(lab).foreign_calls

    lab.emulator.console.add_image(lab.arn, ref("new"))

    assert ("1",) == tuple(found.id for found in drift(lab).foreign_calls)


def test_an_observation_records_nothing_unless_it_is_asked_to(lab):
    """A drift report writes no state unless it is asked to."""
    lab.write(ROSE)
    lab.apply()
    lab.emulator.console.add_image(lab.arn, ref("new"))

    drift(lab)

    assert {} == lab.context.memory.sightings.of("train")


def bare_lines_are_errors(lab: Lab) -> None:
    settings = lab.emulator.settings
    lab.emulator.settings = replace(settings, switches=Switches(bare_line="error"))


BARE = b'{"source-ref":"s3://b/bare.jpg"}'


def test_an_entry_that_is_as_desired_and_marked_with_errors_is_reported(lab):
    """Nothing of it differs: which side is at fault is not known, and both lines are shown."""
    bare_lines_are_errors(lab)
    lab.write(ROSE, BARE)
    lab.apply()

    found = drift(lab)

    (item,) = found.items
    assert ("s3://b/bare.jpg", (DriftClass.ERRORED,), Cause.UNATTRIBUTED) == (
        item.source_ref,
        item.classes,
        item.cause,
    )
    assert ("ERROR_NO_LABEL_ATTRIBUTES",) == item.codes
    assert (2, ()) == (item.origin.line, item.fields)
    assert item.lines is not None
    assert BARE.decode() == item.lines.desired == item.lines.observed
    assert item.view is not None
    assert Coverage(2, 2, 2, 2) == found.coverage


def test_beyond_a_bound_a_drifted_image_has_neither_lines_nor_a_drawing(lab, monkeypatch):
    """All bounds count the images of one dataset, those that are marked with errors after the others."""
    bare_lines_are_errors(lab)
    lab.write(*(classified(name, "x") for name in "abc"), BARE)
    lab.apply()
    for name in "abc":
        lab.emulator.console.put(lab.arn, orjson.loads(classified(name, "y")))

    def shown(lines: int, views: int) -> list[tuple[bool, bool]]:
        monkeypatch.setattr("reconciler.engine.usecases.drift.WITH_LINES", lines)
        monkeypatch.setattr("reconciler.engine.usecases.drift.MAX_VIEWS", views)
        order = [ref(name) for name in "abc"] + ["s3://b/bare.jpg"]
        found = {item.source_ref: item for item in drift(lab).items}
        return [(found[name].lines is not None, found[name].view is not None) for name in order]

    assert [(True, True)] * 4 == shown(4, 4)
    assert [(True, True)] * 3 + [(False, False)] == shown(3, 3)
    assert [(True, True), (True, False), (False, False), (False, False)] == shown(2, 1)


def test_coverage_counts_what_is_there_and_what_git_knows(lab):
    """Desired, observed, in place, and of the desired those that are in AWS at all."""
    lab.write(*(classified(name, "x") for name in "abcd"))
    lab.apply()
    for name in "ab":
        lab.emulator.console.remove_image(lab.arn, ref(name))
    lab.emulator.console.put(lab.arn, orjson.loads(classified("c", "y")))
    lab.emulator.console.add_image(lab.arn, ref("z"))

    assert Coverage(desired=4, observed=3, in_place=1, managed=2) == drift(lab).coverage


def test_entries_that_differ_in_what_the_policy_ignores_are_in_place(lab):
    """They count beside those that are the same."""
    lab.write(*(classified(name, "x") for name in "abc"))
    lab.apply()
    for name in "ab":
        job = classified(name, "x").replace(b"labeling-job/", b"labeling-job/of-another-")
        lab.emulator.console.put(lab.arn, orjson.loads(job))

    found = drift(lab)

    assert (Coverage(desired=3, observed=3, in_place=3, managed=3), ()) == (found.coverage, found.items)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("region: us-east-1", Cause.DRIFT_REMOVED),
        ("region: eu-west-1", Cause.SPEC_ADDED),
        ("accountId: '111122223333'", Cause.DRIFT_REMOVED),
        ("accountId: '999988887777'", Cause.SPEC_ADDED),
    ],
)
def test_a_target_in_another_place_is_a_change_in_git(lab, change, cause):
    """To say where it always was is none: then a dataset that is gone has drifted."""
    lab.write(ROSE)
    lab.apply()
    delete_dataset(lab)
    spec = lab.specs / "train.yaml"
    spec.write_text(spec.read_text().replace("project: flowers", f"project: flowers, {change}"))

    assert {ref("rose"): ((DriftClass.MISSING,), cause)} == told(drift(lab))


def test_a_project_of_which_one_side_cannot_be_seen_has_no_leak_that_is_known(lab):
    """Nor do datasets of different projects that hold the same image."""
    lab.write(ROSE)
    project = lab.specs / "train.yaml"
    for kind, other in (("test", "flowers"), ("apart", "weeds")):
        text = project.read_text().replace("name: train}", f"name: {kind}}}").replace("TRAIN", "TEST")
        text = text.replace("train.jsonl", "test.jsonl").replace("project: flowers", f"project: {other}")
        (lab.specs / f"{kind}.yaml").write_text(text)
    (lab.specs / "test.jsonl").write_bytes(TULIP + b"\n")
    reading = read(load(open_path(lab.specs).tree))
    lab.open.extend(reading.datasets)
    list(apply_each([(desired, None) for desired in reading.datasets], lambda _: lab.context))
    for name in ("flowers", "weeds"):
        arn = lab.context.gateway.locate(name, DatasetType.TEST).dataset_arn
        lab.emulator.console.add_image(arn, ref("rose"))

    def leaked(unseen: str) -> dict[str, int]:
        def context_of(desired: Desired) -> Context:
            if desired.name == unseen:
                raise Unavailable("no answer")
            return lab.context

        return {one.name: len(one.leaked) for one in drift_each(reading.datasets, context_of)}

    nothing = {"apart": 0, "test": 0, "train": 0}
    assert nothing == leaked("train") == leaked("test")
    assert nothing | {"test": 1, "train": 1} == leaked("")
