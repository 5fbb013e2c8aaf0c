"""Classify the difference between the desired and the observed content of one image."""

from __future__ import annotations

from typing import Final

from reconciler.core.entries.image_view import ImageView
from reconciler.core.spec.choices import DriftClass


def classes(seen: ImageView, *, errored: bool) -> tuple[DriftClass, ...]:
    """
    Classify one image that is known to differ or to be errored.

    Returns:
        At least one class, in the order of `DriftClass`. An image on one side only has exactly one class.
    """
    if seen.observed is None:
        return (DriftClass.MISSING,)
    if seen.desired is None:
        return (DriftClass.UNMANAGED,)
    found = {kind for kind, holds in _TESTS.items() if any(map(holds, seen.boxes))}
    if seen.labels_lost or seen.labels_gained:
        found.add(DriftClass.RELABELLED)
    if errored:
        found.add(DriftClass.ERRORED)
    return tuple(kind for kind in DriftClass if kind in found) or (DriftClass.METADATA_ONLY,)


_TESTS: Final = {
    DriftClass.RELABELLED: lambda pair: pair.is_relabelled,
    DriftClass.BOX_MOVED: lambda pair: pair.is_moved,
    DriftClass.BOX_ADDED: lambda pair: pair.desired is None,
    DriftClass.BOX_REMOVED: lambda pair: pair.observed is None,
}
