"""``reconciler doctor`` as a user runs it: it writes nothing, and passes only checks that it could make."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import structlog

from reconciler.cli.main import main
from reconciler.core.preflight import Check
from reconciler.core.spec.choices import DatasetType
from reconciler.emulator.api.lifecycle import set_status
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.emulator.behaviour.settings import Settings
from reconciler.emulator.server import Emulator
from reconciler.errors import Denied, Interrupted, SpecError, StateError, Throttled
from reconciler.ports import ContentDigest, Located, Rebuild, RebuildStep
from reconciler.state import State
from reconciler.state.database import FILE_NAME
from tests.account import serve
from tests.builders import classified

OURS = "111122223333"
THEIRS = "999988887777"
ROLE = "arn:aws:iam::444455556666:role/labels"
LINES = b"".join(
    classified(name, label) + b"\n" for name, label in zip("abcd", ("rose", "tulip") * 2, strict=True)
)

Checks = dict[str, dict[str, Any]]

pytestmark = pytest.mark.usefixtures("quick_sessions")


class Office:
    """A directory with specs, an emulated account, and the command."""

    def __init__(self, root: Path, emulator: Emulator, read: Callable[[], str]) -> None:
        self.root = root
        self.emulator = emulator
        self._read = read
        self.arns: dict[str, str] = {}

    def spec(
        self, name: str = "train", target: str = "project: flowers, type: TRAIN", more: str = ""
    ) -> None:
        (self.root / "specs").mkdir(exist_ok=True)
        (self.root / "specs" / "all.jsonl").write_bytes(LINES)
        (self.root / "specs" / f"{name}.yaml").write_text(
            f"apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {{name: {name}}}\n"
            f"spec:\n  target: {{{target}}}\n  entries: [{{file: all.jsonl}}]\n{more}"
        )

    def make(self, project: str = "flowers", kind: str = "TRAIN", **credentials: str) -> str:
        client = boto3.client("rekognition", region_name="us-east-1", **credentials)
        arn = client.create_project(ProjectName=project)["ProjectArn"]
        made: str = client.create_dataset(ProjectArn=arn, DatasetType=kind)["DatasetArn"]
        self.emulator.calls.clear()
        return made

    def stands(self, status: str, message: str = "so it is") -> None:
        """Put all datasets into this state."""
        with self.emulator.lock:
            db = self.emulator._context.store.db
            for (number,) in db.execute("SELECT id FROM datasets").fetchall():
                set_status(db, number, status, message, "SUCCESS")

    def doctor(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Return doctor/v1, after asserting the exit code and that nothing was written."""
        assert code == main(["doctor", *words, "-o", "json"])
        found: dict[str, Any] = json.loads(self._read())
        assert [] == self.emulator.calls.writes()
        return found

    def checks(self, *words: str, code: int = 0) -> Checks:
        """Return the checks of the only dataset, by name."""
        (dataset,) = self.doctor(*words, code=code)["datasets"]
        return by_name(dataset["checks"])

    def text(self, *words: str) -> str:
        main(["doctor", *words])
        return self._read()


def by_name(checks: list[dict[str, Any]]) -> Checks:
    assert len(checks) == len({each["check"] for each in checks}), "a check is told twice"
    return {each["check"]: each for each in checks}


def marks(checks: Checks) -> dict[str, str]:
    return {name: each["mark"] for name, each in checks.items()}


@pytest.fixture
def office(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Office]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    given = {
        "ACCESS_KEY_ID": OURS,
        "SECRET_ACCESS_KEY": "secret",
        "REGION": "us-east-1",
        "CONFIG_FILE": os.devnull,
        "SHARED_CREDENTIALS_FILE": os.devnull,
        "EC2_METADATA_DISABLED": "true",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    settings = Settings(roles={ROLE: "xyz123"})
    with closing(Emulator(settings=settings)) as emulator, serve(emulator) as running:
        for service in ("REKOGNITION", "STS"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", running.url)
        found = Office(place, emulator, lambda: capsys.readouterr().out)
        found.spec()
        yield found


def test_all_is_well(office: Office) -> None:
    """Each check is one line and at most one call; rights to write are not claimed."""
    arn = office.make()
    office.spec(more="  policy: {mode: upsert}\n")

    document = office.doctor()

    (dataset,) = document["datasets"]
    assert ("train", arn, "ready") == (dataset["name"], dataset["arn"], dataset["verdict"])
    assert (OURS, "us-east-1") == (dataset["account"], dataset["region"])
    assert {
        "specs": "ok", "region": "ok", "credentials": "ok", "account": "ok", "project": "ok", "status": "ok",
        "listing": "ok", "writing": "not_checked",
    } == marks(by_name(dataset["checks"]))  # fmt: skip
    assert {"state": "ok", "clock": "ok"} == marks(by_name(document["checks"]))
    assert [
        "GetCallerIdentity", "DescribeProjects", "DescribeDataset", "ListDatasetEntries",
    ] == office.emulator.calls.names()  # fmt: skip
    assert "`reconciler iam write specs --dataset train`" in by_name(dataset["checks"])["writing"]["remedy"]


def test_people_get_a_line_a_check(office: Office) -> None:
    """The text output has a line for each check: mark, name, reason, code and remedy."""
    text = office.text()

    assert (
        "  ✗ project      there is no project 'flowers'; to make it, set spec.target.create: true (RKD5015)\n"
        in text
    )
    assert "0 of 1 dataset ready; 1 check failed.\n" in text


def test_there_is_nothing_of_it_yet(office: Office) -> None:
    """A missing dataset passes if apply may create it, and is a warning or a failure if not."""
    office.spec(target="project: flowers, type: TRAIN, create: true", more="  policy: {mode: upsert}\n")
    assert "there is no project 'flowers' yet; apply makes it" == office.checks()["project"]["message"]

    office.make(kind="TEST")
    found = office.checks()["project"]
    assert ("ok", "there is no TRAIN dataset of 'flowers' yet; apply makes it") == (
        found["mark"],
        found["message"],
    )

    office.spec(target="project: flowers, type: TRAIN, create: true")
    assert "warning" == office.checks()["project"]["mark"]

    office.spec()
    checks = office.checks(code=3)
    assert ("failed", "RKD5015") == (checks["project"]["mark"], checks["project"]["code"])
    assert "not_checked" == checks["status"]["mark"] == checks["listing"]["mark"]


@pytest.mark.parametrize(
    ("status", "mark", "listing", "code"),
    [
        ("CREATE_COMPLETE", "ok", "ok", 0),
        ("UPDATE_COMPLETE", "ok", "ok", 0),
        ("UPDATE_FAILED", "warning", "ok", 0),
        ("UPDATE_IN_PROGRESS", "failed", "not_checked", 3),
        ("CREATE_IN_PROGRESS", "failed", "not_checked", 3),
        ("CREATE_FAILED", "failed", "not_checked", 3),
        ("DELETE_IN_PROGRESS", "failed", "not_checked", 3),
        ("PAUSED", "failed", "ok", 3),
    ],
)
def test_the_state_of_the_dataset(office: Office, status: str, mark: str, listing: str, code: int) -> None:
    """The state of a dataset is named; an unknown state does not stop the check of the listing."""
    office.make()
    office.stands(status)

    checks = office.checks(code=code)

    assert (mark, listing) == (checks["status"]["mark"], checks["listing"]["mark"])
    assert status in checks["status"]["message"]
    assert ("failed" == mark) == bool(checks["status"]["code"])


def test_there_are_no_credentials(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing credentials are reported once, and checks that need them are skipped."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    checks = office.checks(code=8)

    assert ("failed", "RKD5019") == (checks["credentials"]["mark"], checks["credentials"]["code"])
    assert "Unable to locate credentials" in checks["credentials"]["message"]
    assert "not_checked" == checks["project"]["mark"] == checks["status"]["mark"]
    assert 0 == len(office.emulator.calls)


def test_the_credentials_have_expired(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    sts = boto3.client("sts", region_name="us-east-1")
    given = sts.assume_role(RoleArn=ROLE, RoleSessionName="me", ExternalId="xyz123")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
    with office.emulator.lock:
        office.emulator._context.store.db.execute("UPDATE sessions SET expires = 0")

    checks = office.checks(code=8)

    assert "GetCallerIdentity: ExpiredToken: " in checks["credentials"]["message"]
    assert "log in again" in checks["credentials"]["remedy"]


def test_there_is_no_region(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")

    checks = office.checks(code=3)

    assert "failed" == checks["region"]["mark"]
    assert "spec.target.region" in checks["region"]["message"]


def test_the_account_is_another_one(office: Office) -> None:
    """With the credentials of another account apply would be blocked, and Rekognition is not called."""
    office.make()
    office.spec(target=f"project: flowers, type: TRAIN, accountId: '{THEIRS}'")

    checks = office.checks(code=8)

    assert "failed" == checks["account"]["mark"]
    assert OURS in checks["account"]["message"]
    assert THEIRS in checks["account"]["message"]
    assert ["GetCallerIdentity"] == office.emulator.calls.names()


def test_a_dataset_of_another_account_is_not_ready(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset whose ARN is of another account than the spec says, which apply would block."""
    arn = office.make().replace(OURS, THEIRS)
    located = Located(arn.partition("/dataset/")[0] + "/1690476084535", arn)
    monkeypatch.setattr("reconciler.rekognition.gateway.Rekognition.locate", lambda *_: located)
    office.spec(target=f"project: flowers, type: TRAIN, accountId: '{OURS}'")

    (dataset,) = office.doctor(code=8)["datasets"]

    assert [("account", "failed")] == [
        (c["check"], c["mark"]) for c in dataset["checks"] if c["mark"] == "failed"
    ]
    assert any(THEIRS in c["message"] for c in dataset["checks"])
    assert "DescribeDataset" not in office.emulator.calls.names()


def test_the_account_of_an_arn_counts_as_well(office: Office) -> None:
    """The account in an ARN is checked as well; a dataset named by ARN is not searched for."""
    arn = office.make()
    office.spec(target=f"datasetArn: '{arn}'")
    checks = office.checks()
    assert "project" not in checks
    assert "as spec.target.datasetArn says" in checks["account"]["message"]

    office.spec(target=f"datasetArn: '{arn.replace(OURS, THEIRS)}'")
    assert "failed" == office.checks(code=8)["account"]["mark"]


def test_a_role_is_taken_on_and_its_account_is_what_counts(office: Office) -> None:
    target = f"project: flowers, type: TRAIN, roleArn: '{ROLE}', externalId: xyz123, create: true"
    office.spec(target=f"{target}, accountId: '444455556666'", more="  policy: {mode: upsert}\n")

    (dataset,) = office.doctor()["datasets"]

    checks = by_name(dataset["checks"])
    caller = "arn:aws:iam::111122223333:user/emulator, from the environment"
    assert caller == checks["credentials"]["message"]
    assert dataset["identity"] == checks["role"]["message"]
    assert "assumed-role/labels/" in dataset["identity"]
    assert "ok" == checks["account"]["mark"]


def test_a_role_is_refused(office: Office) -> None:
    """A refused role is named with its caller, and Rekognition is not called."""
    office.spec(target=f"project: flowers, type: TRAIN, roleArn: '{ROLE}', accountId: '444455556666'")

    checks = office.checks(code=8)

    assert "ok" == checks["credentials"]["mark"]
    assert ("failed", "RKD5019") == (checks["role"]["mark"], checks["role"]["code"])
    assert f"not authorized to perform: sts:AssumeRole on resource: {ROLE}" in checks["role"]["message"]
    assert "not_checked" == checks["account"]["mark"] == checks["project"]["mark"]


@pytest.mark.parametrize(
    ("operation", "check"),
    [("DescribeProjects", "project"), ("DescribeDataset", "status"), ("ListDatasetEntries", "listing")],
)
def test_a_permission_that_is_missing_is_named(office: Office, operation: str, check: str) -> None:
    """A missing permission is named with the policy that grants it, and hides no other one."""
    office.make()
    office.emulator.faults.add(Fault(kind=Kind.ACCESS_DENIED, operations=frozenset([operation]), times=0))

    checks = office.checks(code=8)

    assert {check} == {name for name, each in checks.items() if each["mark"] == "failed"}
    assert f"{operation}: AccessDeniedException" in checks[check]["message"]
    assert "`reconciler iam read specs --dataset train`" in checks[check]["remedy"]
    if check == "status":
        assert "ok" == checks["listing"]["mark"]


@pytest.fixture
def nowhere() -> str:
    """Return an address of this machine at which nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_no_answer_comes(office: Office, monkeypatch: pytest.MonkeyPatch, nowhere: str) -> None:
    """An endpoint that cannot be reached gives no verdict about the dataset."""
    for service in ("REKOGNITION", "STS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", nowhere)

    document = office.doctor(code=3)

    (dataset,) = document["datasets"]
    checks = by_name(dataset["checks"])
    assert "Could not connect" in checks["credentials"]["message"]
    assert "AWS_ENDPOINT_URL" in checks["project"]["remedy"]
    assert "unknown" == dataset["verdict"]
    assert "not_checked" == by_name(document["checks"])["clock"]["mark"]


def test_sts_alone_does_not_answer(office: Office, monkeypatch: pytest.MonkeyPatch, nowhere: str) -> None:
    """Without STS plan and apply work, unless an account is expected or a role is to be assumed."""
    office.make()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", nowhere)

    (dataset,) = office.doctor()["datasets"]
    assert ("ready", None) == (dataset["verdict"], dataset["account"])
    assert "warning" == by_name(dataset["checks"])["credentials"]["mark"]

    office.spec(target=f"project: flowers, type: TRAIN, accountId: '{OURS}'")
    checks = office.checks(code=3)
    assert ("failed", "ok") == (checks["account"]["mark"], checks["listing"]["mark"])

    office.spec(target=f"project: flowers, type: TRAIN, roleArn: '{ROLE}'")
    checks = office.checks(code=3)
    assert ("failed", "not_checked") == (checks["credentials"]["mark"], checks["role"]["mark"])


def test_one_dataset_stops_no_other(office: Office) -> None:
    """Broken, foreign, invalid and sound datasets have their own verdicts; the gravest sets the exit code."""
    office.make()
    office.spec("a-foreign", f"project: flowers, type: TRAIN, roleArn: '{ROLE}'")
    office.spec("b-broken", "project: flowers, typ: TEST")
    office.spec("c-invalid", "project: roses, type: TRAIN, create: true", "  policy: {mode: upsert}\n")
    (office.root / "specs" / "bad.jsonl").write_text("{}\n")
    invalid = office.root / "specs" / "c-invalid.yaml"
    invalid.write_text(invalid.read_text().replace("all.jsonl", "bad.jsonl"))

    document = office.doctor(code=8)

    found = {each["name"]: each for each in document["datasets"]}
    assert {"a-foreign": "denied", "b-broken": "invalid", "c-invalid": "invalid", "train": "ready"} == {
        name: each["verdict"] for name, each in found.items()
    }
    specs = by_name(found["c-invalid"]["checks"])["specs"]
    assert "specs/bad.jsonl:1" in specs["message"]
    assert "reconciler validate specs" in specs["remedy"]
    assert "ok" == by_name(found["c-invalid"]["checks"])["project"]["mark"]
    assert {"train"} == {each["name"] for each in office.doctor("--dataset", "train")["datasets"]}
    assert 5 == main(["doctor", "--dataset", "c-invalid"])


def test_those_who_share_credentials_are_asked_for_once(office: Office) -> None:
    office.spec("other", "project: flowers, type: TEST, create: true")
    office.make()

    office.doctor()

    assert 1 == len(office.emulator.calls.of("GetCallerIdentity"))


def test_there_are_no_specs(office: Office) -> None:
    """Without specs the local checks are still reported, and the document is complete."""
    document = office.doctor("nowhere", code=3)

    assert [] == document["datasets"]
    assert "nowhere: No such file or directory" == by_name(document["checks"])["specs"]["message"]


def test_a_state_directory_that_cannot_be_made(office: Office) -> None:
    """A state directory that cannot be created fails its check; with --local nothing can be observed."""
    office.make()
    (office.root / ".reconciler").symlink_to("gone/gone")

    document = office.doctor(code=64)
    assert "failed" == by_name(document["checks"])["state"]["mark"]
    assert "ready" == document["datasets"][0]["verdict"]

    document = office.doctor("--local", code=64)
    assert "unknown" == document["datasets"][0]["verdict"]


def test_a_damaged_state_is_left_as_it_is(office: Office) -> None:
    """A damaged state is left alone: the doctor reports that apply will put it aside."""
    office.make()
    file = office.root / ".reconciler" / FILE_NAME
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1_000)
    before = sorted(office.root.rglob("*"))

    structlog.reset_defaults()  # what is logged counts here
    with structlog.testing.capture_logs() as logged:
        found = by_name(office.doctor()["checks"])["state"]

    assert "warning" == found["mark"]
    assert "is damaged" in found["message"]
    assert ["state.damaged"] == [line["event"] for line in logged]
    assert b"no database" * 1_000 == file.read_bytes()
    assert before == sorted(office.root.rglob("*"))


def test_nothing_is_left_behind(office: Office) -> None:
    """The command leaves no file, no directory and no state."""
    office.make()
    before = sorted(office.root.rglob("*"))

    office.doctor()

    assert before == sorted(office.root.rglob("*"))


def test_local_needs_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded emulator assumes no role, and no check claims that it did."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    office.spec(target=f"project: flowers, type: TRAIN, roleArn: '{ROLE}', create: true")

    (dataset,) = office.doctor("--local")["datasets"]

    checks = by_name(dataset["checks"])
    assert "not_checked" == checks["role"]["mark"]
    assert ("444455556666", "us-east-1") == (dataset["account"], dataset["region"])


@pytest.mark.parametrize(
    ("off", "mark", "code"),
    [(0.0, "ok", 0), (-90.0, "warning", 0), (301.0, "failed", 8), (-4_000.0, "failed", 8)],
)
def test_a_clock_that_is_off_is_reported(
    office: Office, monkeypatch: pytest.MonkeyPatch, off: float, mark: str, code: int
) -> None:
    """A clock difference is taken from the dates of answers; from five minutes on AWS refuses signatures."""
    office.make()
    shifted = SimpleNamespace(**vars(time) | {"time": lambda: time.time() + off})
    monkeypatch.setattr("reconciler.cli.wiring.time", shifted)

    assert mark == by_name(office.doctor(code=code)["checks"])["clock"]["mark"]


def begin_rebuild(office: Office, step: RebuildStep) -> None:
    content = ContentDigest(0, "")
    with closing(State(office.root / ".reconciler")) as memory:
        rebuild = Rebuild(
            "id", "train", step, "plan", None, "arn", DatasetType.TRAIN, "arn", "{}", "bucket", "prefix",
            0.0, {}, content, content,
        )  # fmt: skip
        memory.rebuilds.put(rebuild)


def test_a_rebuild_that_was_begun_comes_first(office: Office) -> None:
    """An unfinished rebuild is reported first: the dataset is missing on purpose, and apply would refuse."""
    begin_rebuild(office, RebuildStep.DELETING)

    found = office.checks(code=3)["rebuild"]

    assert ("failed", "RKD5021") == (found["mark"], found["code"])
    assert "rebuild --resume" in found["remedy"]


@pytest.mark.parametrize("step", [RebuildStep.KEPT, RebuildStep.FILLING])
def test_a_rebuild_that_leaves_a_dataset_in_place_is_no_failure(office: Office, step: RebuildStep) -> None:
    """Before it deletes anything, and once the new dataset is there, apply refuses nothing."""
    office.make()
    begin_rebuild(office, step)

    assert "rebuild" not in office.checks()


def test_what_belongs_to_no_dataset_is_reported_of_the_specs(office: Office) -> None:
    """A mistake outside any dataset is reported for the specs, as by validate; each dataset passes."""
    office.make()
    (office.root / "specs" / "ack.yaml").write_text("apiVersion: reconciler/v1\nkind: Acknowledgement\n")

    document = office.doctor(code=5)

    assert "specs/ack.yaml:1:1" in by_name(document["checks"])["specs"]["message"]
    assert "ready" == document["datasets"][0]["verdict"]


UNREACHED = {"credentials", "project", "status", "listing"}


@pytest.mark.parametrize(
    ("target", "unreached"),
    [
        ("project: flowers, type: TRAIN", UNREACHED),
        (f"project: flowers, type: TRAIN, accountId: '{OURS}'", {*UNREACHED, "account"}),
        (f"project: flowers, type: TRAIN, roleArn: '{ROLE}'", {*UNREACHED, "role"}),
    ],
)
def test_what_a_failure_keeps_from_being_checked_is_named(
    office: Office, monkeypatch: pytest.MonkeyPatch, target: str, unreached: set[str]
) -> None:
    """Every check that the spec asks for and that did not take place, and no other."""
    monkeypatch.delenv("AWS_REGION")
    office.spec(target=target)

    found = marks(office.checks(code=3))

    assert unreached == {name for name, mark in found.items() if mark == "not_checked"}
    assert {"specs": "ok", "region": "failed"} == {
        name: mark for name, mark in found.items() if name not in unreached
    }


def test_a_dataset_that_apply_makes_has_no_checks_left_out(office: Office) -> None:
    """Bad lines do not make the state of a dataset unknown that does not exist yet."""
    office.spec(target="project: flowers, type: TRAIN, create: true", more="  policy: {mode: upsert}\n")
    (office.root / "specs" / "all.jsonl").write_bytes(LINES + b"{}\n[]\n")

    checks = office.checks(code=5)

    assert {"specs": "failed", "project": "ok", "writing": "not_checked"} == {
        name: mark for name, mark in marks(checks).items() if name not in {"region", "credentials", "account"}
    }
    assert not {"status", "listing"} & set(checks)
    assert "; and 2 more" in checks["specs"]["message"]


def test_checks_are_listed_in_the_order_of_their_causes(office: Office) -> None:
    """A reader finds the first failure above what follows from it, wherever it was noticed."""
    office.make()
    office.emulator.faults.add(
        Fault(kind=Kind.ACCESS_DENIED, operations=frozenset(["DescribeProjects"]), times=0)
    )

    names = list(office.checks(code=8))

    assert [name for name in Check if name in names] == names


def test_entries_and_those_with_errors_are_counted(office: Office) -> None:
    """Entries with errors are counted apart; the dataset can be listed all the same."""
    arn = office.make()
    wrong = classified("w", "rose").replace(b"image-classification", b"wrongtype")
    client = boto3.client("rekognition", region_name="us-east-1")
    client.update_dataset_entries(DatasetArn=arn, Changes={"GroundTruth": LINES + wrong})
    office.emulator.calls.clear()

    assert "UPDATE_COMPLETE; 5 entries, 1 with errors" == office.checks()["status"]["message"]


def test_an_update_that_failed_is_a_warning_with_its_reason(office: Office) -> None:
    office.make()
    office.stands("UPDATE_FAILED", "no such bucket")

    found = office.checks()["status"]

    assert ("warning", "UPDATE_FAILED: no such bucket") == (found["mark"], found["message"])


def test_sts_that_cannot_be_reached_is_named_with_a_way_on(
    office: Office, monkeypatch: pytest.MonkeyPatch, nowhere: str
) -> None:
    """It is no failure; the account of the credentials stays unknown."""
    office.make()
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", nowhere)

    found = office.checks()["credentials"]

    assert found["message"].startswith("not known whose they are: ")
    assert "see the network" in found["remedy"]


def test_stopping_the_doctor_is_no_result_of_a_check(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the command, as it ends every other."""

    def stopped(*_: object) -> None:
        raise Interrupted("asked to stop")

    office.make()
    monkeypatch.setattr("reconciler.rekognition.gateway.Rekognition.locate", stopped)

    assert 130 == main(["doctor"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyError("x"), 1),
        (Denied("no"), 8),
        (SpecError("odd"), 5),
        (Throttled("slow"), 3),
        (StateError("full"), 3),
    ],
)
def test_an_error_of_a_check_decides_the_exit_code(
    office: Office, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    """Faults of the program, invalid specs and refusals have their own; of all else the state is not known."""

    def failing(*_: object) -> None:
        raise error

    office.make()
    monkeypatch.setattr("reconciler.rekognition.gateway.Rekognition.describe", failing)

    assert ("failed", "ok") == (
        (checks := office.checks(code=code))["status"]["mark"],
        checks["listing"]["mark"],
    )
