"""How a dataset was observed."""

from __future__ import annotations

from enum import StrEnum


class ObservationKind(StrEnum):
    FINGERPRINT = "fingerprint"  # nothing moved since the last observation, and nothing was asked
    INCREMENTAL = "incremental"  # nothing moved since the last listing: what is in question was read
    FULL = "full"  # every entry was listed
