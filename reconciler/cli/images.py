"""Small pictures of drifted images, as far as their images can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from reconciler.core.drift.report import Drift
from reconciler.engine.dataset.desired import Desired
from reconciler.reports.drift.thumbnails import Thumbnail, available, thumbnail

if TYPE_CHECKING:
    from reconciler.cli.wiring import Wiring

# Rekognition takes images of at most 15 MB; all of a report's together, so that it ends.
_MOST_BYTES: Final = 15_000_000
_MOST_BYTES_IN_ALL: Final = 500_000_000


def thumbnails(drift: Drift, datasets: Sequence[Desired], wiring: Wiring, most: int) -> dict[str, Thumbnail]:
    """Return small pictures by source-ref: of the first *most* images, and none where Pillow is missing."""
    if most <= 0 or not available():
        return {}
    return dict(islice(_made(drift, datasets, wiring, most), most))


def _made(
    drift: Drift, datasets: Sequence[Desired], wiring: Wiring, most: int
) -> Iterator[tuple[str, Thumbnail]]:
    left, tried = _MOST_BYTES_IN_ALL, 0
    targets = {desired.name: desired.target for desired in datasets}
    for dataset in drift.datasets:
        if dataset.observed_at is None or dataset.name not in targets:
            continue
        pictures = wiring.pictures(targets[dataset.name])
        for item in dataset.items:
            if left <= 0 or tried >= most:
                return
            tried += 1
            data = pictures.read(item.source_ref, min(left, _MOST_BYTES))
            if data is not None:
                left -= len(data)
                if found := thumbnail(data):
                    yield item.source_ref, found
