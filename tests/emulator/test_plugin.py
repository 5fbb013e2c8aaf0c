"""The pytest plugin, from the side of a project that uses it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from reconciler.emulator.server import Emulator, serve

ROOT = Path(__file__).parents[2]


def test_clients_of_the_application_reach_the_emulator_whatever_the_user_has_set(
    request, monkeypatch, tmp_path
):
    """A default session with other credentials, a profile, an endpoint of the service, a proxy: none counts."""
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:9\n")
    for name, value in {
        "AWS_CONFIG_FILE": str(config),
        "AWS_PROFILE": "work",
        "AWS_ENDPOINT_URL_REKOGNITION": "http://127.0.0.1:9",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.session.Session(region_name="eu-west-1"))

    running = request.getfixturevalue("rekognition_env")
    project = boto3.client("rekognition").create_project(ProjectName="flowers")["ProjectArn"]
    boto3.client("s3").create_bucket(Bucket="images")
    program = "import boto3; print(boto3.client('rekognition').describe_projects()['ProjectDescriptions'])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60).stdout

    assert project in shown
    assert ["CreateProject", "CreateBucket", "DescribeProjects"] == running.emulator.calls.names()
    assert ":us-east-1:" in project


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_an_emulator_of_its_own(rekognition_client, number):
    """On the same port, and without what the test before has made."""
    rekognition_client.create_project(ProjectName="flowers")


class TestSettings:
    """A fixture overrides another wherever pytest allows it: in a class, a module, or any conftest."""

    @pytest.fixture
    def rekognition_settings(self) -> Any:
        from reconciler.emulator.behaviour.settings import Settings

        return Settings(create_seconds=30)

    def test_settings_are_overridden(self, rekognition_emulator, rekognition_client):
        project = rekognition_client.create_project(ProjectName="flowers")["ProjectArn"]
        arn = rekognition_client.create_dataset(ProjectArn=project, DatasetType="TRAIN")["DatasetArn"]

        def status() -> str:
            described: str = rekognition_client.describe_dataset(DatasetArn=arn)["DatasetDescription"][
                "Status"
            ]
            return described

        assert "CREATE_IN_PROGRESS" == status()
        rekognition_emulator.emulator.clock.advance(30)
        assert "CREATE_COMPLETE" == status()


def test_the_plugin_imports_nothing_before_it_is_used():
    """It is loaded with every run of pytest, also of projects that use it nowhere."""
    program = (
        "import sys, pytest; before = set(sys.modules); import reconciler.emulator.testing;"
        " print(*sorted(m for m in set(sys.modules) - before if not m.startswith('reconciler')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert ("", "") == (done.stdout.strip(), done.stderr)


def test_the_health_check_of_the_container_distinguishes_a_running_emulator_from_none():
    """The command that the documentation gives to docker."""
    text = (ROOT / "docs/emulator.md").read_text()
    (found,) = re.findall(r"--health-cmd ('.*') \\\n", text)
    (command,) = shlex.split(found)
    emulator = Emulator()
    with serve(emulator) as running:
        words = shlex.split(command.replace("127.0.0.1:4580", f"127.0.0.1:{running.port}"))
        assert 0 == subprocess.run([sys.executable, *words[1:]], timeout=60).returncode
    emulator.close()
    assert 0 != subprocess.run([sys.executable, *words[1:]], timeout=60, capture_output=True).returncode


def test_the_documentation_shows_the_example_as_it_is():
    text = (ROOT / "docs/emulator.md").read_text()
    for name in ("labels.py", "tests/test_labels.py"):
        assert f"```python\n{(ROOT / 'examples/pytest' / name).read_text()}```" in text
