"""The page of a plan in a real browser: what the model will see, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.core.entries.equality import field_changes
from reconciler.core.entries.image_view import view_of
from tests.browser import MARKS, launched, playwright, watched
from tests.reports.builders import add, dataset, orphan, plan, rendered, update
from tests.reports.drift.builders import entry

pytestmark = MARKS

OLD = entry("a.png", boxes=(("Echo", 126, 65, 120, 134), ("Dot", 399, 251, 155, 101)))
NEW = entry("a.png", boxes=(("Echo", 86, 65, 120, 134), ("Dot", 399, 251, 155, 101)))
MOVED = replace(update("a", *field_changes(OLD, NEW)), view=view_of(NEW, OLD))
TALL = entry("tall.png", boxes=(("<b>x</b>", 10, 10, 100, 100),), size=(200, 4_000))
ADDED = replace(add("tall"), view=view_of(TALL, None))
STRAY = replace(orphan("stray"), view=view_of(None, OLD))


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with launched() as found:
        yield found


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_boxes_are_drawn_before_and_after(
    browser: playwright.Browser, tmp_path: Path, width: int, scheme: str
):
    """A changed image on both sides, an added one as it will be; each label beside its box."""
    file = tmp_path / "plan.html"
    file.write_bytes(rendered("plan", "html", plan(dataset(MOVED, ADDED, STRAY))))
    with watched(
        browser, file.as_uri(), viewport={"width": width, "height": 900}, color_scheme=scheme
    ) as page:
        page.goto(file.as_uri())
        page.locator("figure .caption").first.wait_for()

        assert ["After", "Before, enlarged", "After, enlarged"] == page.locator(
            "figcaption"
        ).all_inner_texts()
        assert ["<b>x</b>", "Echo", "Echo"] == page.locator(".caption text").all_text_contents()
        assert "Box “Echo” will move 40 px left; IoU 0.50" in page.inner_text("main")
        before, after = (page.locator("figure").nth(1).locator(f".box.{side}") for side in ("aws", "git"))
        edges = [one.evaluate("(box) => Number(box.getAttribute('x'))") for one in (before, after)]
        assert [126, 86] == edges
        for stage in page.locator(".stage").all():
            place = stage.bounding_box()
            assert 0 < place["height"] <= 341
            assert place["x"] + place["width"] <= width
            text, box = (stage.locator(name).bounding_box() for name in (".caption rect", ".box:not(.same)"))
            assert text["y"] + text["height"] <= box["y"] or box["y"] + box["height"] <= text["y"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_figures_of_a_folded_group_wait_until_it_is_opened(browser: playwright.Browser, tmp_path: Path):
    """So that a thousand images cost nothing before anyone opens it."""
    file = tmp_path / "plan.html"
    many = [replace(add(f"{number:04}"), view=view_of(TALL, None)) for number in range(300)]
    file.write_bytes(rendered("plan", "html", plan(dataset(*many))))
    with watched(browser, file.as_uri(), viewport={"width": 1280, "height": 900}) as page:
        page.goto(file.as_uri())
        assert 0 == page.locator("figure svg").count()
        page.locator("summary").click()
        page.locator("figure .caption").first.wait_for()
        assert 300 == page.locator("figure").count()
        assert page.locator("figure .caption").count() < 30
