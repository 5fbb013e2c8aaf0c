"""An existing dataset as lines to be kept in git: sorted, and byte for byte the same each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.core.entries.entry import SOURCE_REF, error_codes, sorted_line
from reconciler.core.entries.index import Place
from reconciler.core.entries.lines import Line
from reconciler.core.entries.observed_line import UNREADABLE, parse_observed
from reconciler.core.planning.diff import place_of
from reconciler.core.spec.choices import DatasetType
from reconciler.core.validation import check_line
from reconciler.core.validation.problem import Severity
from reconciler.engine.dataset.context import Context
from reconciler.engine.dataset.listing import SpooledListing
from reconciler.engine.dataset.observe import whole_listing
from reconciler.engine.dataset.retry import retry
from reconciler.errors import ListingMoved, NotFound, UnknownAnswer


@dataclass(frozen=True, slots=True)
class Exported:
    """
    A dataset, read whole.

    Attributes:
        kept: Source-refs of all that can be desired, sorted.
        refused: What cannot, since validation refuses it, and why: the codes of each, sorted.
        marked: Source-refs of those kept that the service holds with error lists all the same, sorted.
    """

    arn: str
    kept: tuple[str, ...]
    refused: Mapping[str, tuple[str, ...]]
    marked: tuple[str, ...]
    _places: Mapping[str, Place]
    _spool: SpooledListing

    def lines(self, source_refs: Iterable[str]) -> Iterator[bytes]:
        """Give the lines of these, in one form whatever form the service gave them."""
        for source_ref in source_refs:
            yield sorted_line(parse_observed(self._spool.read(self._places[source_ref])))

    def close(self) -> None:
        self._spool.close()


def export(project: str, dataset_type: DatasetType, context: Context, wait_seconds: float) -> Exported:
    """
    Read one dataset. Makes no call that writes.

    Raises:
        NotFound: There is no such project or dataset.
        ListingIncomplete: It holds other entries than it lists.
        GatewayError: It could not be read whole.
    """
    deadline = context.clock.now() + wait_seconds
    found = retry(lambda: context.gateway.locate(project, dataset_type), context.clock, deadline)
    if found.dataset_arn is None:
        missing = f"{dataset_type} dataset of project" if found.project_arn else "project"
        raise NotFound(f"there is no {missing} {project!r} in this account and Region")
    listed = whole_listing(project, found.dataset_arn, context, deadline, _collect)
    listed.require_whole()
    seen, spool = listed.result, listed.spool
    kept = tuple(sorted(seen.places.keys() - seen.refused.keys()))
    refused = dict(sorted(seen.refused.items()))
    marked = tuple(sorted(seen.marked - seen.refused.keys()))
    return Exported(found.dataset_arn, kept, refused, marked, seen.places, spool)


class _Seen(NamedTuple):
    """What a listing holds."""

    places: dict[str, Place]
    refused: dict[str, tuple[str, ...]]
    marked: set[str]


def _collect(lines: Iterator[Line]) -> _Seen:
    places, refused, marked = seen = _Seen({}, {}, set())
    for line in lines:
        fields = parse_observed(line[0])
        if not isinstance(source_ref := fields.get(SOURCE_REF), str):
            raise UnknownAnswer("a listed line names no image; exporting it would lose it")
        if source_ref in places:
            raise ListingMoved(f"{source_ref} is listed twice: the listing is not one state")
        places[source_ref] = place_of(line)
        if error_codes(fields):
            marked.add(source_ref)
        if UNREADABLE in fields:
            refused[source_ref] = error_codes(fields)
            continue
        checked = check_line(sorted_line(fields))
        if not checked.is_valid:
            refused[source_ref] = tuple(
                sorted({f.code for f in checked.problems if f.severity is Severity.ERROR})
            )
    return seen
