"""The last known state of each dataset as JSON: status/v1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.reports.encoding import encode
from reconciler.reports.status.record import Known, datasets_doc

if TYPE_CHECKING:
    from reconciler.reports.registry import Options
    from reconciler.reports.status import shape


def render(known: Known, _options: Options) -> Iterator[bytes]:
    """Give status/v1, ordered by name."""
    document: shape.StatusDoc = {"format": "status/v1", "datasets": datasets_doc(*known)}
    return encode(document)
