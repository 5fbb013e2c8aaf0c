"""The page in a real browser: what is shown, in which order, and how somebody moves in it."""

import pytest

from reconciler.core.planning.cause import Cause
from tests.browser import MARKS
from tests.reports.drift.builders import dataset, drift, entry, item
from tests.reports.drift.opened import (
    BOXED,
    CROWDED,
    LONG,
    MARKED,
    MOVED,
    NEW,
    RENAMED,
    focused,
    image_id,
    many,
    names,
    opened,
)

pytestmark = MARKS


def test_boxes_stand_where_they_are_in_the_image(browser, tmp_path):
    """A pixel of the image is a pixel of the drawing, scaled, for what git has and for what AWS has."""
    with opened(browser, tmp_path, MOVED) as page:
        (paper,) = page.locator(".tile .drawing rect.paper").evaluate_all(ON_SCREEN)
        boxes = page.locator(".tile .drawing rect.box").evaluate_all(ON_SCREEN)

    scale = paper[2] / 640
    places = [
        (round((x - paper[0]) / scale), round((y - paper[1]) / scale), round(w / scale), round(h / scale))
        for x, y, w, h in boxes
    ]
    assert sorted([(86, 65, 220, 334), (126, 65, 220, 334), (399, 251, 155, 101)]) == sorted(places)
    assert pytest.approx(480 / 640, abs=0.01) == paper[3] / paper[2]


def test_an_arrow_joins_what_moved(browser, tmp_path):
    """From the middle of one box towards the middle of the other; for what waits for an apply, back again."""
    before, after = (
        entry("a.png", boxes=(("x", 86, 65, 220, 334),)),
        entry("a.png", boxes=(("x", 126, 65, 220, 334),)),
    )
    for cause, ends in ((Cause.DRIFT_MODIFIED, (196, 236)), (Cause.SPEC_CHANGED, (236, 196))):
        with opened(browser, tmp_path, item(before, after, cause)) as page:
            line = page.locator(".tile line.arrow")
            x1, x2 = (float(line.get_attribute(name)) for name in ("x1", "x2"))

        assert ends[0] == x1
        assert abs(ends[1] - x2) < 20  # the head is beyond the line


def test_a_tile_shows_the_changed_part_and_where_it_is(browser, tmp_path):
    """Cropped to what changed; the whole image stands in a corner, with that part in it."""
    small = item(
        entry("a.png", boxes=(("x", 2_000, 1_500, 40, 30),), size=(4_000, 3_000)),
        entry("a.png", boxes=(("x", 2_010, 1_500, 40, 30),), size=(4_000, 3_000)),
    )
    with opened(browser, tmp_path, small) as page:
        x, y, width, height = map(float, page.locator(".tile .drawing").get_attribute("viewBox").split())
        assert x < 2_000 < 2_050 < x + width < 4_000
        assert y < 1_500 < 1_530 < y + height < 3_000
        assert "0 0 4000 3000" == page.locator(".tile .inset").get_attribute("viewBox")
        assert [x, y] == [float(page.locator(".inset .part").get_attribute(name)) for name in "xy"]


@pytest.mark.parametrize(("left", "corner"), [(2_000, "right"), (2_370, "left")])
def test_the_whole_image_stands_where_least_of_the_change_is(browser, tmp_path, left, corner):
    """In the lower corner that is free; a second box is in the other one."""
    low = ("y", left, 1_700, 30, 60)
    image = item(
        entry("a.png", boxes=(("x", 2_000, 1_500, 400, 30),), size=(4_000, 3_000)),
        entry("a.png", boxes=(("x", 2_000, 1_501, 400, 30), low), size=(4_000, 3_000)),
    )
    with opened(browser, tmp_path, image) as page:
        assert f"inset {corner}" == page.locator(".tile .inset").get_attribute("class")


def test_a_tile_says_what_a_box_became(browser, tmp_path):
    """The labels, from git to AWS."""
    with opened(browser, tmp_path, BOXED, address="#density=grid") as page:
        assert "relabelled: Dot → Spot" == page.locator(".tile .what").text_content()


def test_unchanged_boxes_are_thin_and_pale(browser, tmp_path):
    """What changed is drawn 2.5 pixels wide, on a casing that reads on any picture; the rest is one pixel."""
    with opened(browser, tmp_path, MOVED) as page:
        widths = page.evaluate(
            """() => ["same", "git", "aws"].map((kind) =>
            parseFloat(getComputedStyle(document.querySelector(`.tile .box.${kind}`)).strokeWidth))"""
        )
        assert [1, 2.5, 2.5] == widths
        assert page.locator(".tile rect.casing").count() == 2


def test_the_most_severe_image_comes_first(browser, tmp_path):
    """Then the one whose box moved furthest; or in the order that somebody chooses."""
    images = many(3)
    with opened(browser, tmp_path, *images, MARKED, NEW, RENAMED) as page:
        assert ["bad.png", "rose.jpg", "0000.png", "0001.png", "0002.png", "new.png"] == names(page)
        page.get_by_label("Sort").select_option("path")
        assert ["0000.png", "0001.png", "0002.png", "bad.png", "new.png", "rose.jpg"] == names(page)
        page.get_by_label("Sort").select_option("iou")
        assert ["0000.png", "0001.png", "0002.png"] == names(page)[:3]
        page.get_by_label("Sort").select_option("newest")
        assert "0000.png" == names(page)[0]
        assert page.url.endswith("#sort=newest")


def test_filters_show_what_is_asked_for(browser, tmp_path):
    """By class, by label, by cause, by part of a path; and the way back."""
    with opened(browser, tmp_path, MOVED, RENAMED, NEW) as page:
        page.get_by_role("button", name="box moved 1").click()
        assert ["desk.png"] == names(page)
        page.get_by_role("button", name="not in git 1").click()
        assert ["desk.png", "new.png"] == names(page)
        assert "2 of 3 images" == page.locator("#count").text_content()
        page.get_by_label("Cause").select_option("orphan")
        assert ["new.png"] == names(page)
        page.get_by_label("Label", exact=True).select_option("rose")
        assert [] == names(page)
        page.get_by_role("button", name="Show all").click()
        assert ["rose.jpg", "desk.png", "new.png"] == names(page)
        page.get_by_label("Find").fill("ROSE")
        assert ["rose.jpg"] == names(page)


def test_filters_stand_in_the_address(browser, tmp_path):
    """A link shows what its sender saw, also in a page that is open; what is not ours stays in it."""
    with opened(browser, tmp_path, MOVED, RENAMED, NEW, address="#c30") as page:
        assert page.url.endswith("#c30")
        page.get_by_role("button", name="relabelled 1").click()
        assert page.url.endswith("#class=relabelled&c30")
        page.reload()
        assert ["rose.jpg"] == names(page)
        page.evaluate("location.hash = '#find=new&sort=path&density=grid'")
        page.wait_for_function("document.getElementById('find').value === 'new'")
        assert ["new.png"] == names(page)
        assert "path" == page.get_by_label("Sort").input_value()
        assert "true" == page.get_by_role("button", name="Grid").get_attribute("aria-pressed")


def test_a_cell_of_the_table_shows_its_images(browser, tmp_path):
    """As many as it says; a second click, or the chip in the bar, shows all again."""
    with opened(browser, tmp_path, MOVED, RENAMED, BOXED) as page:
        cell = page.get_by_role("button", name="Dot to Spot: 1 image")
        cell.click()
        assert ["part.png"] == names(page)
        assert page.url.endswith("#from=Dot&to=Spot")
        page.reload()
        assert ["part.png"] == names(page)
        assert "true" == cell.get_attribute("aria-pressed")
        page.get_by_role("button", name="Show all, not only Dot to Spot").click()
        assert 3 == len(names(page))


def test_more_labels_keep_their_columns(browser, tmp_path):
    """Unfolded, each number stands below the head of its column, on a phone too."""
    images = [
        item(entry(f"{n}.png", f"a{n:02}"), entry(f"{n}.png", f"b{n:02}"), line=n + 1) for n in range(10)
    ]
    with opened(browser, tmp_path, *images, viewport={"width": 390, "height": 844}) as page:
        page.get_by_role("button", name="12 more labels").click()
        edges = page.locator("table.labels tr").evaluate_all(
            "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.getBoundingClientRect().right))"
        )
    assert 21 == len(edges)
    assert all(edges[0] == row for row in edges)


def test_few_images_are_cards_and_many_a_grid(browser, tmp_path):
    """Up to twelve are easier to read with their words; somebody may choose."""
    with opened(browser, tmp_path, *many(12)) as page:
        assert page.locator("#grid").get_attribute("class") == "cards"
        assert "200 px right; IoU" in page.locator(".tile .words").first.text_content()
    with opened(browser, tmp_path, *many(13)) as page:
        assert page.locator("#grid").get_attribute("class") == "grid"
        page.get_by_role("button", name="Cards").click()
        assert page.url.endswith("#density=cards")


def test_the_keys_lead_through_the_grid_from_one_tab_stop(browser, tmp_path):
    """Arrows, j and k, also at load, and to an image far away; tab leaves the grid."""
    with opened(browser, tmp_path, *many(300), viewport={"width": 1280, "height": 800}) as page:
        assert 1 == page.locator(".tile[tabindex='0']").count()
        page.keyboard.press("j")
        assert "0000.png" == focused(page)
        page.keyboard.press("ArrowDown")
        assert "0005.png" == focused(page)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("j")
        page.keyboard.press("k")
        assert "0006.png" == focused(page)
        page.keyboard.press("End")
        assert "0299.png" == focused(page)
        box = page.locator(".tile:focus").bounding_box()
        assert 0 <= box["y"]
        assert box["y"] + box["height"] <= 800
        for _ in range(5):
            page.keyboard.press("PageUp")
        assert page.locator(".tile").count() < 60
        page.keyboard.press("Home")
        assert "0000.png" == focused(page)
        page.keyboard.press("Shift+Tab")
        assert "Keys and signs" == page.evaluate("document.activeElement.ariaLabel")


def test_the_skip_link_leads_to_the_images(browser, tmp_path):
    """The first tab stop of the page; filters stay as they are."""
    with opened(browser, tmp_path, *many(3), address="#find=0002") as page:
        page.keyboard.press("Tab")
        assert "Skip to the images" == page.evaluate("document.activeElement.textContent")
        page.keyboard.press("Enter")
        assert "0002.png" == focused(page)


def test_a_screen_reader_hears_what_the_grid_shows(browser, tmp_path):
    """Each image is an option with its name, its place, and what happened."""
    with opened(browser, tmp_path, MOVED, NEW) as page:
        option = page.get_by_role("listbox", name="Images").get_by_role("option").first
        assert "desk.png: box moved. Box “Echo” moved (40 px right; IoU 0.69)" == option.get_attribute(
            "aria-label"
        )
        assert ("1", "2", "false") == tuple(
            option.get_attribute(name) for name in ("aria-posinset", "aria-setsize", "aria-selected")
        )
        tree = page.locator("main").aria_snapshot()
        for line in (
            'button "box moved 1"',
            'combobox "Sort"',
            'searchbox "Find"',
            'listbox "Images"',
            'option "desk.png: box moved. Box “Echo” moved (40 px right; IoU 0.69)"',
        ):
            assert line in tree


def test_a_tile_says_what_raises_no_alarm(browser, tmp_path):
    """What is acknowledged, and what waits for an apply, comes last and has its word."""
    known = item(entry("a.png", "a"), entry("a.png", "b"), acknowledged="labelling party")
    waiting = item(entry("b.png", "a"), None, Cause.SPEC_ADDED)
    with opened(browser, tmp_path, known, waiting, MOVED, address="#density=grid") as page:
        assert ["desk.png", "b.png", "a.png"] == names(page)
        words = page.locator(".tile .what").all_text_contents()
    assert ["box moved", "missing in AWS · apply pending", "relabelled · acknowledged"] == words


def test_a_label_runs_nothing(browser, tmp_path):
    """Shown as it is written, and nothing more."""
    with opened(browser, tmp_path, RENAMED) as page:
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        assert (
            page.locator(".panel")
            .get_by_text("<script>window.harmed = 1</script>", exact=True)
            .first.is_visible()
        )
        assert page.evaluate("window.harmed") is None


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("address", ["", "#density=grid"])
def test_nothing_sticks_out(browser, tmp_path, width, address):
    """No sideways scrolling, on a phone or on a desk; the bar is one row on a desk."""
    viewport = {"width": width, "height": 844}
    images = (MOVED, RENAMED, NEW, LONG, CROWDED, BOXED, MARKED)
    with opened(browser, tmp_path, *images, address=address, viewport=viewport) as page:
        assert width == page.evaluate("document.documentElement.scrollWidth")
        assert page.locator(".bar").bounding_box()["height"] < (110 if width < 600 else 60)
        if width < 600:
            page.get_by_role("button", name="Filter and sort").click()
            assert page.get_by_label("Sort").is_visible()
            assert width == page.evaluate("document.documentElement.scrollWidth")


def test_a_phone_shows_two_columns(browser, tmp_path):
    """Of equal width, within the screen."""
    with opened(browser, tmp_path, *many(20), viewport={"width": 390, "height": 844}) as page:
        boxes = [tile.bounding_box() for tile in page.locator(".tile").all()[:4]]

    assert 2 == len({box["x"] for box in boxes})
    assert all(150 < box["width"] < 195 for box in boxes)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_controls_contrast_with_their_ground(browser, tmp_path, scheme):
    """Text by 4.5 to 1, the border of a control by 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11)."""
    images = (MOVED, RENAMED, NEW, MARKED, BOXED)
    with opened(browser, tmp_path, *images, color_scheme=scheme) as page:
        page.keyboard.press("j")
        page.keyboard.press("x")
        assert [] == page.evaluate(CONTRAST)
        page.keyboard.press("Enter")
        page.locator("dialog summary").first.click()
        assert [] == page.evaluate(CONTRAST)


def test_a_link_to_an_image_filters_nothing(browser, tmp_path):
    """The image opens over the whole grid, in its place."""
    with opened(browser, tmp_path, *many(50), address=f"#image={image_id('0040.png')}") as page:
        assert "0040.png" == page.locator("#title .name").text_content()
        assert "41 of 50" == page.locator("#position").text_content()
        page.keyboard.press("Escape")
        page.wait_for_function("location.hash === ''")
        assert "0040.png" == focused(page)


def test_images_of_several_datasets_are_distinguished(browser, tmp_path):
    """A filter by dataset, and its name at each image."""
    report = drift(dataset(MOVED, name="train"), dataset(RENAMED, name="test"))
    with opened(browser, tmp_path, report=report) as page:
        page.get_by_label("Dataset").select_option("test")
        assert ["rose.jpg"] == names(page)
        assert "test · changed in AWS" in page.locator(".tile .words").text_content()


@pytest.mark.slow
def test_five_thousand_images_stay_fluid(browser, tmp_path):
    """Few elements wherever somebody is; the last image is a key away, and a filter is applied at once."""
    with opened(browser, tmp_path, *many(5_000)) as page:
        assert (tmp_path / "drift.html").stat().st_size < 5_000_000
        for share in (0, 0.3, 0.7, 1):
            page.evaluate("(share) => scrollTo(0, share * document.documentElement.scrollHeight)", share)
            page.wait_for_function(SETTLED)
            assert page.locator("#grid *").count() < 2_500
        page.keyboard.press("j")
        page.keyboard.press("End")
        assert "4999.png" == focused(page)
        assert page.evaluate(FILTER_MILLISECONDS) < 300
        assert ["4321.png"] == names(page)


# A tile is on the screen.
SETTLED = """() => [...document.querySelectorAll(".tile")].some((tile) => {
  const { top, bottom } = tile.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
})"""

FILTER_MILLISECONDS = """async () => {
  const find = document.getElementById("find");
  find.value = "4321.png";
  const start = performance.now();
  find.dispatchEvent(new Event("input"));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""

# Edges of rectangles as they are drawn, their strokes left out.
ON_SCREEN = """(nodes) => nodes.map((node) => {
  const { x, y, width, height } = node.getBBox();
  const at = node.getScreenCTM();
  return [at.a * x + at.e, at.d * y + at.f, at.a * width, at.d * height];
})"""

CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parts = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const one = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * one(r) + 0.7152 * one(g) + 0.0722 * one(b);
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const found = parts(getComputedStyle(node).backgroundColor);
      if (found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const ratio = (one, other) => {
    const [a, b] = [light(one), light(other)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const weak = [];
  const named = (node) => `${node.tagName} ${node.id} ${node.className}`;
  const top = document.querySelector("dialog[open]") ?? document.body;
  for (const node of top.querySelectorAll("*:not(svg *)")) {
    if (!node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
    const text = ratio(parts(style.color), ground(node));
    if (own && text < 4.5) weak.push(`text ${named(node)}: ${text.toFixed(2)}`);
    if (node.matches(".control:not(:disabled), select, input[type=search], .kind, .modes span")) {
      const edge = ratio(parts(style.borderTopColor), ground(node.parentElement));
      const fill = ratio(ground(node), ground(node.parentElement));
      if (Math.max(edge, fill) < 3) weak.push(`control ${named(node)}: ${edge.toFixed(2)}`);
    }
  }
  return weak;
}"""
