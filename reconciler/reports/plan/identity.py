"""Identify a plan that was saved as plan/v1, without reading its changes."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

from reconciler.core.planning.selection import ALL_CHANGES, ChangeSelection
from reconciler.errors import UsageError
from reconciler.reports.visible import value

_DIGEST: Final = re.compile(r"[0-9a-f]{32}")


class PlanRef(NamedTuple):
    """The identity of a saved plan: apply plans again with the same selection, and compares."""

    digest: str
    datasets: tuple[str, ...]
    selection: ChangeSelection = ALL_CHANGES


def read_plan(data: bytes) -> PlanRef:
    """
    Identify a plan that `render` gave, also if its layout was changed since.

    Raises:
        UsageError: It is no plan, no plan of this version, or not whole.
    """
    try:
        document = json.loads(data, object_hook=_without_change)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"not a plan: not whole JSON: {exc}") from exc
    match document:
        case {"format": "plan/v1", "digest": str(digest), "datasets": [*datasets]}:
            names = [dataset["name"] for dataset in datasets if _is_named(dataset)]
            selection = _selection(document.get("selection"))
            if _DIGEST.fullmatch(digest) and len(names) == len(datasets) and selection is not None:
                return PlanRef(digest, tuple(names), selection)
        case {"format": other} if other != "plan/v1":
            raise UsageError(f'not a plan: its format is {value(other, 40)}, and should be "plan/v1"')
        case dict() if "format" in document:
            pass
        case _:
            raise UsageError('not a plan: a plan is a JSON object with "format": "plan/v1"')
    lacks = "its digest, its selection, or the name of a dataset, is missing or changed"
    raise UsageError(f"not a whole plan: {lacks}; run plan again")


def _selection(saved: object) -> ChangeSelection | None:
    """Return the selection of a saved plan; None if it cannot be read."""
    match saved:
        case None:
            return ALL_CHANGES
        case {"source_refs": [*refs], "classes": [*kinds], "labels": [*labels], **rest} if not rest:
            parts = kinds, labels, refs
            if all(isinstance(text, str) for part in parts for text in part):
                return ChangeSelection(*map(tuple, parts))
    return None


def _without_change(found: dict[str, Any]) -> dict[str, Any] | None:
    """Drop each change as soon as it is read: 250,000 of them are some 500 MB, and are not needed."""
    return None if "source_ref" in found or "before" in found else found


def _is_named(dataset: object) -> bool:
    return isinstance(dataset, dict) and isinstance(dataset.get("name"), str)
