"""
The pytest plugin: an emulator for each test that names one of these fixtures.

======================  ==============================================================================
rekognition_emulator    the running emulator; its data, clock, faults and calls are those of this test
rekognition_env         the same, and the environment sends the clients of the application to it
rekognition_client      a client of Rekognition
rekognition_s3_client   a client of S3
rekognition_settings    how it behaves; override it to return others
======================  ==============================================================================

It is loaded with every run of pytest where it is installed. Therefore it imports nothing before a fixture is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from reconciler.emulator.behaviour.settings import Settings
    from reconciler.emulator.http import Answer, Request
    from reconciler.emulator.server import Emulator, Running

REGION: Final = "us-east-1"
_KEY: Final = "testing"

# What would send a client elsewhere, or with other credentials, than the environment of `rekognition_env` says.
_UNSET: Final = (
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def client(
    running: Running,
    service: str = "rekognition",
    *,
    region: str = REGION,
    access_key: str = _KEY,
    **config: Any,
) -> Any:
    """
    Create a client with dummy credentials: of boto3 where it is installed, with its transfers of files, else of
    botocore. Calls are not retried by default.

    Args:
        access_key: A key of twelve digits is the account of the caller.
    """
    from botocore.config import Config

    options = {"retries": {"total_max_attempts": 1}, "read_timeout": 30, **config}
    return _maker()(
        service,
        region_name=region,
        endpoint_url=running.url,
        aws_access_key_id=access_key,
        aws_secret_access_key=_KEY,
        config=Config(**options),
    )


@cache
def _maker() -> Callable[..., Any]:
    try:
        from boto3.session import Session as Complete
    except ModuleNotFoundError:
        from botocore.session import Session

        return Session().create_client
    return Complete().client


class Plug:
    """Serves one emulator after another on the same port: opening a port for each test would take 0.2 s."""

    emulator: Emulator

    @property
    def max_object_bytes(self) -> int:
        return self.emulator.max_object_bytes

    @property
    def hosts(self) -> Collection[str]:
        return self.emulator.hosts

    def answer_at_once(self, request: Request) -> Answer | None:
        return self.emulator.answer_at_once(request)

    def handle(self, request: Request) -> Answer:
        return self.emulator.handle(request)


@pytest.fixture(scope="session")
def rekognition_emulator_port() -> Iterator[tuple[Plug, int]]:
    """Provide a port for all tests, and the plug that takes the emulator to serve there."""
    from reconciler.emulator.port import listening

    plug = Plug()
    with listening(plug, "127.0.0.1", 0) as port:
        yield plug, port


@pytest.fixture
def rekognition_settings() -> Settings:
    """Provide the settings of the emulator: operations take no time, and nothing is throttled."""
    from reconciler.emulator.behaviour.settings import Settings

    return Settings()


@pytest.fixture
def rekognition_emulator(
    rekognition_settings: Settings, rekognition_emulator_port: tuple[Plug, int]
) -> Iterator[Running]:
    """Provide an emulator in memory, on a loopback port, whose clock stands still until it is advanced."""
    from reconciler.emulator.behaviour.settings import ManualClock
    from reconciler.emulator.server import Emulator, Running

    plug, port = rekognition_emulator_port
    plug.emulator = Emulator(settings=rekognition_settings, clock=ManualClock())
    yield Running(plug.emulator, "127.0.0.1", port)
    plug.emulator.close()


@pytest.fixture
def rekognition_env(rekognition_emulator: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """
    Provide the emulator, and send clients to it that the application makes itself.

    Sets endpoint, credentials and Region in the environment, for processes that the test starts too, hides the
    configuration files of the user, and lets boto3 make its default session again.
    """
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL")]:
        monkeypatch.delenv(name)
    for name in _UNSET:
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": rekognition_emulator.url,
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    if "boto3" in sys.modules:
        monkeypatch.setattr(sys.modules["boto3"], "DEFAULT_SESSION", None)
    return rekognition_emulator


@pytest.fixture
def rekognition_client(rekognition_emulator: Running) -> Any:
    """Provide a client of Rekognition."""
    return client(rekognition_emulator)


@pytest.fixture
def rekognition_s3_client(rekognition_emulator: Running) -> Any:
    """Provide a client of S3."""
    return client(rekognition_emulator, "s3")
