"""A rebuild: its preconditions, its result, and that it survives a kill at any instant."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
import pytest

from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.status.result import Verdict
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.behaviour.settings import Settings
from reconciler.emulator.behaviour.switches import Rewriting, Switches
from reconciler.engine.usecases.rebuild import begin as begin_module
from reconciler.engine.usecases.rebuild.begin import Order, digest_of
from reconciler.engine.usecases.rebuild.run import UNFINISHED, Rebuilt, rebuild, resume, undo
from reconciler.engine.usecases.rebuild.steps import RebuildContext, content_of
from reconciler.errors import (
    AlreadyExists,
    Claimed,
    ListingIncomplete,
    NotFound,
    RebuildUnfinished,
    UnknownAnswer,
    UsageError,
)
from reconciler.ports import ContentDigest, Description, Located, Phase, RebuildStep, Silence
from reconciler.rekognition.calls import Limiter
from reconciler.rekognition.rebuilding import S3, RebuildingRekognition, s3_config
from reconciler.state import State
from tests.account import client_of
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab, make_lab
from tests.engine.dataset.test_listing import Short

BUCKET = "manifests"
TAGS = {"team": "botany", "cost": "7"}
KEEPS = "abcdefghijkl"


class Killed(BaseException):
    """The process was killed."""


CHANGING = frozenset({"put", "over", "keep", "delete_dataset", "create_dataset_from"})
"""What changes anything: to die between two of them is to die after the first."""


class Doom:
    """Kills the process at the n-th instant: before or after a call that changes anything."""

    def __init__(self, instant: int | None = None) -> None:
        self.instant = instant
        self.passed = 0

    def strike(self) -> None:
        if self.passed == self.instant:
            self.instant = None  # one dies once
            raise Killed
        self.passed += 1

    def watch(self, inner: Any) -> Any:
        return _Watched(inner, self)


class _Watched:
    def __init__(self, inner: Any, doom: Doom) -> None:
        self._inner, self._doom = inner, doom

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in CHANGING:
            return found

        def act(*args: Any) -> Any:
            self._doom.strike()
            result = found(*args)
            self._doom.strike()
            return result

        return act


class _Memory(_Watched):
    """A memory whose notes about rebuilds are instants; everything else passes through."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._doom.watch(found) if name in ("rebuilds", "archive") else found


def rebuild_context_of(lab: Lab, doom: Doom | None = None) -> RebuildContext:
    doom = doom or Doom()
    inner = lab.context.gateway._client  # the clients of the laboratory, for more
    url = inner.meta.endpoint_url
    client, s3 = client_of(url), client_of(url, "s3", config=s3_config(url))
    limiter = Limiter(None, lab.clock.now, lab.clock.sleep)
    gateway = doom.watch(RebuildingRekognition(client, lambda: inner, limiter, "ambient"))
    context = dataclasses.replace(lab.context, gateway=gateway, memory=_Memory(lab.context.memory, doom))
    objects = doom.watch(S3(s3, makes_buckets=True))
    lab.emulator.calls.clear()
    return RebuildContext(context, gateway, objects, 3_600.0)


def fill(lab: Lab) -> None:
    """Fill a dataset with twelve entries, two of them orphans and one changed, and two tags."""
    lab.write(*named(KEEPS + "yz"), orphans="rebuild")
    lab.apply()
    client = lab.context.gateway._client
    client.tag_resource(ResourceArn=lab.arn, Tags=TAGS)
    lab.write(classified("a", "tulip"), *named(KEEPS[1:]), orphans="rebuild")


@pytest.fixture
def full(lab: Lab) -> Lab:
    fill(lab)
    return lab


def order(lab: Lab, **changes: Any) -> Order:
    return Order(digest_of(lab.plan()), BUCKET, "rebuilds")._replace(**changes)


def begin(lab: Lab, context: RebuildContext | None = None, **changes: Any) -> Rebuilt:
    asked = order(lab, **changes)
    return rebuild(lab.desired(), context or rebuild_context_of(lab), asked)


def lines(lab: Lab) -> dict[str, bytes]:
    found = [line for page in lab.context.gateway.pages(lab.arn) for line in page]
    return {orjson.loads(line)["source-ref"]: line for line in found}


def tags(lab: Lab) -> dict[str, str]:
    return lab.context.gateway._client.list_tags_for_resource(ResourceArn=lab.arn)["Tags"]


def test_what_is_left_is_exactly_what_is_desired(full: Lab):
    """A rebuild leaves the desired entries and the old tags under a new ARN; the next plan is empty."""
    before = full.arn

    done = begin(full)

    assert (Verdict.CONVERGED, 0, 2, True) == (
        done.result.verdict,
        done.result.exit_code,
        done.removed,
        done.result.verified,
    )
    assert {ref(name) for name in KEEPS} == set(lines(full))
    assert TAGS == tags(full)
    assert before != full.arn == done.result.arn
    assert () == full.plan().changes
    assert full.context.memory.applied("train", full.arn).known
    assert None is full.context.memory.rebuilds.of("train")


def test_every_old_line_is_kept_in_two_places(full: Lab):
    """Every old line is kept in the state directory as it was listed, and in S3 as it would be sent."""
    old = lines(full)

    done = begin(full)

    assert done.rebuild is not None
    (saved,) = full.context.memory.archive.of("train")
    with full.context.memory.archive.open("train", saved.id) as stream:
        assert sorted(old.values()) == sorted(line.decode() for line in stream.read().splitlines())
    with rebuild_context_of(full).objects.open(BUCKET, done.rebuild.key("before")) as stream:
        kept = stream.read().splitlines()
    assert content_of(line.encode() for line in old.values()) == content_of(kept)
    assert all(b"cl-metadata" not in line for line in kept)


def test_what_is_remembered_of_a_listing_is_no_copy_of_it(full: Lab):
    """After an apply most entries are known by their digests alone; a rebuild reads every line all the same."""
    full.apply()
    old = lines(full)

    done = begin(full)

    assert (Verdict.CONVERGED, 2) == (done.result.verdict, done.removed)
    (saved,) = full.context.memory.archive.of("train")
    with full.context.memory.archive.open("train", saved.id) as stream:
        assert sorted(old.values()) == sorted(line.decode() for line in stream.read().splitlines())


def test_the_order_of_lines_proves_nothing():
    """A rebuild compares the content and number of lines, not the order in which the service lists them."""
    kept = named(KEEPS)

    assert content_of(kept) == content_of(reversed(kept))
    assert content_of(kept) != content_of(kept[1:])
    assert content_of(kept) != content_of([*kept, kept[0]])


def test_a_content_is_told_alike_by_every_version():
    """A rebuild that one version began is finished by the next, which compares what was kept."""
    kept = [b'{"source-ref":"s3://b/a.jpg","rose":1}', b'{"source-ref":"s3://b/b.jpg"}']

    assert ContentDigest(2, "14c10280a02ed312cb85045f05ac5893") == content_of(kept)


def test_a_manifest_may_have_a_gigabyte():
    """As the limits page of the Rekognition documentation says."""
    assert 1_000_000_000 == begin_module.MAX_BYTES


@pytest.mark.parametrize("line", [b"{", b"", b"[1]", b"1", b"null", b"\xff"])
def test_a_line_that_is_no_object_proves_nothing_either(line: bytes):
    """A listing that holds one is not understood, whatever the others say."""
    with pytest.raises(UnknownAnswer, match="a listed line is not"):
        content_of([*named(KEEPS), line])


def test_a_claim_that_is_soon_given_back_is_waited_for(full: Lab, monkeypatch: pytest.MonkeyPatch):
    """A rebuild waits up to half a minute for the claim of a running apply, then refuses."""
    other = State(full.state_dir)
    claim = other.claim("train")
    claim.__enter__()
    sleep = full.clock.sleep

    def sleep_while_the_other_ends(seconds: float) -> None:
        if full.clock.slept:
            claim.__exit__(None, None, None)
        sleep(seconds)

    monkeypatch.setattr(full.clock, "sleep", sleep_while_the_other_ends)
    full.clock.slept.clear()

    assert Verdict.CONVERGED is begin(full).result.verdict

    monkeypatch.setattr(full.clock, "sleep", sleep)
    full.write(*named(KEEPS[2:]), orphans="rebuild")
    with other.claim("train"), pytest.raises(Claimed):
        begin(full)
    other.close()


def test_only_the_plan_that_was_seen_is_carried_out(full: Lab):
    done = begin(full, plan="0" * 32)

    assert (Verdict.BLOCKED, ["PLAN_OUTDATED"]) == (done.result.verdict, [e.code for e in done.result.errors])
    assert digest_of(full.plan()) in done.result.errors[0].message


@pytest.mark.parametrize(
    ("policy", "code"),
    [({"orphans": "report"}, "ORPHANS"), ({"mode": "observe"}, "MODE"), ({"mode": "create-only"}, "MODE")],
)
def test_the_policy_must_say_so(full: Lab, policy: dict[str, str], code: str):
    full.write(*named(KEEPS), **{"orphans": "rebuild"} | policy)

    done = begin(full)

    assert code in [error.code for error in done.result.errors]
    assert [] == [call for call in full.emulator.calls.writes() if call.service == "rekognition"]


def test_orphans_count_as_overwritten(full: Lab):
    """Guards count orphans as overwritten: removing six of fourteen entries is too large a share."""
    full.write(*named(KEEPS[:8]), orphans="rebuild")

    done = begin(full)

    assert ["MAX_CHANGE_RATIO"] == [error.code for error in done.result.errors]
    assert "6 of 14" in done.result.errors[0].message


def test_an_orphan_may_be_protected(full: Lab):
    spec = full.specs / "train.yaml"
    spec.write_text(spec.read_text() + f'  protect: ["{ref("z")}"]\n')

    assert ["PROTECTED"] == [error.code for error in begin(full).result.errors]


def test_a_line_that_cannot_be_used_forbids_it(full: Lab):
    """A line that cannot be used blocks a rebuild: its image would be deleted."""
    full.write(*named(KEEPS), b'{"source-ref": "s3://b/z.jpg", "x": 1}', orphans="rebuild")

    assert "INCOMPLETE" in [error.code for error in begin(full).result.errors]


def test_without_an_orphan_there_is_no_reason(full: Lab):
    full.write(*named(KEEPS + "yz"), orphans="rebuild")

    assert ["NO_ORPHANS"] == [error.code for error in begin(full).result.errors]


def test_a_part_that_is_not_listed_forbids_it(full: Lab):
    """An incomplete listing blocks a rebuild: the hidden entries would be deleted without a backup."""
    context = rebuild_context_of(full)
    hiding = Short(context.dataset.gateway, ref("y"))

    with pytest.raises(ListingIncomplete, match="a rebuild would lose what is not listed"):
        begin(
            full,
            dataclasses.replace(context, dataset=dataclasses.replace(context.dataset, gateway=hiding)),
        )

    assert None is full.context.memory.rebuilds.of("train")


def test_a_training_that_runs_forbids_it(full: Lab):
    """A running training blocks a rebuild; the message names it."""
    project = full.arn.partition("/dataset/")[0]
    project_arn = next(
        found["ProjectArn"]
        for found in full.context.gateway._client.describe_projects()["ProjectDescriptions"]
        if found["ProjectArn"].startswith(project)
    )
    full.emulator.console.start_training(project_arn, "v7")

    assert [("IN_USE", True)] == [(e.code, "v7" in e.message) for e in begin(full).result.errors]

    full.emulator.console.end_training(project_arn)
    assert Verdict.CONVERGED is begin(full).result.verdict


def test_where_trainings_cannot_be_seen_a_flag_must_confirm(full: Lab):
    denied = Fault(kind=Kind.ACCESS_DENIED, operations=frozenset({"DescribeProjectVersions"}), times=0)
    full.emulator.faults.add(denied)

    assert ["UNSEEN_USE"] == [error.code for error in begin(full).result.errors]
    assert Verdict.CONVERGED is begin(full, confirmed=True).result.verdict


def test_a_dataset_that_changes_after_it_was_kept_is_not_deleted(full: Lab):
    """A dataset that changed after its backup is not deleted."""
    action = {"do": "add_image", "dataset": full.arn, "source_ref": ref("new")}
    fault = Fault(kind=Kind.CONSOLE_AFTER, operations=frozenset({"ListTagsForResource"}), action=action)
    context = rebuild_context_of(full)
    asked = order(full)
    full.emulator.faults.add(fault)

    with pytest.raises(Exception, match="changed after it was planned"):
        rebuild(full.desired(), context, asked)

    assert ref("new") in lines(full)
    assert None is full.context.memory.rebuilds.of("train")


def test_what_changed_since_it_was_kept_is_not_deleted_by_a_resume(full: Lab):
    """A resumed rebuild refuses to delete a dataset that changed since its backup; undo changes nothing."""
    doom = Doom()
    kill_at(doom, full, RebuildStep.DELETING)
    with pytest.raises(Killed):
        begin(full, rebuild_context_of(full, doom))
    full.emulator.console.add_image(full.arn, ref("new"))

    resumed, undone = (
        resume(full.desired(), rebuild_context_of(full)),
        undo("train", rebuild_context_of(full)),
    )

    assert (6, False) == (resumed.result.exit_code, resumed.result.verified)
    assert (Verdict.OBSERVED, True, full.arn) == (
        undone.result.verdict,
        undone.result.verified,
        undone.result.arn,
    )
    assert "it was not deleted" in resumed.result.errors[0].message
    assert ref("new") in lines(full)
    assert [] == full.emulator.calls.of("DeleteDataset")


@pytest.mark.parametrize("page", [b"<html>Sign in</html>", b"null"])
def test_a_copy_that_comes_back_as_something_else_is_named(
    full: Lab, monkeypatch: pytest.MonkeyPatch, page: bytes
):
    """A proxy answers with a page of its own: the message names the object, and nothing is deleted."""
    monkeypatch.setattr(S3, "open", lambda *_: io.BytesIO(page))

    with pytest.raises(UnknownAnswer, match=r"s3://.*before.manifest is not what was written: "):
        begin(full)

    assert 14 == len(lines(full))


def test_a_dataset_named_by_its_arn_is_not_rebuilt(full: Lab):
    """A dataset named by its ARN is not rebuilt: the new one would have another ARN."""
    spec = full.specs / "train.yaml"
    spec.write_text(
        spec.read_text().replace("project: flowers, type: TRAIN, create: true", f'datasetArn: "{full.arn}"')
    )

    assert ["DATASET_ARN"] == [error.code for error in begin(full).result.errors]


def test_a_copy_that_does_not_come_back_whole_stops_it(full: Lab, monkeypatch: pytest.MonkeyPatch):
    """Nothing is deleted before the backup was read back and compared."""
    fetch = S3.open

    def cut(self: S3, bucket: str, key: str):
        stream = fetch(self, bucket, key)
        short = stream.read().splitlines(keepends=True)[:-1]
        stream.seek(0)
        stream.truncate()
        stream.writelines(short)
        stream.seek(0)
        return stream

    monkeypatch.setattr(S3, "open", cut)

    with pytest.raises(Exception, match="holds 13 entries, not the 14 written"):
        begin(full)

    assert 14 == len(lines(full))
    assert [] == full.emulator.calls.of("DeleteDataset")


def test_a_missing_bucket_stops_it(full: Lab):
    context = rebuild_context_of(full)
    objects = S3(context.objects._inner._client)

    with pytest.raises(NotFound, match="NoSuchBucket"):
        begin(full, dataclasses.replace(context, objects=objects))

    assert [] == full.emulator.calls.of("DeleteDataset")


@pytest.mark.parametrize("operation", ["DeleteDataset", "CreateDataset"])
@pytest.mark.parametrize("fault", [Kind.CUT_BEFORE, Kind.CUT_AFTER, Kind.INTERNAL_ERROR, Kind.THROTTLE_500])
def test_a_lost_answer_is_no_failure(full: Lab, operation: str, fault: Kind):
    """Whether the call arrived or not is seen, and never guessed: one dataset is deleted, and one made."""
    context, asked = rebuild_context_of(full), order(full)
    full.emulator.settings = Settings(delete_seconds=30, create_seconds=30)
    full.emulator.faults.add(Fault(kind=fault, operations=frozenset({operation}), times=1))

    done = rebuild(full.desired(), context, asked)

    assert Verdict.CONVERGED is done.result.verdict
    assert TAGS == tags(full)
    assert {ref(name) for name in KEEPS} == set(lines(full))


def test_a_project_that_still_lists_the_deleted_dataset_is_waited_for(full: Lab):
    """A rebuild waits while DescribeProjects still lists the deleted dataset under its old ARN."""
    old, context = full.arn, rebuild_context_of(full)
    locate = context.gateway.locate
    lagging = [Located(full.arn.partition("/dataset/")[0], old)] * 3

    class Lagging(_Watched):
        def locate(self, *args: Any) -> Located:
            deleted = full.emulator.calls.of("DeleteDataset")
            return (
                lagging.pop()._replace(project_arn=locate(*args).project_arn)
                if deleted and lagging
                else locate(*args)
            )

    gateway = Lagging(context.gateway, Doom())
    asked = order(full)

    done = rebuild(
        full.desired(),
        dataclasses.replace(
            context,
            gateway=gateway,
            dataset=dataclasses.replace(context.dataset, gateway=gateway),
        ),
        asked,
    )

    assert Verdict.CONVERGED is done.result.verdict
    assert [] == lagging


def failing_create(lab: Lab, times: int = 1) -> None:
    lab.emulator.faults.add(
        Fault(kind=Kind.FAIL_CLIENT, operations=frozenset({"CreateDataset"}), times=times)
    )


def test_a_creation_that_fails_says_both_ways_on(full: Lab):
    """A failed creation names the step, where the old entries are kept, and how to resume or undo."""
    failing_create(full)

    done = begin(full)

    assert done.rebuild is not None
    assert (3, full.arn) == (done.result.exit_code, done.rebuild.new_arn)
    assert full.arn == done.result.arn != done.rebuild.old_arn
    (reason, way) = done.result.errors
    assert "could not be created (CLIENT_ERROR" in reason.message
    assert UNFINISHED == way.code
    assert way.message.startswith("the rebuild stands at 'filling': ")
    assert all(
        word in way.message
        for word in ("--resume", "--undo", f"s3://{BUCKET}/rebuilds/train/", "before.manifest")
    )


def test_a_rebuild_names_every_step_and_itself_by_time_and_plan(full: Lab):
    """Its id is part of the keys in S3, which are then ordered by time."""
    steps: list[tuple[object, ...]] = []

    class Steps(Silence):
        def step(self, *step: object) -> None:
            steps.append(step)

    context = rebuild_context_of(full)
    context = dataclasses.replace(context, dataset=dataclasses.replace(context.dataset, progress=Steps()))
    asked, now = order(full), full.clock.now()

    done = rebuild(full.desired(), context, asked)

    names = ("keeping", "kept", "deleting", "deleted", "creating", "filling")
    assert [("train", name, 0, None) for name in names] == [step for step in steps if step[1] in names]
    assert done.rebuild is not None
    time = f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
    assert (f"{time}-{asked.plan[:12]}", now) == (done.rebuild.id, done.rebuild.begun_at)
    (saved,) = full.context.memory.archive.of("train")
    assert (14, asked.plan, done.rebuild.old_arn) == (saved.head.entries, saved.head.plan, saved.head.arn)


def test_what_was_confirmed_at_the_beginning_need_not_be_confirmed_again(full: Lab):
    """A rebuild that was killed while it kept the entries begins anew, as it was ordered."""
    denied = Fault(kind=Kind.ACCESS_DENIED, operations=frozenset({"DescribeProjectVersions"}), times=0)
    full.emulator.faults.add(denied)
    doom = Doom()
    kill_at(doom, full, RebuildStep.KEEPING)
    with pytest.raises(Killed):
        begin(full, rebuild_context_of(full, doom), confirmed=True)

    assert Verdict.CONVERGED is resume(full.desired(), rebuild_context_of(full)).result.verdict


def test_what_differs_in_the_new_dataset_is_named_and_stays_unfinished(full: Lab):
    """An entry with other content, and one that is not desired; all others leave the quarantine."""
    now = full.clock.now()
    held = [
        Quarantined(ref(name), b"digest", QuarantineReason.ISOLATED, "why", 1, now, now + 9e9)
        for name in "bc"
    ]
    full.context.memory.quarantine.put("train", held, [])

    class Meddled(_Watched):
        def create_dataset_from(self, *args: Any) -> str:
            arn: str = self._inner.create_dataset_from(*args)
            full.emulator.console.add_image(arn, ref("new"))
            full.emulator.console.put(arn, classified("b", "oak").decode())
            return arn

    context = rebuild_context_of(full)
    gateway = Meddled(context.gateway, Doom())

    done = begin(full, dataclasses.replace(context, gateway=gateway))

    assert (Verdict.PARTIAL, 7, True, 1) == (
        done.result.verdict,
        done.result.exit_code,
        done.result.verified,
        done.removed,
    )
    assert {
        ref("b"): "in the manifest, and observed with other content",
        ref("new"): "not in the manifest, and observed all the same",
    } == {one.source_ref: one.reason for one in done.result.quarantined}
    assert [UNFINISHED] == [error.code for error in done.result.errors]
    assert {ref("b")} == full.context.memory.quarantine.of("train").keys()
    assert None is not full.context.memory.rebuilds.of("train")


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        (None, "is gone: another client deleted it"),
        (Description(Phase.CREATE_FAILED), "(no code: no reason given)"),
        (Description(Phase.CREATE_FAILED, code="CLIENT_ERROR", message="why"), "(CLIENT_ERROR: why)"),
    ],
)
def test_what_keeps_the_new_dataset_from_being_complete_is_said(
    full: Lab, description: Description | None, reason: str
):
    class Ending(_Watched):
        def describe(self, arn: str) -> Description:
            if not full.emulator.calls.of("CreateDataset"):
                found: Description = self._inner.describe(arn)
                return found
            if description is None:
                raise NotFound("no such dataset")
            return description

    context = rebuild_context_of(full)

    done = begin(full, dataclasses.replace(context, gateway=Ending(context.gateway, Doom())))

    assert reason in done.result.errors[0].message
    assert (3, False) == (done.result.exit_code, done.result.verified)


def test_a_failed_creation_can_be_tried_again(full: Lab):
    failing_create(full)
    begin(full)

    done = resume(full.desired(), rebuild_context_of(full))

    assert Verdict.CONVERGED is done.result.verdict
    assert {ref(name) for name in KEEPS} == set(lines(full))


def test_a_failed_creation_can_be_undone(full: Lab):
    """Undo after a failed creation restores exactly the old entries and tags."""
    old = lines(full)
    failing_create(full)
    begin(full)

    done = undo("train", rebuild_context_of(full))

    assert (Verdict.OBSERVED, 0, True) == (done.result.verdict, done.removed, done.result.verified)
    assert (old, TAGS) == (lines(full), tags(full))


def test_a_dataset_that_is_missing_on_purpose_is_left_alone(full: Lab):
    """While a rebuild is open, an apply and a second rebuild are refused."""
    doom = Doom()
    context = rebuild_context_of(full, doom)
    kill_at(doom, full, RebuildStep.DELETED)
    with pytest.raises(Killed):
        begin(full, context)

    result = full.apply()

    assert (6, [RebuildUnfinished.code]) == (result.exit_code, [error.code for error in result.errors])
    with pytest.raises(UsageError, match="--resume"):
        rebuild(full.desired(), rebuild_context_of(full), Order("", BUCKET, ""))


def test_without_a_dataset_there_is_nothing_to_rebuild(lab: Lab):
    """The command line is wrong, and nothing is created: apply does that."""
    lab.write(*named("ab"), orphans="rebuild")

    with pytest.raises(UsageError, match="apply makes it"):
        begin(lab)

    assert [] == lab.emulator.calls.writes()


@pytest.mark.parametrize("act", [resume, lambda desired, context: undo(desired.name, context)])
def test_without_a_rebuild_there_is_nothing_to_go_on_with(full: Lab, act: Callable[..., Rebuilt]):
    with pytest.raises(UsageError, match="no rebuild of 'train' was begun"):
        act(full.desired(), rebuild_context_of(full))


def test_quarantined_entries_forbid_it(full: Lab):
    """A rebuild would apply them with all others; the first of them is named."""
    full.emulator.faults.add(Fault(kind=Kind.POISON, source_refs=frozenset({ref("b"), ref("c")})))
    full.write(*named("abc", "tulip"), *named(KEEPS[3:]), orphans="rebuild")
    full.apply()

    (error,) = begin(full).result.errors

    assert ("LEFT", True) == (error.code, error.message.startswith("2 entries are quarantined"))
    assert error.message.endswith(ref("b"))


def test_a_manifest_that_aws_would_refuse_is_not_begun(full: Lab, monkeypatch: pytest.MonkeyPatch):
    """Its size is that of the lines and of their ends, and is known before anything is deleted."""
    size = sum(len(line) + 1 for line in (classified("a", "tulip"), *named(KEEPS[1:])))
    monkeypatch.setattr(begin_module, "MAX_BYTES", size - 1)

    (error,) = begin(full).result.errors

    assert ("MANIFEST_TOO_LARGE", True) == (error.code, f"{size:,} bytes" in error.message)
    monkeypatch.setattr(begin_module, "MAX_BYTES", size)
    assert Verdict.CONVERGED is begin(full).result.verdict


def test_a_listed_line_that_is_no_json_forbids_it(full: Lab):
    """No copy could restore it: nothing is deleted, and the rebuild is over."""

    class Damaged(Short):
        def pages(self, arn: str, contains: str | None = None) -> Any:
            for page in self._gateway.pages(arn, contains):
                yield [line[:-1] if ref("y") in line else line for line in page]

    context = rebuild_context_of(full)
    damaged = dataclasses.replace(context.dataset, gateway=Damaged(context.dataset.gateway))
    full.context = dataclasses.replace(full.context, gateway=damaged.gateway, full=True)

    with pytest.raises(UnknownAnswer, match=f"{ref('y')}: AWS holds a line that is not valid JSON"):
        begin(full, dataclasses.replace(context, dataset=damaged))

    assert None is full.context.memory.rebuilds.of("train")
    assert [] == full.emulator.calls.of("DeleteDataset")


def test_ignored_fields_keep_what_aws_holds(full: Lab):
    """The new dataset has the dates of the old one, the label of git, and the new image."""
    spec = full.specs / "train.yaml"
    full.write(classified("a", "tulip"), *named(KEEPS[1:] + "m"), orphans="rebuild")
    spec.write_text(spec.read_text() + '  ignore: [{paths: ["/*-metadata/creation-date"]}]\n')
    dated = orjson.loads(classified("b", "rose"))
    dated["rose-metadata"]["creation-date"] = "2030-01-01T00:00:00"
    full.emulator.console.put(full.arn, dated)

    result = begin(full).result

    assert (Verdict.CONVERGED, 1, 1) == (result.verdict, result.added, result.updated)
    found = {name: orjson.loads(line) for name, line in lines(full).items()}
    assert "2030-01-01T00:00:00" == found[ref("b")]["rose-metadata"]["creation-date"]
    assert 1 == found[ref("a")]["tulip"]
    assert ref("m") in found


def test_lines_that_the_new_dataset_holds_with_errors_are_named(full: Lab):
    """With the codes of AWS: exit 7, though every entry is there."""
    error = Switches(bare_line="error")
    full.emulator.settings = dataclasses.replace(full.emulator.settings, switches=error)
    full.write(*named(KEEPS), b'{"source-ref":"s3://b/m.jpg"}', orphans="rebuild")

    result = begin(full).result

    assert (Verdict.PARTIAL, 7) == (result.verdict, result.exit_code)
    assert [(ref("m"), ("ERROR_NO_LABEL_ATTRIBUTES",))] == [(e.source_ref, e.codes) for e in result.rejected]


def test_an_undo_that_does_not_bring_everything_back_says_so(full: Lab):
    """The entries are counted, the rebuild stays open, and the next undo is a new try."""
    old = lines(full)
    failing_create(full)
    begin(full)
    full.emulator.settings = dataclasses.replace(
        full.emulator.settings, switches=Switches(invalid_base="off")
    )
    number = full.emulator.faults.add(Fault(kind=Kind.DROP, source_refs=frozenset({ref("c")}), times=0))

    done = undo("train", rebuild_context_of(full))

    assert (Verdict.PARTIAL, 7) == (done.result.verdict, done.result.exit_code)
    assert ["REBUILD", UNFINISHED] == [error.code for error in done.result.errors]
    assert "holds 13 entries, and not just what the 14 before were" in done.result.errors[0].message
    assert "--resume" not in done.result.errors[1].message
    with pytest.raises(UsageError, match="being undone"):
        resume(full.desired(), rebuild_context_of(full))
    full.emulator.faults.clear(number)
    full.context.gateway._client.delete_dataset(DatasetArn=full.arn)
    full.clock.sleep(60)
    assert Verdict.OBSERVED is undo("train", rebuild_context_of(full)).result.verdict
    assert old == lines(full)
    assert None is full.context.memory.rebuilds.of("train")


def kill_at(doom: Doom, lab: Lab, step: RebuildStep) -> None:
    """Kill the process after this step has been noted and before it is carried out."""
    put = lab.context.memory.rebuilds.put

    def noted(record: Any) -> None:
        put(record)
        if record.step is step:
            lab.context.memory.rebuilds.put = put
            doom.instant = doom.passed

    lab.context.memory.rebuilds.put = noted


def test_what_somebody_else_made_meanwhile_is_not_touched(full: Lab):
    """Neither resume nor undo deletes a dataset that this rebuild has not created."""
    doom = Doom()
    kill_at(doom, full, RebuildStep.CREATING)
    with pytest.raises(Killed):
        begin(full, rebuild_context_of(full, doom))
    record = full.context.memory.rebuilds.of("train")
    client = full.context.gateway._client
    arn = client.create_dataset(ProjectArn=record.project_arn, DatasetType="TRAIN")["DatasetArn"]
    full.emulator.console.put(arn, orjson.loads(classified("theirs", "x")))

    finished, undone = (
        resume(full.desired(), rebuild_context_of(full)),
        undo("train", rebuild_context_of(full)),
    )

    assert ["another client created"] * 2 == [
        done.result.errors[0].message[:22] for done in (finished, undone)
    ]
    assert {ref("theirs")} == set(lines(full))


def test_lines_that_the_service_drops_are_named_and_can_be_undone(full: Lab):
    """Lines that the service drops are named, the rebuild stays open, and it can be undone."""
    old = lines(full)
    full.emulator.settings = dataclasses.replace(
        full.emulator.settings, switches=Switches(invalid_base="off")
    )
    full.emulator.faults.add(Fault(kind=Kind.DROP, source_refs=frozenset({ref("c")}), times=1))

    done = begin(full)

    assert (Verdict.PARTIAL, 7) == (done.result.verdict, done.result.exit_code)
    assert [ref("c")] == [entry_problem.source_ref for entry_problem in done.result.dropped]
    undo("train", rebuild_context_of(full))
    assert old == lines(full)


@pytest.mark.parametrize("rewriting", list(Rewriting))
def test_the_service_may_rewrite_lines_in_form(full: Lab, rewriting: Rewriting):
    """Lines that the service rewrites in form alone count as equal."""
    full.emulator.settings = dataclasses.replace(
        full.emulator.settings, switches=Switches(rewriting=rewriting)
    )

    assert Verdict.CONVERGED is begin(full).result.verdict


SLOW = Settings(delete_seconds=30, create_seconds=40)
FREE = Settings(delete_seconds=30, create_seconds=40, switches=Switches(slot_free_while_deleting=True))


@pytest.fixture(params=[SLOW, FREE], ids=["slot taken while deleting", "slot free while deleting"])
def settings(request: pytest.FixtureRequest) -> Settings:
    return request.param


def killed_at(
    tmp_path_factory: Any, settings: Settings, then: Callable[[Lab, dict[str, bytes]], None]
) -> int:
    """Kill a rebuild at every instant, each in its own lab, and pass each lab to *then*."""
    instant = 0
    while True:
        with make_lab(tmp_path_factory.mktemp("lab")) as lab:
            fill(lab)
            lab.emulator.settings = settings
            old, doom = lines(lab), Doom(instant)
            asked, context = order(lab), rebuild_context_of(lab, doom)
            try:
                rebuild(lab.desired(), context, asked)
            except Killed:
                then(lab, old)
            else:
                return instant
        instant += 1


@pytest.mark.parametrize("step", list(RebuildStep))
def test_killed_at_any_step_it_can_be_finished_or_undone(full: Lab, step: RebuildStep):
    """Killed at any step, a rebuild can be undone to the old entries and then run to its end."""
    old = lines(full)
    ways = (
        lambda: undo("train", rebuild_context_of(full)),
        lambda: resume(full.desired(), rebuild_context_of(full)),
    )
    outcomes = (set(old), {ref(name) for name in KEEPS})
    verdicts = (Verdict.OBSERVED, Verdict.CONVERGED)
    for go_on, expected, verdict in zip(ways, outcomes, verdicts, strict=True):
        doom = Doom()
        context = rebuild_context_of(full, doom)
        kill_at(doom, full, step)
        with pytest.raises(Killed):
            begin(full, context)

        assert verdict is go_on().result.verdict
        assert None is full.context.memory.rebuilds.of("train")
        assert (expected, TAGS) == (set(lines(full)), tags(full))
    assert () == full.plan().changes


def gateway_of(full: Lab, **acts: Callable[..., Any]) -> RebuildContext:
    """Return a context in whose gateway some calls are replaced; each is given what it replaces."""

    class Replaced(_Watched):
        def __getattr__(self, name: str) -> Any:
            found = getattr(self._inner, name)
            return partial(acts[name], found) if name in acts else found

    context = rebuild_context_of(full)
    return dataclasses.replace(context, gateway=Replaced(context.gateway, Doom()))


@pytest.mark.parametrize("call", ["delete_dataset", "create_dataset_from"])
@pytest.mark.parametrize("undone", [True, False], ids=["undone", "finished"])
def test_killed_while_the_service_is_at_work_it_can_be_finished_or_undone(full: Lab, call: str, undone: bool):
    """The answer is not known, and the dataset still being deleted, or created: both are awaited."""
    full.emulator.settings = SLOW
    old = lines(full)

    def dying(act: Callable[..., Any], *args: Any) -> None:
        act(*args)
        raise Killed

    with pytest.raises(Killed):
        begin(full, gateway_of(full, **{call: dying}))
    context = rebuild_context_of(full)
    done = undo("train", context) if undone else resume(full.desired(), context)

    assert (Verdict.OBSERVED if undone else Verdict.CONVERGED, TAGS) == (done.result.verdict, tags(full))
    assert (set(old) if undone else {ref(name) for name in KEEPS}) == set(lines(full))
    assert None is full.context.memory.rebuilds.of("train")


def test_a_name_that_is_still_taken_is_waited_for(full: Lab):
    """DescribeProjects lists the deleted dataset no more, and CreateDataset refuses the new one all the same."""
    refusals = [AlreadyExists("there is one"), AlreadyExists("there is one")]

    def taken(act: Callable[..., str], *args: Any) -> str:
        if refusals:
            raise refusals.pop()
        return act(*args)

    assert Verdict.CONVERGED is begin(full, gateway_of(full, create_dataset_from=taken)).result.verdict
    assert [] == refusals


@pytest.mark.slow
@pytest.mark.fault(
    "rebuild",
    "SIGKILL before or after any of its changes",
    "`--resume` ends with exactly the desired entries",
)
def test_killed_at_any_instant_it_can_be_finished(tmp_path_factory, settings: Settings):
    """`rebuild --resume` ends in exactly the desired entries, with the old tags, and leaves nothing begun."""

    def finish(lab: Lab, _: dict[str, bytes]) -> None:
        if lab.context.memory.rebuilds.of("train") is None:
            if set(lines(lab)) != {ref(name) for name in KEEPS}:
                begin(lab)  # it had not begun
        else:
            assert Verdict.CONVERGED is resume(lab.desired(), rebuild_context_of(lab)).result.verdict
        assert {ref(name) for name in KEEPS} == set(lines(lab))
        assert TAGS == tags(lab)
        assert None is lab.context.memory.rebuilds.of("train")
        assert () == lab.plan().changes

    assert killed_at(tmp_path_factory, settings, finish) > 20


@pytest.mark.slow
@pytest.mark.fault(
    "rebuild",
    "SIGKILL before or after any of its changes, and the rebuild is to be undone",
    "`--undo` restores exactly the old entries",
)
def test_killed_at_any_instant_it_can_be_undone(tmp_path_factory, settings: Settings):
    """`rebuild --undo` ends in exactly the old entries, line by line, with the old tags."""

    def back(lab: Lab, old: dict[str, bytes]) -> None:
        if lab.context.memory.rebuilds.of("train") is not None:
            assert Verdict.OBSERVED is undo("train", rebuild_context_of(lab)).result.verdict
        elif set(lines(lab)) == {ref(name) for name in KEEPS}:
            return  # it was over
        assert old == lines(lab)
        assert TAGS == tags(lab)
        assert None is lab.context.memory.rebuilds.of("train")

    assert killed_at(tmp_path_factory, settings, back) > 20


@pytest.mark.slow
def test_undoing_can_be_killed_at_any_instant_too(tmp_path_factory):
    """An undo that is killed at any instant is finished by a second undo."""
    instant = 0
    while True:
        with make_lab(tmp_path_factory.mktemp("lab")) as lab:
            fill(lab)
            lab.emulator.settings = SLOW
            old = lines(lab)
            failing_create(lab)
            begin(lab)
            try:
                undo("train", rebuild_context_of(lab, Doom(instant)))
            except Killed:
                if lab.context.memory.rebuilds.of("train") is not None:
                    undo("train", rebuild_context_of(lab))
            else:
                break
            assert (old, TAGS) == (lines(lab), tags(lab))
        instant += 1
    assert instant > 10
