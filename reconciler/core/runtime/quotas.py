"""Quotas and limits of AWS, each with its source, and the margins kept from them."""

from __future__ import annotations

from typing import Final

# UpdateDatasetEntries: "must be less than 5MB". The model's shape GroundTruthBlob allows 5,242,880
# decoded bytes; this is the smaller reading of "5MB", and satisfies both.
MAX_UPDATE_BYTES: Final = 5_000_000 - 1

# ListDatasetEntries: MaxResults, 1 to 100 (botocore model).
PAGE_SIZE: Final = 100

# Quotas page: 5 calls a second for each dataset operation, per account and Region.
CALLS_PER_SECOND: Final = 5


def listing_seconds(entries: int) -> float:
    """Return the shortest time in which this number of entries can be listed, if nothing else is listed."""
    return max(1, -(-entries // PAGE_SIZE)) / CALLS_PER_SECOND


# Developer guide, terminal content errors: a JSON line holds at most 100,000 characters. The service
# adds its own keys to a stored line, so 1,000 are reserved for them.
MAX_LINE_CHARS: Final = 99_000

# Developer guide, limits page.
MAX_LABELS_PER_DATASET: Final = 250
MAX_LABELS_PER_IMAGE: Final = 50
MAX_BOXES_PER_IMAGE: Final = 50
MAX_TEST_IMAGES_PER_LABEL: Final = 1_000
MIN_IMAGE_SIDE: Final = 64
MAX_IMAGE_SIDE: Final = 4_096
MAX_ASPECT_RATIO: Final = 20
# "15 MB", which the guide does not define further: this is the smaller reading, the next one the larger.
MAX_IMAGE_BYTES: Final = 15_000_000
MAX_IMAGE_BYTES_READ_LARGELY: Final = 15 << 20
MAX_MANIFEST_BYTES: Final = 1 << 30  # "1 GB", in its larger reading
MAX_ENTRIES: Final = 250_000  # 500,000 on request, for classification only

# Training scales an image down until its longer side is this long, in pixels.
TRAINING_SIDE: Final = 1_280

# API reference: DatasetLabel, 1 to 255 characters. The guide says 256; this is the stricter.
MAX_LABEL_CHARS: Final = 255

# Developer guide, validation rules: an import with a larger share of invalid lines fails as a whole.
MAX_INVALID_RATIO: Final = 0.20
