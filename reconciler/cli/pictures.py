"""The pictures on pages of drift and of images that look alike: from S3, and bounded in number, bytes and time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from reconciler.cli.wiring import Wiring
from reconciler.core.drift.report import Drift, DriftItem
from reconciler.core.images.report import ImagesCheck
from reconciler.core.runtime.quotas import MAX_IMAGE_BYTES
from reconciler.core.spec.documents import Target
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.views import DriftView
from reconciler.engine.dataset.desired import Desired
from reconciler.errors import ReconcilerError
from reconciler.ports import LoadedDataset, MonotonicClock
from reconciler.reports.drawing import changed_region, extent
from reconciler.reports.drift.images import in_order
from reconciler.reports.pictures import Thumbnail, available, thumbnail

# The total for one report bounds its time.
_MAX_BYTES_IN_ALL: Final = 500_000_000

# What pictures add to a page: enlarged parts as long as there is room for them, small ones somewhat longer.
_PAGE_BYTES: Final = 1_800_000
_DETAIL_BYTES: Final = 1_200_000
_PAIR_BYTES: Final = 4_000_000

MAX_BYTES: Final = 64_000_000
"""All pictures that a controller holds."""

MAX_SECONDS: Final = 60.0
"""For the pictures of one dataset in a controller, whose worker has cycles of other datasets to run."""


def thumbnails(
    drift: Drift,
    targets: Mapping[str, Target],
    wiring: Wiring,
    most: int,
    *,
    most_bytes: int = _PAGE_BYTES,
    goes_on: Callable[[], bool] = lambda: True,
) -> dict[str, Thumbnail]:
    """
    Return thumbnails of the *most* severe images, as many as a page has room for; none without Pillow.

    An image has a detail, the part that changed, as long as there is room for that.

    Args:
        targets: Of the datasets, by name; images of other datasets are left out.
        goes_on: Tells before each image whether there is time for it.
    """
    if most <= 0 or not available():
        return {}
    found: dict[str, Thumbnail] = {}
    bytes_taken = 0
    for source_ref, picture in _thumbnails(drift, targets, wiring, most, goes_on):
        kept = picture if bytes_taken < _DETAIL_BYTES else picture._replace(detail=None)
        bytes_taken += kept.weight_bytes
        if bytes_taken > min(most_bytes, _PAGE_BYTES):
            break
        found[source_ref] = kept
    return found


def side_by_side(check: ImagesCheck, datasets: Iterable[Desired], wiring: Wiring) -> dict[str, Thumbnail]:
    """Return thumbnails of the images that look alike, the nearest pairs first, as many as a page has room for."""
    targets = {desired.name: desired.target for desired in datasets}
    found: dict[str, Thumbnail] = {}
    left = _PAIR_BYTES if available() else 0
    for dataset in (one for one in check.datasets if one.near):
        reader = wiring.pictures(targets[dataset.name])
        for ref in (ref for pair in dataset.near or () for ref in (pair.train_ref, pair.test_ref)):
            if left <= 0 or ref in found:
                continue
            data = reader.read(ref, MAX_IMAGE_BYTES)
            small = thumbnail(data) if data is not None else None
            if small is not None:
                found[ref] = small
                left -= small.weight_bytes
    return found


class Illustrator:
    """
    Adds pictures to the drift reports of a controller. Safe for threads.

    Args:
        most: Most pictures of one dataset; those of all take at most `MAX_BYTES`.
    """

    def __init__(self, wiring: Wiring, registry: Registry, most: int, clock: MonotonicClock) -> None:
        self._wiring = wiring
        self._registry = registry
        self._most = most
        self._clock = clock

    def __call__(self, state: DatasetState, loaded: LoadedDataset, view: DriftView) -> None:
        """Read the pictures of the most severe images; none are added where AWS cannot be asked for them."""
        if view.drift is None:
            return
        until = self._clock.seconds() + MAX_SECONDS
        with self._registry.lock:
            others = [one.drift_view for one in self._registry.states.values() if one is not state]
        room = MAX_BYTES - sum(map(_weight_bytes, others))
        try:
            found = thumbnails(
                Drift((view.drift,)),
                {loaded.name: loaded.target},
                self._wiring,
                self._most,
                most_bytes=room,
                goes_on=lambda: not self._clock.stopping and self._clock.seconds() < until,
            )
        except ReconcilerError:  # the next cycle of the dataset fails, and says why
            return
        with self._registry.lock:
            if state.drift_view is view:
                state.drift_view = replace(view, pictures=found)


def _weight_bytes(view: DriftView | None) -> int:
    return sum(picture.weight_bytes for picture in view.pictures.values()) if view else 0


def _thumbnails(
    drift: Drift, targets: Mapping[str, Target], wiring: Wiring, most: int, goes_on: Callable[[], bool]
) -> Iterator[tuple[str, Thumbnail]]:
    left = _MAX_BYTES_IN_ALL
    readers = {
        place: wiring.pictures(targets[dataset.name])
        for place, dataset in enumerate(drift.datasets)
        if dataset.observed_at is not None and dataset.name in targets
    }
    readable = ((readers[place], item) for place, item in in_order(drift) if place in readers)
    for reader, item in islice(readable, most):
        if not goes_on():
            return
        data = reader.read(item.source_ref, min(left, MAX_IMAGE_BYTES)) if left > 0 else None
        if data is not None:
            left -= len(data)
            if found := _thumbnail(data, item):
                yield item.source_ref, found


def _thumbnail(data: bytes, item: DriftItem) -> Thumbnail | None:
    seen = item.view
    return thumbnail(data, seen.size, changed_region(seen, extent(seen))) if seen else thumbnail(data)
