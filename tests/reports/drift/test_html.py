"""The page, as text: what stands in it, and what never does."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import orjson
import pytest

from reconciler.core.drift.kinds import view_of
from reconciler.core.planning.plan import PlanError
from reconciler.core.validation.problem import Origin
from reconciler.reports.drift.drawing import Side, draw
from reconciler.reports.drift.html import FIRST, render_html
from reconciler.reports.thumbnails import Thumbnail
from tests.reports.drift.builders import dataset, drift, entry, item

ECHO = ("Echo", 86, 65, 220, 334)
HOSTILE = "<script>alert('x')</script>"


class Elements(HTMLParser):
    """Every element of a page, with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def page(*items, **more) -> str:
    return "".join(render_html(drift(dataset(*items, **more))))


def hostile_page() -> str:
    """A page in which everything that comes from outside is out to do harm."""
    desired = entry(f"{HOSTILE}.png", HOSTILE, boxes=((HOSTILE, 1, 2, 30, 40),))
    observed = entry(f"{HOSTILE}.png", '" onload="alert(1)', "\u202eevil", boxes=(("</svg>", 1, 2, 30, 40),))
    return page(
        item(desired, observed, acknowledged=HOSTILE),
        name=HOSTILE,
        errors=(PlanError(HOSTILE, HOSTILE, Origin(HOSTILE, 1)),),
        leaked=(HOSTILE,),
        path=Origin(HOSTILE, 1),
    )


def test_the_page_needs_nothing_else():
    """No address that a browser would fetch, in whatever attribute."""
    elements = Elements(page(item(entry("a.png", "x"), entry("a.png", "y"))))

    fetching = {"src", "href", "action", "data", "poster", "srcset"}
    addresses = [
        value for _, attributes in elements.found for key, value in attributes.items() if key in fetching
    ]
    assert ["#images"] == addresses
    assert [] == elements.of("link")


def test_the_page_allows_its_own_style_and_script_only():
    """Its policy names them by their digests; nothing else may run, and no handler stands in an attribute."""
    elements = Elements(hostile_page())
    (policy,) = [meta["content"] for meta in elements.of("meta") if "http-equiv" in meta]

    for tag in ("style", "script"):
        own = re.search(rf"<{tag}>(.*?)</{tag}>", hostile_page(), re.DOTALL)
        assert own is not None
        digest = b64encode(sha256(own[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert [] == [key for _, attributes in elements.found for key in attributes if key.startswith("on")]
    assert [] == [key for _, attributes in elements.found for key in attributes if key == "style"]


def test_whatever_comes_from_outside_is_text():
    """A label called <script> is a label: two script elements, both ours."""
    text = hostile_page()

    assert 2 == len(Elements(text).of("script"))
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text


def test_what_waits_in_the_page_cannot_end_its_element():
    """Cards beyond the first stand in it as JSON, in which no element can be closed."""
    items = [
        item(
            entry(f"{n:03}{HOSTILE}.png", HOSTILE), entry(f"{n:03}{HOSTILE}.png", "</script><b>"), line=n + 1
        )
        for n in range(FIRST + 2)
    ]

    text = page(*items)

    waiting = re.search(r'<script type="application/json" id="rest">(.*?)</script>', text, re.DOTALL)
    assert waiting is not None
    assert 2 == len(orjson.loads(waiting[1]))
    assert "<" not in waiting[1]
    assert 2 == len(Elements(text).of("script"))


def test_every_image_has_a_drawing():
    """Also one without a picture, a size, or a box."""
    moved = item(entry("a.png", boxes=(ECHO,)), entry("a.png", boxes=(("Echo", 91, 65, 220, 334),)))
    text = page(moved, item(entry("b.png", "x"), entry("b.png", "y")), item(None, entry("c.png")))

    assert 3 == text.count('<svg class="canvas')


def test_a_page_without_drift_has_no_tools():
    """Nothing to filter; the verdict is all that is said."""
    text = page()

    assert "97 images are as git desires" in text
    assert "<script" not in text


@pytest.mark.parametrize(
    ("desired", "observed", "frame"),
    [
        (entry("a"), None, Side.GIT),
        (None, entry("a"), Side.AWS),
        (entry("a"), entry("a", "x"), Side.BOTH),
    ],
)
def test_the_frame_shows_which_sides_have_the_image(desired, observed, frame):
    """Solid for what git alone knows, dashed for what AWS alone holds."""
    assert frame is draw(view_of(desired, observed)).frame


def test_a_box_that_moved_is_drawn_twice_and_joined():
    """Solid where git has it, dashed where AWS has it, an arrow between, and their overlap."""
    drawn = draw(view_of(entry("a", boxes=(ECHO,)), entry("a", boxes=(("Echo", 186, 65, 220, 334),))))

    assert [(86, Side.GIT), (186, Side.AWS)] == [(rect.x, rect.side) for rect in drawn.rects]
    assert [(196, 232)] == [(arrow.x1, arrow.y1) for arrow in drawn.arrows]
    assert ["Echo  IoU 0.38"] == [note.text for note in drawn.notes]


def test_a_small_move_is_enlarged():
    """Five pixels of six hundred cannot be seen: a loupe shows the corner that moved."""
    drawn = draw(view_of(entry("a", boxes=(ECHO,)), entry("a", boxes=(("Echo", 91, 65, 220, 334),))))

    (loupe,) = drawn.loupes
    assert ("5 px", 10) == (loupe.text, loupe.half)
    assert 10 == loupe.rects[1].x - loupe.rects[0].x + 5


def test_the_canvas_has_the_proportions_of_the_image():
    """As stated by the line; else it holds every box."""
    tall = draw(view_of(entry("a", boxes=(ECHO,), size=(480, 640)), None))

    assert (480, 640, True) == (tall.width, tall.height, tall.sized)
    assert pytest.approx(480 / 640, abs=0.01) == tall.shown[0] / tall.shown[1]


def test_what_waits_for_an_apply_is_drawn_as_what_an_apply_will_do():
    """Git moved the box: the arrow leads from where AWS has it to where git has it."""
    desired, observed = entry("a.png", boxes=(ECHO,)), entry("a.png", boxes=(("Echo", 186, 65, 220, 334),))
    (there,) = draw(view_of(desired, observed)).arrows
    (back,) = draw(view_of(desired, observed), pending=True).arrows

    assert there.x1 < there.x2
    assert back.x1 > back.x2


def test_a_label_ends_where_its_image_does():
    """Cut, with an ellipsis, and its figure kept."""
    desired = entry("a.png", boxes=(("x" * 200, 86, 65, 220, 334),))
    observed = entry("a.png", boxes=(("x" * 200, 186, 65, 220, 334),))
    (note,) = draw(view_of(desired, observed)).notes

    assert note.text.endswith("x…  IoU 0.38")
    assert len(note.text) < 60


def test_the_size_of_an_image_hides_no_box():
    """It is left out where a box lies in its corner."""
    assert draw(view_of(entry("a.png", boxes=(ECHO,)), None)).has_room
    assert not draw(view_of(entry("a.png", boxes=(("corner", 600, 440, 40, 40),)), None)).has_room


def test_a_loupe_enlarges_the_picture():
    """What the box was moved on is seen through it, and the picture stands in the page once."""
    moved = item(entry("a.png", boxes=(ECHO,)), entry("a.png", boxes=(("Echo", 88, 65, 220, 334),)))
    picture_of_it = {moved.source_ref: Thumbnail("data:image/webp;base64,AAAA", 640, 480)}

    text = "".join(render_html(drift(dataset(moved)), picture_of_it))

    assert 1 == text.count("data:image/webp")
    assert 1 == text.count('AAAA" id="p1"')
    assert 1 == text.count('<use href="#p1"/>')


def test_a_small_box_with_another_label_gets_a_loupe():
    """It did not move, and could hardly be seen; a large one can."""
    small = view_of(
        entry("a.png", boxes=(("a", 9, 9, 20, 30),)), entry("a.png", boxes=(("b", 9, 9, 20, 30),))
    )
    large = view_of(entry("a.png", boxes=(ECHO,)), entry("a.png", boxes=(("b", *ECHO[1:]),)))

    (loupe,) = draw(small).loupes
    assert (19, 24, 30, "20 × 30 px") == (loupe.x, loupe.y, loupe.half, loupe.text)  # noqa: RUF001
    assert () == draw(large).loupes
