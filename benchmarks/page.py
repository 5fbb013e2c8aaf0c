"""The table of a run, and the page and the figures that are published."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.alternatives import ALTERNATIVES, Alternative
from benchmarks.budgets import BUDGETS, Result
from benchmarks.measure import Setting

_DOCS: Final = Path(__file__).parent.parent / "docs"
_PAGE: Final = _DOCS / "benchmarks.md"
_FIGURES: Final = _DOCS / "benchmarks.json"
_FORMAT: Final = "benchmarks/v1"
_BEGIN: Final = "<!-- figures: written by `python3 dev.py bench --write` -->"
_END: Final = "<!-- end of the figures -->"
_NOT_INSTALLED: Final = "not installed"

Other = tuple[Alternative, tuple[float | None, float | None]]
"""An alternative, its figure, and ours."""


def published() -> Mapping[str, Any]:
    """Return the published figures by the name of their budget; empty if there are none."""
    if not _FIGURES.exists():
        return {}
    figures: dict[str, Any] = json.loads(_FIGURES.read_text())["figures"]
    return figures


def head() -> str:
    return f"{'budget':<34}{'least':>9}{'most':>9}{'allowed':>9}  {'':<7}{'published':>9}"


def row(result: Result, before: Mapping[str, Any]) -> str:
    known = before.get(result.budget.name)
    last = f"{known['least']:9.2f}" if known else f"{'-':>9}"
    verdict = "met" if result.is_met else "MISSED"
    figures = f"{result.best:9.2f}{max(result.figures):9.2f}{result.budget.most:9.2f}"
    return f"{result.budget.name:<34}{figures}  {verdict:<7}{last} {result.budget.unit}"


def other_row(other: Other) -> str:
    one, (theirs, ours) = other
    return f"{one.name:<34}{_figure(theirs):>13} here {_figure(ours)} {one.unit}"


def document(setting: Setting, results: Sequence[Result], others: Sequence[Other]) -> dict[str, Any]:
    """Return the figures of a run as JSON."""
    return {
        "format": _FORMAT,
        "entries": setting.entries,
        "runs": setting.runs,
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "figures": {result.budget.name: result.as_json() for result in results},
        "alternatives": {
            one.name: {"unit": one.unit, "theirs": theirs, "ours": ours} for one, (theirs, ours) in others
        },
    }


def publish(document: dict[str, Any]) -> None:
    """
    Write the figures, and put their tables into the page between its two markers.

    Of a run of some budgets only, with as many entries as the last, the other figures stay.
    """
    last = json.loads(_FIGURES.read_text()) if _FIGURES.exists() else {}
    if last.get("entries") == document["entries"]:
        document = document | {part: last[part] | document[part] for part in ("figures", "alternatives")}
    _FIGURES.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    before, _, rest = _PAGE.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    tables = "\n".join(_tables(document))
    _PAGE.write_text(f"{before}{_BEGIN}\n{tables}\n{_END}{after}")


def _tables(document: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{document['entries']:,} entries, {document['runs']} runs, CPython {document['python']},",
        f"{document['machine']}.",
        "",
        "| measure | allowed | least | most | met | what it means |",
        "|---|---|---|---|---|---|",
    ]
    for budget in BUDGETS:
        if found := document["figures"].get(budget.name):
            figures = (budget.most, found["least"], found["most"])
            cells = (budget.what, *(_with_unit(figure, budget.unit) for figure in figures))
            lines.append(f"| {' | '.join(cells)} | {'yes' if found['met'] else '**no**'} | {budget.means} |")
    lines += ["", "| instead | unit | theirs | here |", "|---|---|---|---|"]
    for one in ALTERNATIVES:
        if found := document["alternatives"].get(one.name):
            lines.append(
                f"| {one.what} | {one.unit} | {_figure(found['theirs'])} | {_figure(found['ours'])} |"
            )
    return lines


def _with_unit(figure: float, unit: str) -> str:
    return f"{figure:.3g} {unit}".strip()


def _figure(figure: float | None) -> str:
    return _NOT_INSTALLED if figure is None else f"{figure:,.1f}"
