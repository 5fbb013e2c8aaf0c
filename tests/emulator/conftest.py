"""The fixtures of the plugin, imported, as an installation may be older, and short names for them."""

from typing import Any

import pytest

from reconciler.emulator.server import Emulator, Running
from reconciler.emulator.testing import (
    rekognition_client,
    rekognition_emulator,
    rekognition_emulator_port,
    rekognition_env,
    rekognition_s3_client,
    rekognition_settings,
)

__all__ = [
    "rekognition_client",
    "rekognition_emulator",
    "rekognition_emulator_port",
    "rekognition_env",
    "rekognition_s3_client",
    "rekognition_settings",
]


@pytest.fixture
def emulator(rekognition_emulator: Running) -> Emulator:
    return rekognition_emulator.emulator


@pytest.fixture
def rekognition(rekognition_client: Any) -> Any:
    return rekognition_client


@pytest.fixture
def s3(rekognition_s3_client: Any) -> Any:
    return rekognition_s3_client
