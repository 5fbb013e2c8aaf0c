"""An existing dataset as lines to be kept in git: sorted, and byte for byte the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from reconciler.core.choices import DatasetType
from reconciler.core.diff import Observed, place_of
from reconciler.core.entry import SOURCE_REF, canonical, error_codes
from reconciler.core.index import Place
from reconciler.engine.listing import Spool
from reconciler.engine.observe import whole_listing
from reconciler.engine.patience import patiently
from reconciler.engine.world import World
from reconciler.errors import ListingMoved, NotFound, UnknownAnswer


@dataclass(frozen=True, slots=True)
class Exported:
    """
    A dataset, read whole.

    Attributes:
        errored: Source-refs that the service holds with error lists: they would not pass validation.
    """

    arn: str
    places: dict[str, Place]
    errored: tuple[str, ...]
    _spool: Spool

    def lines(self) -> Iterator[bytes]:
        """
        Give every line, ordered by source-ref, in one form whatever form the service gave it.

        Keys are sorted but for ``source-ref``, which comes first; whole numbers are integers; what the
        service wrote into the line by itself is left out.
        """
        for source_ref in sorted(self.places):
            fields = orjson.loads(canonical(orjson.loads(self._spool.read(self.places[source_ref]))))
            yield orjson.dumps({SOURCE_REF: fields.pop(SOURCE_REF), **fields})

    def close(self) -> None:
        self._spool.close()


def export(project: str, dataset_type: DatasetType, world: World, patience_seconds: float) -> Exported:
    """
    Read one dataset. Makes no call that writes.

    Raises:
        NotFound: There is no such project or dataset.
        GatewayError: It could not be read whole.
    """
    deadline = world.clock.now() + patience_seconds
    found = patiently(lambda: world.gateway.locate(project, dataset_type), world.clock, deadline)
    if found.dataset_arn is None:
        missing = f"project {project!r}" if found.project_arn is None else f"{dataset_type} dataset"
        raise NotFound(f"there is no {missing} in this account and Region")
    (places, errored), spool, _ = whole_listing(project, found.dataset_arn, world, deadline, _collect)
    return Exported(found.dataset_arn, places, errored, spool)


def _collect(lines: Iterator[Observed]) -> tuple[dict[str, Place], tuple[str, ...]]:
    places: dict[str, Place] = {}
    errored: list[str] = []
    for line in lines:
        fields = orjson.loads(line[0])
        if not isinstance(fields, dict) or not isinstance(source_ref := fields.get(SOURCE_REF), str):
            raise UnknownAnswer("a listed line names no image; exporting it would lose it")
        if source_ref in places:
            raise ListingMoved(f"{source_ref} is listed twice: the listing is not one state")
        places[source_ref] = place_of(line)
        if error_codes(fields):
            errored.append(source_ref)
    return places, tuple(sorted(errored))
