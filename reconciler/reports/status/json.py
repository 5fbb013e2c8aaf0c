"""The last known state of each dataset as JSON: status/v1."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from reconciler.reports.encoding import write
from reconciler.reports.status.record import Held, Records, datasets_doc

if TYPE_CHECKING:
    from reconciler.reports.status import shape


def write_status(records: Records, held: Held, now: float, stream: BinaryIO) -> None:
    """
    Write status/v1, ordered by name.

    Args:
        now: Seconds since the epoch: what was said of AWS too long ago is unknown by then.
    """
    document: shape.StatusDoc = {"format": "status/v1", "datasets": datasets_doc(records, held, now)}
    write(document, stream)
