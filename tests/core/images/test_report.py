"""What a check of images found."""

from __future__ import annotations

import pytest

from reconciler.core.images import report
from reconciler.core.images.report import ImageCounts, Problems
from reconciler.core.validation.problem import Origin, Problem, Severity


def problem(code: str, severity: Severity = Severity.ERROR, line: int = 1) -> Problem:
    return Problem(severity, code, "why", Origin("train.jsonl", line))


def test_all_problems_are_counted_and_the_first_of_each_code_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many images have one problem, others are still named with their places."""
    monkeypatch.setattr(report, "MAX_KEPT", 2)
    found = Problems()
    for line in range(1, 5):
        found.add(problem("A", line=line))
    found.add(problem("B", Severity.WARNING, 9))

    assert {"A": 4, "B": 1} == found.by_code
    assert 4 == found.errors
    assert [("A", 1), ("A", 2), ("B", 9)] == [(one.code, one.origin.line) for one in found.kept if one.origin]


def test_a_thousand_of_a_code_are_kept() -> None:
    assert 1_000 == report.MAX_KEPT


def test_of_no_images_nothing_is_claimed() -> None:
    assert ImageCounts(desired=0, missing=0, unchanged=0, read=0, unread=0) == ImageCounts()
