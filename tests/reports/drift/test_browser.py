"""The page in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.reports.drift.html import FIRST, render_html
from tests.browser import MARKS, playwright, watched
from tests.reports.drift.builders import dataset, drift, entry, item
from tests.waiting import until

pytestmark = MARKS

ECHO, DOT = ("Echo", 86, 65, 220, 334), ("Dot", 399, 251, 155, 101)
MOVED = item(
    entry("desk.png", boxes=(ECHO, DOT)), entry("desk.png", boxes=(("Echo", 126, 65, 220, 334), DOT))
)
RENAMED = item(entry("rose.jpg", "rose"), entry("rose.jpg", "<script>window.harmed = 1</script>"))
NEW = item(None, entry("new.png", boxes=(DOT,)))
LONG = item(entry("x" * 300, "a" * 200), entry("x" * 300, "b" * 200, boxes=(("c" * 200, 86, 65, 220, 334),)))
CROWDED = item(
    entry("crowd.png", boxes=tuple((f"n{n}", 60 * n, 60, 40, 40) for n in range(9))),
    entry("crowd.png", boxes=tuple((f"n{n}", 60 * n + 3, 60, 40, 40) for n in range(9))),
)


@contextmanager
def opened(browser, tmp_path: Path, *items, **context) -> Iterator[playwright.Page]:
    """Open a page from a file, and see to it that it neither complains nor asks for anything."""
    file = tmp_path / "drift.html"
    file.write_text("".join(render_html(drift(dataset(*items)))), encoding="utf-8")
    with watched(browser, file.as_uri(), **context) as page:
        page.goto(file.as_uri())
        yield page


def names(page) -> list[str]:
    return page.locator(".card .name").all_text_contents()


def test_boxes_stand_where_they_are_in_the_image(browser, tmp_path):
    """A pixel of the image is a pixel of the drawing, scaled, for what git has and for what AWS has."""
    with opened(browser, tmp_path, MOVED) as page:
        (paper,) = page.locator("svg.canvas rect.paper").evaluate_all(ON_SCREEN)
        boxes = page.locator("svg.canvas rect.box").evaluate_all(ON_SCREEN)
        shown = page.locator("svg.canvas").bounding_box()

    scale = paper[2] / 640
    places = [
        (round((x - paper[0]) / scale), round((y - paper[1]) / scale), round(w / scale), round(h / scale))
        for x, y, w, h in boxes
    ]
    assert sorted([ECHO[1:], (126, 65, 220, 334), DOT[1:]]) == sorted(places)
    assert pytest.approx(640 / 480, abs=0.01) == shown["width"] / shown["height"]


def test_an_arrow_joins_what_moved(browser, tmp_path):
    """From the middle of the one box towards the middle of the other."""
    with opened(browser, tmp_path, MOVED) as page:
        line = page.locator("svg.canvas .arrow line")
        ends = [float(line.get_attribute(name)) for name in ("x1", "y1", "y2")]

    assert [196, 232, 232] == ends


def test_filters_show_what_is_asked_for(browser, tmp_path):
    """By class, by label, by cause, by part of a path; and the way back."""
    with opened(browser, tmp_path, MOVED, RENAMED, NEW) as page:
        page.get_by_role("button", name="box moved 1").click()
        assert ["desk.png"] == names(page)
        page.get_by_role("button", name="not in git 1").click()
        assert ["desk.png", "new.png"] == names(page)
        assert "2 of 3 images" == page.get_by_role("status").text_content()
        page.get_by_label("Cause").select_option("orphan")
        assert ["new.png"] == names(page)
        page.get_by_label("Label", exact=True).select_option("rose")
        assert [] == names(page)
        page.get_by_role("button", name="Show all").click()
        assert ["desk.png", "new.png", "rose.jpg"] == names(page)
        page.get_by_label("Find").fill("ROSE")
        assert ["rose.jpg"] == names(page)


def test_filters_stand_in_the_address(browser, tmp_path):
    """A link shows what its sender saw."""
    with opened(browser, tmp_path, MOVED, RENAMED, NEW) as page:
        page.get_by_role("button", name="relabelled 1").click()
        assert page.url.endswith("#class=relabelled")
        page.reload()
        assert ["rose.jpg"] == names(page)


def test_the_page_can_be_used_without_a_mouse(browser, tmp_path):
    """Tab reaches the filters, space turns them, and j and k go from image to image."""
    with opened(browser, tmp_path, MOVED, RENAMED, NEW) as page:
        page.keyboard.press("Tab")
        assert "Skip to the images" == page.evaluate("document.activeElement.textContent")
        page.get_by_role("button", name="relabelled 1").focus()
        page.keyboard.press("Space")
        assert ["rose.jpg"] == names(page)
        page.keyboard.press("Space")
        page.locator(".card").first.focus()
        page.keyboard.press("j")
        assert "new.png" in page.evaluate("document.activeElement.textContent")
        page.keyboard.press("k")
        assert "desk.png" in page.evaluate("document.activeElement.textContent")


def test_a_screen_reader_hears_what_the_drawing_shows(browser, tmp_path):
    """The drawing is an image with a name that tells what happened."""
    with opened(browser, tmp_path, MOVED) as page:
        drawing = page.get_by_role("img").first
        assert "Box “Echo” moved (40 px right; IoU 0.69). " == drawing.get_attribute("aria-label")


def test_a_label_runs_nothing(browser, tmp_path):
    """Shown as it is written, and nothing more."""
    with opened(browser, tmp_path, RENAMED) as page:
        assert page.get_by_text("<script>window.harmed = 1</script>", exact=True).first.is_visible()
        assert page.evaluate("window.harmed") is None


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out(browser, tmp_path, width):
    """No sideways scrolling, on a phone or on a desk, with everything unfolded."""
    viewport = {"width": width, "height": 844}
    with opened(browser, tmp_path, MOVED, RENAMED, NEW, LONG, CROWDED, viewport=viewport) as page:
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        assert width == page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_to_the_upper_edge(browser, tmp_path, width):
    """The page begins with some air, on a phone too."""
    with opened(browser, tmp_path, MOVED, viewport={"width": width, "height": 844}) as page:
        assert page.locator(".product").bounding_box()["y"] >= 16


def test_a_loupe_is_round_on_a_phone(browser, tmp_path):
    """Three of them do not fit in a row: they wrap, and are not squeezed."""
    with opened(browser, tmp_path, CROWDED, viewport={"width": 390, "height": 844}) as page:
        sizes = [box.bounding_box() for box in page.locator(".loupe svg").all()]

    assert 3 == len(sizes)
    assert all(size["width"] == size["height"] for size in sizes)


def test_a_long_list_of_events_is_folded(browser, tmp_path):
    """Six boxes at first sight; the others when somebody asks."""
    with opened(browser, tmp_path, CROWDED) as page:
        assert 6 == page.locator(".events li:visible").count()
        page.get_by_text("3 more", exact=True).click()
        assert 9 == page.locator(".events li:visible").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(browser, tmp_path, scheme):
    """Every colour of text stands out from what it is written on (WCAG 2.2, 1.4.3: 4.5 to 1)."""
    with opened(browser, tmp_path, MOVED, RENAMED, NEW, color_scheme=scheme) as page:
        weak = page.evaluate(CONTRAST)

    assert [] == weak


def test_a_large_page_shows_more_when_it_is_scrolled(browser, tmp_path):
    """Few cards from the start; the others when somebody comes to them, or filters for them."""
    many = [
        item(entry(f"{n:04}.png", boxes=(ECHO,)), entry(f"{n:04}.png", boxes=(DOT,)), line=n + 1)
        for n in range(400)
    ]
    with opened(browser, tmp_path, *many) as page:
        page.wait_for_function(SETTLED)
        assert FIRST <= page.locator(".card").count() < 400
        page.get_by_label("Find").fill("0399")
        assert ["0399.png"] == names(page)
        page.get_by_label("Find").fill("")

        def scrolled_to_the_end() -> bool:
            page.mouse.wheel(0, 20_000)
            return page.locator(".card").count() == 400

        until(scrolled_to_the_end)


@pytest.mark.slow
def test_five_thousand_images_are_a_small_page(browser, tmp_path):
    """Whole are the cards near the reader, at the end and after a filter too; the last one is a key away."""
    many = [
        item(entry(f"{n:04}.png", boxes=(ECHO, DOT)), entry(f"{n:04}.png", boxes=(DOT,)), line=n + 1)
        for n in range(5_000)
    ]
    with opened(browser, tmp_path, *many) as page:
        assert (tmp_path / "drift.html").stat().st_size < 5_000_000
        last = page.locator(".card .name", has_text="4999.png")
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        last.wait_for(state="visible")
        last.scroll_into_view_if_needed()
        assert 0 <= last.bounding_box()["y"] < page.viewport_size["height"]
        assert page.locator(".card *").count() < MOST

        for part in range(0, 5_000, 250):
            page.evaluate(
                "(share) => scrollTo(0, share * document.documentElement.scrollHeight)", part / 5_000
            )
            page.wait_for_function(SETTLED)
            assert page.locator(".card *").count() < MOST

        page.get_by_role("button", name="box removed 5,000").click()
        assert "0000.png" == names(page)[0]
        assert page.locator(".card *").count() < MOST
        page.get_by_label("Find").fill("4999.png")
        assert ["4999.png"] == names(page)


def test_what_somebody_opened_stays_open(browser, tmp_path):
    """However far they scroll in between."""
    many = [item(entry(f"{n:04}.png", "x"), entry(f"{n:04}.png", "y"), line=n + 1) for n in range(400)]
    with opened(browser, tmp_path, *many) as page:
        page.locator(".card summary").first.click()
        page.locator(".card").nth(3).focus()
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        page.locator(".card .name", has_text="0399.png").wait_for()
        assert ["0000.png", "0003.png"] == names(page)[:2]
        assert 1 == page.locator(".card details[open]").count()


def test_the_keys_lead_through_a_long_page(browser, tmp_path):
    """Also to images that wait compressed; and a filter begins at its first."""
    many = [item(entry(f"{n:04}.png", "x"), entry(f"{n:04}.png", "y"), line=n + 1) for n in range(300)]
    with opened(browser, tmp_path, *many) as page:
        page.wait_for_function(SETTLED)
        page.locator(".card").first.focus()
        for _ in range(105):
            page.keyboard.press("j")
        assert "0105.png" in page.evaluate("document.activeElement.textContent")
        for _ in range(10):
            page.keyboard.press("k")
        assert "0095.png" in page.evaluate("document.activeElement.textContent")
        page.get_by_role("button", name="relabelled 300").click()
        assert page.get_by_text("0000.png", exact=True).is_visible()
        assert 0 <= page.get_by_text("0000.png", exact=True).bounding_box()["y"] < 844


def test_a_browser_that_cannot_unpack_says_so(browser, tmp_path):
    """The first images are there; that others are missing is told."""
    many = [item(entry(f"{n:04}.png", "x"), entry(f"{n:04}.png", "y"), line=n + 1) for n in range(60)]
    with opened(browser, tmp_path, *many) as page:
        assert not page.get_by_text("This browser can show the first 40 images only").is_visible()
        page.add_init_script("delete window.DecompressionStream")
        page.reload()
        page.get_by_text("This browser can show the first 40 images only").wait_for(state="visible")
        assert "0000.png" == names(page)[0]


def test_paper_holds_every_image(browser, tmp_path):
    """Nobody scrolls on it; afterwards the page is small again."""
    many = [item(entry(f"{n:04}.png", "x"), entry(f"{n:04}.png", "y"), line=n + 1) for n in range(200)]
    with opened(browser, tmp_path, *many) as page:
        page.wait_for_function(SETTLED)
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert [f"{n:04}.png" for n in range(200)] == names(page)
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert len(names(page)) < FIRST


# More elements than the cards of some screens have.
MOST = 4_000

# What is on the screen is whole.
SETTLED = """() => [...document.querySelectorAll(".card.waiting")].every((card) => {
  const { top, bottom } = card.getBoundingClientRect();
  return bottom < 0 || top > innerHeight;
})"""

# Edges of rectangles as they are drawn, their strokes left out.
ON_SCREEN = """(nodes) => nodes.map((node) => {
  const { x, y, width, height } = node.getBBox();
  const at = node.getScreenCTM();
  return [at.a * x + at.e, at.d * y + at.f, at.a * width, at.d * height];
})"""

CONTRAST = """() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const one = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * one(r) + 0.7152 * one(g) + 0.0722 * one(b);
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const found = parts(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const node of document.querySelectorAll("body *:not(svg *)")) {
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
    if (!own || !node.checkVisibility()) continue;
    const [a, b] = [light(parts(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(`${node.className || node.tagName}: ${ratio.toFixed(2)}`);
  }
  return weak;
}"""
