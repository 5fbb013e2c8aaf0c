"""Every example in the documentation is what happens."""

import re

import pytest

from tests.docs.pages import ROOT, Page, fits, sessions

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def marks(calls):
    return [pytest.mark.git] if any(re.search(r"(^|[|;&] *)git ", call.command) for call in calls) else []


SESSIONS = [
    pytest.param(path, calls, id=f"{path.name}-{number}", marks=marks(calls))
    for path in PAGES
    for number, calls in enumerate(sessions(path))
]


@pytest.mark.parametrize(("path", "calls"), SESSIONS)
def test_examples_print_what_the_page_shows(path, calls, tmp_path):
    """Session by session, each in a clean directory, without an AWS account."""
    page = Page(path, tmp_path)
    page.prepare()
    for call in calls:
        code, output = page.run(call)
        if not fits(call.output, output):
            assert call.output == output, f"{path.name}:{call.line}: $ {call.command}"
        assert call.code == code, f"{path.name}:{call.line}: $ {call.command}"


@pytest.mark.parametrize(
    ("shown", "printed", "fit"),
    [
        ("a\nb", "a\nb", True),
        ("a\nb", "a\nc", False),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("  a\n  …\nd", "  a\n  b\nd", True),
        ("a\n…", "b\nc", False),
        ("a (b) […] … c", "a (b) […] … c", True),
        (
            "project/1700000000000 at 2026-01-01T00:00:00Z",
            "project/1795439803061 at 2027-12-31T23:59:59Z",
            True,
        ),
    ],
)
def test_only_what_must_differ_may_differ(shown, printed, fit):
    """The harness itself: an ellipsis line is any lines, all else is to the letter."""
    assert fit == fits(shown, printed)
