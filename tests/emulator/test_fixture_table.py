"""The emulator's judgement of lines, held to the table that the offline rules are held to as well."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from reconciler.emulator.behaviour.judge import Tally, judge
from reconciler.emulator.behaviour.switches import Switches
from tests.fixtures.lines import Row, rows

DOCUMENTED = [row for row in rows() if row.service is not None]


def stored_errors(value: Any, place: str = "") -> dict[str, tuple[str, ...]]:
    """Return JSON pointer to error codes, as listed."""
    found: dict[str, tuple[str, ...]] = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "cl-errors":
                found[place or "/"] = tuple(item["code"] for item in inner)
            else:
                found |= stored_errors(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found |= stored_errors(inner, f"{place}/{number}")
    return found


@pytest.mark.parametrize("row", DOCUMENTED, ids=lambda row: row.id)
def test_the_service_does_with_a_line_what_the_table_says(row: Row):
    """Dropped or kept, each error at its place, `is_labeled`: with every switch at its default."""
    tally = Tally()
    entries = tuple(judge(BytesIO(row.raw + b"\n"), Switches(), tally))

    assert row.service is not None
    if row.service.dropped:
        assert ((), 1) == (entries, tally.dropped)
        return
    (entry,) = entries
    listed = json.loads(entry.line)
    assert row.service.errors == stored_errors(listed)
    assert {"is_labeled": row.service.is_labeled} == listed["cl-metadata"]
