"""Store the first entries of each kind that are not in place, so that a stored result can name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.core.planning.cause import Cause
from reconciler.core.status.result import (
    MOST_NAMED,
    DatasetResult,
    EntryProblem,
    WithheldEntry,
    WithheldGroup,
)
from reconciler.core.validation.problem import Origin


@dataclass(frozen=True, slots=True)
class Named:
    """
    At most `MOST_NAMED` entries of each kind, as in `DatasetResult`.

    Attributes:
        groups, unblanked: All of them, by reason.
    """

    withheld: tuple[WithheldEntry, ...] = ()
    groups: tuple[WithheldGroup, ...] = ()
    quarantined: tuple[EntryProblem, ...] = ()
    dropped: tuple[EntryProblem, ...] = ()
    rejected: tuple[EntryProblem, ...] = ()
    unblanked: tuple[WithheldGroup, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return {
            "withheld": [[e.source_ref, e.origin, e.cause.value, e.reason] for e in self.withheld],
            "groups": [[g.cause.value, g.reason, g.number] for g in self.groups],
            "unblanked": [[g.cause.value, g.reason, g.number] for g in self.unblanked],
            "quarantined": list(map(_as_list, self.quarantined)),
            "dropped": list(map(_as_list, self.dropped)),
            "rejected": list(map(_as_list, self.rejected)),
        }


NOTHING_NAMED: Final = Named()


def named_of(result: DatasetResult) -> Named:
    return Named(
        result.withheld[:MOST_NAMED],
        result.groups,
        result.quarantined[:MOST_NAMED],
        result.dropped[:MOST_NAMED],
        result.rejected[:MOST_NAMED],
        result.unblanked,
    )


def named_in(document: Mapping[str, Any]) -> Named:
    """
    Restore what `Named.document` returned.

    Raises:
        KeyError, TypeError, ValueError: Another version wrote the document.
    """
    return Named(
        tuple(
            WithheldEntry(ref, _origin(at), Cause(why), reason)
            for ref, at, why, reason in document["withheld"]
        ),
        _groups(document["groups"]),
        _entry_problems(document["quarantined"]),
        _entry_problems(document["dropped"]),
        _entry_problems(document["rejected"]),
        _groups(document["unblanked"]),
    )


def _entry_problems(found: Sequence[Any]) -> tuple[EntryProblem, ...]:
    return tuple(EntryProblem(ref, _origin(at), reason, tuple(codes)) for ref, at, reason, codes in found)


def _groups(found: Sequence[Any]) -> tuple[WithheldGroup, ...]:
    return tuple(WithheldGroup(Cause(why), reason, number) for why, reason, number in found)


def _as_list(entry_problem: EntryProblem) -> list[Any]:
    return [entry_problem.source_ref, entry_problem.origin, entry_problem.reason, list(entry_problem.codes)]


def _origin(place: Sequence[Any] | None) -> Origin | None:
    return Origin(*place) if place else None
