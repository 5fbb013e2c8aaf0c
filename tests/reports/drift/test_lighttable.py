"""The light table: one image, large, and both sides of it."""

import pytest

from reconciler.reports.pictures import Detail, Thumbnail
from tests.browser import MARKS
from tests.reports.drift.builders import entry, item
from tests.reports.drift.opened import BOXED, CROWDED, MOVED, NEW, STACKED, image_id, many, opened
from tests.waiting import until

pytestmark = MARKS

SMALL = item(
    entry("small.png", boxes=(("x", 2_000, 1_500, 40, 30), ("y", 9, 9, 90, 90)), size=(4_000, 3_000)),
    entry("small.png", boxes=(("x", 2_010, 1_500, 40, 30), ("y", 9, 9, 90, 90)), size=(4_000, 3_000)),
)


def view(page) -> list[float]:
    return [float(part) for part in page.locator(".canvas").first.get_attribute("viewBox").split()]


def sides(page) -> list[str]:
    """Return which sides of changed boxes are drawn, pane by pane."""
    return page.locator(".pane").evaluate_all(
        """(panes) => panes.map((pane) => ["git", "aws"]
        .filter((side) => pane.querySelector(`.side.${side} .box`)).join(" "))"""
    )


def test_an_image_has_an_address(browser, tmp_path):
    """Eight digits of its digest: the link opens it, the keys change it, and closing takes it away."""
    with opened(browser, tmp_path, *many(20)) as page:
        page.locator(".tile").nth(3).click()
        assert page.url.endswith(f"#image={image_id('0003.png')}")
        page.keyboard.press("j")
        assert page.url.endswith(f"#image={image_id('0004.png')}")
        page.reload()
        assert "0004.png" == page.locator("#title .name").text_content()
        page.keyboard.press("k")
        page.keyboard.press("Escape")
        until(lambda: page.evaluate("location.hash") == "")
        assert not page.locator("#lighttable").is_visible()
        assert "0003.png" == page.evaluate("document.activeElement.image.name")


def test_back_closes_an_open_image(browser, tmp_path):
    """On a phone nothing else is at hand; what was selected meanwhile stays, and the page is not left."""
    with opened(browser, tmp_path, SMALL, MOVED) as page:
        page.locator("#grid .tile").first.click()
        page.wait_for_selector("#lighttable[open]")
        page.keyboard.press("x")
        assert "image=" in page.url

        page.go_back()
        page.wait_for_selector("#lighttable:not([open])", state="attached")
        until(lambda: "image=" not in page.evaluate("location.hash"))
        assert "1 selected" == page.inner_text("#selected")
        assert "selected=" in page.url

        page.go_forward()
        page.wait_for_selector("#lighttable[open]")


def test_closing_an_image_leaves_no_step_behind(browser, tmp_path):
    """Images that were closed by Esc need no Back of their own."""
    with opened(browser, tmp_path, SMALL, MOVED) as page:
        before = page.evaluate("history.length")
        for _ in range(3):
            page.locator("#grid .tile").first.click()
            page.keyboard.press("j")
            page.keyboard.press("Escape")
            until(lambda: "image=" not in page.evaluate("location.hash"))
        assert page.evaluate("history.length") <= before + 1


def test_a_link_to_an_image_is_copied(browser, tmp_path):
    """Two steps to show it to somebody: open it, copy its address."""
    permissions = ["clipboard-read", "clipboard-write"]
    with opened(browser, tmp_path, *many(20), permissions=permissions) as page:
        page.locator(".tile").nth(3).click()
        page.get_by_role("button", name="Copy link").click()
        page.get_by_role("button", name="Copied").wait_for()
        assert page.url == page.evaluate("navigator.clipboard.readText()")


def test_both_sides_can_be_seen_alone_together_and_beside_one_another(browser, tmp_path):
    """By buttons and by keys."""
    with opened(browser, tmp_path, MOVED, address=f"#image={image_id('desk.png')}") as page:
        assert ["git aws"] == sides(page)
        page.get_by_role("radio", name="Side by side").check()
        assert ["git", "aws"] == sides(page)
        page.keyboard.press("2")
        assert ["git"] == sides(page)
        page.keyboard.press("3")
        assert ["aws"] == sides(page)
        page.keyboard.press("1")
        assert ["git aws"] == sides(page)


def test_a_slider_fades_from_git_to_aws(browser, tmp_path):
    """In the middle both are whole; at an end the other side is gone."""
    with opened(browser, tmp_path, MOVED, address=f"#image={image_id('desk.png')}") as page:
        slider = page.get_by_role("slider", name="From git to AWS")
        seen = []
        for value in ("0", "50", "100"):
            slider.fill(value)
            seen.append(
                page.evaluate(
                    """["git", "aws"].map((side) =>
                    Number(getComputedStyle(document.querySelector(`.canvas .side.${side}:has(.box)`)).opacity))"""
                )
            )
        assert [[1, 0], [1, 1], [0, 1]] == seen


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_space_shows_the_sides_in_turn_as_long_as_it_is_held(browser, tmp_path, motion):
    """Git at once, then AWS by itself, unless somebody prefers less motion."""
    address = f"#image={image_id('desk.png')}"
    with opened(browser, tmp_path, MOVED, address=address, reduced_motion=motion) as page:
        page.clock.install(time=0)
        page.clock.pause_at(3_600)
        page.keyboard.down(" ")
        assert ["git"] == sides(page)
        page.clock.run_for(600)
        assert (["aws"] if motion == "no-preference" else ["git"]) == sides(page)
        page.keyboard.up(" ")
        assert ["git aws"] == sides(page)


def test_zoom_goes_to_the_change_and_back(browser, tmp_path):
    """`z` shows the part that changed, `0` all of it; a wheel zooms about the pointer, and a drag moves."""
    with opened(browser, tmp_path, SMALL, address=f"#image={image_id('small.png')}") as page:
        x, y, width, height = view(page)
        assert x < 0 < 4_000 < x + width
        assert y < 0 < 3_000 < y + height
        page.keyboard.press("z")
        x, _, width, _ = view(page)
        assert 1_000 < x < 2_000 < 2_050 < x + width < 3_000
        box = page.locator(".canvas").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.move(*middle)
        page.mouse.wheel(0, -300)
        page.wait_for_function(
            "(before) => document.querySelector('.canvas').viewBox.baseVal.width < before", arg=width - 1
        )
        after = view(page)
        assert pytest.approx(x + width / 2, abs=1) == after[0] + after[2] / 2
        page.mouse.down()
        page.mouse.move(middle[0] + 100, middle[1])
        page.mouse.up()
        assert pytest.approx(after[0] - 100 * after[2] / box["width"], abs=1) == view(page)[0]
        page.keyboard.press("0")
        assert view(page)[0] < 0


def test_unchanged_boxes_can_be_hidden(browser, tmp_path):
    """`u` hides them, and shows them again."""
    with opened(browser, tmp_path, MOVED, address=f"#image={image_id('desk.png')}") as page:
        same = page.locator(".canvas .box.same")
        assert same.is_visible()
        page.keyboard.press("u")
        assert not same.is_visible()
        page.keyboard.press("u")
        assert same.is_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("image", "number"), [(CROWDED, 9), (STACKED, 6), (MOVED, 1), (BOXED, 1), (NEW, 1)])
def test_captions_cover_no_changed_box_and_no_other_caption(browser, tmp_path, width, image, number):
    """Each stands outside every changed box, joined to its own by a line that touches it."""
    name = image.source_ref.rpartition("/")[2]
    address, viewport = f"#image={image_id(name)}", {"width": width, "height": 844}
    with opened(browser, tmp_path, image, address=address, viewport=viewport) as page:
        captions, boxes, lines = page.evaluate(
            """() => ["g.caption > rect", ".canvas .side .box", "line.leader"].map((found) =>
            [...document.querySelectorAll(`.pane ${found}`)].map((one) => {
              const { left, top, right, bottom } = one.getBoundingClientRect();
              return [left, top, right, bottom];
            }))"""
        )

    assert number == len(captions) == len(lines)
    for at, caption in enumerate(captions):
        assert not [other for other in [*boxes, *captions[:at]] if overlap(caption, other)]
    for line in lines:
        assert any(overlap(line, box, room=3) for box in boxes)


def overlap(one: list[float], other: list[float], room: float = 0) -> bool:
    return (
        one[0] < other[2] + room
        and other[0] < one[2] + room
        and one[1] < other[3] + room
        and other[1] < one[3] + room
    )


def test_captions_wait_until_there_is_room_for_them(browser, tmp_path):
    """Of a hundred boxes none is named, and a hint says what to do; closer, those in view are."""
    before, after = (
        entry("a.png", boxes=tuple((f"n{n}", 60 * (n % 10), 45 * (n // 10) + up, 30, 20) for n in range(100)))
        for up in (0, 2)
    )
    with opened(browser, tmp_path, item(before, after), address=f"#image={image_id('a.png')}") as page:
        assert page.get_by_text("Zoom in to see the labels").is_visible()
        assert 0 == page.locator("g.caption").count()
        for _ in range(4):
            page.keyboard.press("+")
        assert not page.get_by_text("Zoom in to see the labels").is_visible()
        assert 0 < page.locator("g.caption").count() <= 40


def test_overlap_is_given_in_words_and_explained(browser, tmp_path):
    """Not in the drawing."""
    with opened(browser, tmp_path, MOVED, address=f"#image={image_id('desk.png')}") as page:
        panel = page.get_by_label("What changed")
        assert panel.get_by_text("40 px right; IoU 0.69").is_visible()
        assert panel.get_by_text("the area that both boxes share").is_visible()
        assert ["Echo"] == page.locator("g.caption text").all_text_contents()


def test_lines_mark_only_what_differs(browser, tmp_path):
    """Git above AWS, in one column, so that a phone shows both."""
    viewport = {"width": 390, "height": 844}
    with opened(
        browser, tmp_path, MOVED, address=f"#image={image_id('desk.png')}", viewport=viewport
    ) as page:
        lines = page.get_by_role("region", name="Lines of git and of AWS")
        assert ["86", "126"] == lines.locator("mark").all_text_contents()
        edges = lines.locator("li.git, li.aws").evaluate_all(
            "(rows) => rows.map((row) => row.getBoundingClientRect()).map(({ left, right }) => [left, right])"
        )
        assert 2 == len(edges)
        assert edges[0] == edges[1]
        assert edges[0][1] <= 390


def test_a_phone_shows_the_table_on_the_whole_screen(browser, tmp_path):
    """And everything in it within the screen."""
    viewport = {"width": 390, "height": 844}
    with opened(
        browser, tmp_path, MOVED, address=f"#image={image_id('desk.png')}", viewport=viewport
    ) as page:
        assert {"x": 0, "y": 0, "width": 390, "height": 844} == page.locator("#lighttable").bounding_box()
        for control in page.locator("#lighttable button:visible, #lighttable input:visible").all():
            box = control.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390


def test_a_detail_lies_where_it_was_cut_out(browser, tmp_path):
    """Over the whole picture, so that a zoom shows the pixels of the source."""
    pixel = "data:image/webp;base64,UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
    picture = Thumbnail(pixel, 4_000, 3_000, Detail(pixel, (1_900, 1_400, 240, 180)))
    thumbnails = {SMALL.source_ref: picture}
    with opened(
        browser, tmp_path, SMALL, thumbnails=thumbnails, address=f"#image={image_id('small.png')}"
    ) as page:
        placed = page.locator(".canvas image").evaluate_all(
            "(all) => all.map((one) => ['x', 'y', 'width', 'height'].map((name) => one.getAttribute(name)))"
        )
    assert [[None, None, "4000", "3000"], ["1900", "1400", "240", "180"]] == placed


def test_a_screen_reader_hears_what_the_table_shows(browser, tmp_path):
    """The dialog has the name of the image, the drawing what happened, each control its own."""
    with opened(browser, tmp_path, MOVED, address=f"#image={image_id('desk.png')}") as page:
        tree = page.get_by_role("dialog").aria_snapshot()
    for line in (
        'heading "s3://acme-flowers/train/ desk.png" [level=2]',
        'checkbox "Select"',
        'img "desk.png: box moved. Box “Echo” moved (40 px right; IoU 0.69)"',
        'radio "Overlay" [checked]',
        'slider "From git to AWS"',
        'button "Unchanged" [pressed]',
    ):
        assert line in tree


def test_two_fingers_zoom(browser, tmp_path):
    """About the middle between them."""
    with opened(browser, tmp_path, SMALL, address=f"#image={image_id('small.png')}") as page:
        before = view(page)
        page.evaluate(PINCH)
        after = view(page)

    assert pytest.approx(before[2] / 2) == after[2]
    assert pytest.approx(before[0] + before[2] / 2, abs=2) == after[0] + after[2] / 2


# Two pointers that part from one another to twice their distance.
PINCH = """() => {
  const panes = document.getElementById("panes");
  panes.setPointerCapture = () => {};
  const pane = panes.firstElementChild;
  const { left, top, width, height } = pane.getBoundingClientRect();
  const [x, y] = [left + width / 2, top + height / 2];
  const send = (type, pointerId, clientX) =>
    pane.dispatchEvent(new PointerEvent(type, { pointerId, clientX, clientY: y, bubbles: true }));
  send("pointerdown", 1, x - 50);
  send("pointerdown", 2, x + 50);
  for (let by = 1; by <= 50; by++) {
    send("pointermove", 1, x - 50 - by);
    send("pointermove", 2, x + 50 + by);
  }
}"""
