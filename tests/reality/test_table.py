"""Every case of the table: what others met with in comparable tools, tried on the real command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blackbox.lab import Lab
from tests.blackbox.standin import StandIn
from tests.reality.case import Case, areas
from tests.reality.player import Player


def _rows() -> Iterator[Any]:
    for name, area in areas().items():
        for raw in area.cases:
            case = Case.model_validate({**raw, "input": None, "steps": [], "expected": {}})
            marks = [pytest.mark.fault(area.area, case.fault, case.promise, report=case.report)]
            marks += [pytest.mark.slow] if case.slow else []
            if re.search(r"\bgit\b", str([raw.get("input"), raw.get("steps")])):
                marks.append(pytest.mark.git)
            for number, variant in enumerate(case.variants):
                suffix = f"-{number}" if len(case.variants) > 1 else ""
                yield pytest.param(raw, variant, id=f"{name}:{case.name}{suffix}", marks=marks)


@pytest.mark.parametrize(("raw", "variant"), list(_rows()))
def test_reality(raw: dict[str, Any], variant: dict[str, Any], tmp_path: Path) -> None:
    service = StandIn()
    with service.running() as url:
        Player(Lab(tmp_path, service, url)).play(raw, variant)
