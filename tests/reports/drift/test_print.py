"""The page on paper."""

import re

import pytest

from tests.browser import MARKS
from tests.reports.drift.opened import NEW, many, opened

pytestmark = MARKS


def pages(pdf: bytes) -> int:
    """Return the number of pages that a PDF counts."""
    return max(int(number) for number in re.findall(rb"/Type /Pages\s.*?/Count (\d+)", pdf, re.DOTALL))


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_sixty_three_images_take_four_pages(browser, tmp_path, paper):
    """The summary, and every image in one of three columns."""
    with opened(browser, tmp_path, *many(62), NEW) as page:
        assert pages(page.pdf(format=paper)) <= 4


def test_paper_shows_the_images_that_the_filters_select(browser, tmp_path):
    """Nobody scrolls on it: all of them, in three columns; controls stay on the screen."""
    with opened(browser, tmp_path, *many(60), NEW) as page:
        page.get_by_role("button", name="box moved 60").click()
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        names = page.locator("#paper .name").all_text_contents()
        assert [f"{n:04}.png" for n in range(60)] == names
        assert 3 == len(
            {box["x"] for box in (one.bounding_box() for one in page.locator("#paper .tile").all())}
        )
        assert not page.locator(".bar").is_visible()
        assert not page.locator("#grid").is_visible()
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert 0 == page.locator("#paper .tile").count()


def test_paper_is_light(browser, tmp_path):
    """Also for somebody who reads in the dark: ink is for what is drawn."""
    with opened(browser, tmp_path, NEW, color_scheme="dark") as page:
        ground = "getComputedStyle(document.body).backgroundColor"
        before = page.evaluate(ground)
        page.emulate_media(media="print", color_scheme="light")
        light = page.evaluate(ground)
        page.emulate_media(media="print", color_scheme="dark")
        assert light == page.evaluate(ground) != before
