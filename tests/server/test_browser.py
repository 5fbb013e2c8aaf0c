"""The pages in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from reconciler.core.status.result import Verdict
from reconciler.engine.controller.views import QuarantineView
from tests.browser import MARKS, playwright, watched
from tests.reports.drift.builders import dataset
from tests.server.builders import AWAY, dataset_state, registry
from tests.server.test_pages import MOVED, QUARANTINED, served

pytestmark = MARKS

PATHS = ("/", "/dataset/roses", "/dataset/weeds", "/drift/roses", "/drift/moss")


@contextmanager
def opened(browser, **context) -> Iterator[tuple[playwright.Page, str]]:
    """Open a browser on a controller, and see to it that no page complains or asks for anything elsewhere."""
    made = registry(
        dataset_state("roses", drift={"box_moved": 1}, before=(0, 2), report=dataset(MOVED)),
        dataset_state("weeds", Verdict.PARTIAL, quarantined=QuarantineView((QUARANTINED,) * 3, 3)),
        dataset_state("a-name-that-is-much-longer-than-any-telephone-is-wide", Verdict.UNKNOWN, failure=AWAY),
        dataset_state("moss", None),
    )
    with served(made) as url, watched(browser, url, **context) as page:
        yield page, url


def test_from_the_list_to_the_image_without_a_mouse(browser):
    """Tab and Enter lead from the list to a dataset, and on to its drawing, where the script runs."""
    with opened(browser) as (page, url):
        page.goto(url)
        page.keyboard.press("Tab")
        assert "Skip to the content" == page.locator(":focus").text_content()
        page.get_by_role("link", name="roses", exact=True).focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", level=1, name="roses").wait_for()
        page.get_by_role("link", name="See the images").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="box moved 1").click()

        assert page.url.endswith("/drift/roses#class=box_moved")
        assert 1 == page.locator(".tile svg.drawing").count()
        page.get_by_role("link", name="Datasets").click()
        assert 4 == page.get_by_role("list", name="Datasets", exact=True).get_by_role("listitem").count()


def test_a_page_that_is_left_open_follows_the_controller(browser):
    """The content is replaced; what a person has opened stays open, and focus stays where it was."""
    made = registry(*(dataset_state(f"fine-{number}") for number in range(30)))
    with served(made) as url, watched(browser, url) as page:
        page.clock.install()
        page.goto(url)
        page.locator("#folded summary").click()
        made.states["roses"] = dataset_state("roses", drift={"missing": 2})
        page.clock.run_for(6_000)
        page.get_by_role("heading", name="30 of 31 datasets are as git says.").wait_for()

        assert page.locator("#folded").evaluate("details => details.open")
        assert page.locator("#folded summary").evaluate("summary => summary === document.activeElement")
        assert "live" == page.locator("#connection").text_content()


def test_the_search_leads_to_the_dataset(browser):
    """Its form is sent to the controller alone."""
    made = registry(*(dataset_state(f"fine-{number}") for number in range(30)))
    with served(made) as url, watched(browser, url) as page:
        page.goto(url)
        page.get_by_label("Find datasets").fill("fine-29")
        page.get_by_role("button", name="Find").click()
        page.wait_for_url("**/?q=fine-29")

        assert ["fine-29"] == page.locator(".row h2").all_text_contents()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_can_be_read(browser, scheme):
    """390 px wide nothing is cut off; each state has its word, and text stands out from its ground by 4.5 to 1."""
    with opened(browser, viewport={"width": 390, "height": 844}, color_scheme=scheme) as (page, url):
        for path in PATHS:
            page.goto(url + path)
            assert 390 == page.evaluate("document.documentElement.scrollWidth"), path
            assert [] == page.evaluate(TOO_FAINT), path


TOO_FAINT = """() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const found = rgb(getComputedStyle(node).backgroundColor);
      if (found.length === 3) return found;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('main *, header *')]
    .filter(n => !n.closest('svg') && [...n.childNodes].some(c => c.nodeType === 3 && c.data.trim()))
    .map(n => [n, light(rgb(getComputedStyle(n).color)), light(ground(n))])
    .map(([n, a, b]) => [n.textContent.trim(), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)])
    .filter(([, ratio]) => ratio < 4.5);
}"""
