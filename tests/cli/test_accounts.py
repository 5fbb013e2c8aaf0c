"""Each dataset in its own account and Region, under its own role."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import botocore.credentials
import pytest

from reconciler import errors
from reconciler.cli.wiring import Wiring
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from reconciler.emulator.behaviour.settings import Settings
from reconciler.emulator.server import Emulator
from reconciler.ports import Gateway, Silence
from reconciler.state import State
from tests.account import serve

OURS = "111122223333"
BOTANY = "arn:aws:iam::444455556666:role/team/botany"
ZOOLOGY = "arn:aws:iam::777788889999:role/zoology"
pytestmark = pytest.mark.usefixtures("quick_sessions")
ROLES = MappingProxyType({BOTANY: "xyz123", ZOOLOGY: None})


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Yield an emulator in real time that the SDK of this process finds, with test credentials."""
    made = Emulator(settings=Settings(roles=ROLES))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with serve(made) as running:
        found = {
            "AWS_ENDPOINT_URL": running.url,
            "AWS_ACCESS_KEY_ID": OURS,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        yield made
    made.close()


@pytest.fixture
def wiring(emulator: Emulator, tmp_path: Path) -> Iterator[Wiring]:
    with closing(State(tmp_path)) as state:
        yield Wiring(state, Silence())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Make the SDK see a time so many minutes after the start of the test."""
    started = datetime.now(UTC)

    def jump(minutes: float) -> None:
        now = started + timedelta(minutes=minutes)
        monkeypatch.setattr(botocore.credentials, "_local_now", lambda: now)
        left = lambda self: (self._expiry_time - now).total_seconds()  # noqa: E731
        monkeypatch.setattr(botocore.credentials.RefreshableCredentials, "_seconds_remaining", left)

    return jump


def target(**fields: object) -> Target:
    return Target.model_validate({"project": "flowers", "type": DatasetType.TRAIN, **fields})


def looked(gateway: Gateway) -> None:
    gateway.locate("flowers", DatasetType.TRAIN)


def test_each_dataset_is_observed_in_its_own_account_and_region(wiring: Wiring, emulator: Emulator) -> None:
    """A spec needs only its Region; the external id of the role is passed on."""
    looked(wiring.context_of(target(region="eu-west-1", roleArn=BOTANY, externalId="xyz123")).gateway)
    looked(wiring.context_of(target(region="us-west-2", roleArn=ZOOLOGY)).gateway)
    looked(wiring.context_of(target(region="us-east-2")).gateway)

    assert [
        ("AssumeRole", OURS, "eu-west-1"),
        ("DescribeProjects", "444455556666", "eu-west-1"),
        ("AssumeRole", OURS, "us-west-2"),
        ("DescribeProjects", "777788889999", "us-west-2"),
        ("DescribeProjects", OURS, "us-east-2"),
    ] == [(call.operation, call.account, call.region) for call in emulator.calls]


def test_the_region_of_an_arn_is_that_of_its_calls(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor --region moves a dataset that is given by its ARN."""
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    wiring.region = "us-east-2"
    arn = "arn:aws:rekognition:eu-west-1:111122223333:project/flowers/dataset/train/1690476084535"

    context = wiring.context_of(Target.model_validate({"datasetArn": arn}))

    assert "eu-west-1" == context.gateway.region


def test_a_program_that_gives_credentials_is_started_once(
    wiring: Wiring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may ask a person for a code: looking for credentials, and using them, is one start."""
    program = tmp_path / "program"
    program.write_text(
        f"#!/bin/sh\necho started >>{tmp_path}/starts\n"
        f'echo \'{{"Version": 1, "AccessKeyId": "{OURS}", "SecretAccessKey": "secret"}}\'\n'
    )
    program.chmod(0o700)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    target = Target(project="bees", type=DatasetType.TRAIN, region="us-east-1")

    assert wiring.has_credentials(target)
    wiring.context_of(target).gateway.locate("bees", DatasetType.TRAIN)

    assert ["started"] == (tmp_path / "starts").read_text().splitlines()


@pytest.mark.parametrize("given", [{}, {"externalId": "another"}], ids=["none", "wrong"])
def test_a_role_that_refuses_is_denied_by_name(wiring: Wiring, given: dict[str, str]) -> None:
    """A refused role is reported as DENIED; the message names the call that was refused."""
    gateway = wiring.context_of(target(region="eu-west-1", roleArn=BOTANY, **given)).gateway

    with pytest.raises(errors.Denied, match=r"^AssumeRole: AccessDenied: .*sts:AssumeRole"):
        looked(gateway)


def test_a_role_cannot_be_assumed_without_credentials(
    wiring: Wiring, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    with pytest.raises(errors.Denied, match="Unable to locate credentials"):
        wiring.context_of(target(region="eu-west-1", roleArn=BOTANY))
    assert 0 == len(emulator.calls)


def test_a_role_is_assumed_again_before_it_expires(
    wiring: Wiring, emulator: Emulator, later: Callable[[float], None]
) -> None:
    """A role is assumed again at the latest ten minutes before its session of an hour expires."""
    gateway = wiring.context_of(target(region="us-west-2", roleArn=ZOOLOGY)).gateway
    for minutes in (0, 1, 44):
        later(minutes)
        looked(gateway)
    once = len(emulator.calls.of("AssumeRole"))
    later(51)
    looked(gateway)

    assert (1, 2) == (once, len(emulator.calls.of("AssumeRole")))
    assert not any(call.error for call in emulator.calls)


def test_a_role_that_fails_to_be_renewed_is_used_to_its_end(
    wiring: Wiring, emulator: Emulator, later: Callable[[float], None]
) -> None:
    """If a role cannot be renewed its session is used for a while; once it has expired, calls are denied."""
    gateway = wiring.context_of(target(region="us-west-2", roleArn=ZOOLOGY)).gateway
    looked(gateway)
    emulator.settings = replace(emulator.settings, roles={BOTANY: None})
    later(46)
    looked(gateway)
    later(61)
    with pytest.raises(errors.Denied, match="AssumeRole"):
        looked(gateway)
