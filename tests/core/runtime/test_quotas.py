"""The quotas of AWS, as documented: what is allowed must not move by accident."""

from __future__ import annotations

import pytest
from botocore.loaders import Loader

from reconciler.core.runtime import quotas

# From the developer guide: limits page, validation rules, terminal content errors.
GUIDE = {
    "CALLS_PER_SECOND": 5,
    "MAX_LINE_CHARS": 100_000 - 1_000,
    "MAX_LABELS_PER_DATASET": 250,
    "MAX_LABELS_PER_IMAGE": 50,
    "MAX_BOXES_PER_IMAGE": 50,
    "MAX_TEST_IMAGES_PER_LABEL": 1_000,
    "MIN_IMAGE_SIDE": 64,
    "MAX_IMAGE_SIDE": 4_096,
    "MAX_ASPECT_RATIO": 20,
    "MAX_IMAGE_BYTES": 15_000_000,
    "MAX_IMAGE_BYTES_READ_LARGELY": 15 * 1024 * 1024,
    "MAX_ENTRIES": 250_000,
    "TRAINING_SIDE": 1_280,
    "MAX_INVALID_RATIO": 0.2,
}
# From the model of the API that the SDK ships.
SHAPES = Loader().load_service_model("rekognition", "service-2")["shapes"]


@pytest.mark.parametrize("name", GUIDE)
def test_limits_are_those_of_the_guide(name: str):
    assert GUIDE[name] == getattr(quotas, name)


def test_limits_are_those_of_the_model():
    """A page, a label and an update are as large as the API allows, and an update under 5 MB in either reading."""
    assert SHAPES["ListDatasetEntriesPageSize"]["max"] == quotas.PAGE_SIZE
    assert SHAPES["DatasetLabel"]["max"] == quotas.MAX_LABEL_CHARS
    assert min(SHAPES["GroundTruthBlob"]["max"], 5_000_000 - 1) == quotas.MAX_UPDATE_BYTES
