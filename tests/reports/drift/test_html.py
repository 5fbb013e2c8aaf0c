"""The page, as text: what stands in it, and what never does."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import orjson
import pytest

from reconciler.core.planning.plan import PlanError
from reconciler.core.validation.problem import Origin
from reconciler.reports.drift.html import FIRST, drift_page, relabelled
from reconciler.reports.pictures import Detail, Thumbnail
from tests.reports.drift.builders import BUCKET, dataset, drift, entry, item

ECHO = ("Echo", 86, 65, 220, 334)
DOT = ("Dot", 399, 251, 155, 101)
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
    return b"".join(drift_page(drift(dataset(*items, **more)))).decode()


def data(text: str) -> dict:
    """Return the data of a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return orjson.loads(found[1])


def images(*items, **more) -> list[dict]:
    return data(page(*items, **more))["images"]


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

    for tag, attributes in (("style", ""), ("script", ' type="module"')):
        own = re.search(rf"<{tag}{attributes}>(.*?)</{tag}>", hostile_page(), re.DOTALL)
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


def test_the_data_cannot_end_its_element():
    """It stands in the page as JSON, in which no element can be closed and nothing hides its neighbours."""
    text = hostile_page()
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)

    assert found is not None
    assert "<" not in found[1]
    (image,) = data(text)["images"]
    assert f"{BUCKET}{HOSTILE}.png" == image["ref"]
    assert ['" onload="alert(1)', "\\u202eevil"] == image["gained"]


def test_a_source_ref_is_kept_as_it_is_and_shown_in_sight():
    """A command needs the very text; a reader sees what is in it."""
    ref = "turned\u202egnp.exe"
    (image,) = images(item(entry(ref, "a"), entry(ref, "b")))

    assert f"{BUCKET}{ref}" == image["ref"]
    assert f"{BUCKET}turned\\u202egnp.exe" == image["shown"]


def test_images_stand_in_order_of_severity():
    """Errored, missing, relabelled, removed, added, moved by 1 - IoU, not in git, metadata only."""
    later = entry("8.png", "rose")
    later["label0-metadata"]["creation-date"] = "2027-01-01T00:00:00"
    near, far = (("Echo", left, 65, 220, 334) for left in (90, 200))
    found = images(
        item(entry("8.png", "rose"), later),
        item(None, entry("7.png")),
        item(entry("5.png", boxes=(ECHO,)), entry("5.png", boxes=(near,))),
        item(entry("6.png", boxes=(ECHO,)), entry("6.png", boxes=(far,))),
        item(entry("4.png", boxes=(ECHO,)), entry("4.png", boxes=(ECHO, DOT))),
        item(entry("3.png", boxes=(ECHO, DOT)), entry("3.png", boxes=(ECHO,))),
        item(entry("2.png", "a"), entry("2.png", "b")),
        item(entry("1.png", "a"), None),
        item(entry("0.png", "a"), entry("0.png", "a"), codes=("ERROR_INVALID_IMAGE",)),
    )

    assert ["0", "1", "2", "3", "4", "6", "5", "7", "8"] == [
        one["ref"].removeprefix(BUCKET)[0] for one in found
    ]


def test_an_image_is_named_by_the_digest_of_its_source_ref():
    """Eight hexadecimal digits of SHA-256: the same in every report, so that a link can be sent."""
    (image,) = images(item(entry("a.png", "x"), entry("a.png", "y")))

    assert sha256(f"{BUCKET}a.png".encode()).hexdigest()[:8] == image["id"]


def test_the_numbers_are_those_of_the_other_renderings():
    """The classes of the page count what the document counts."""
    found = dataset(
        item(entry("a.png", "a"), entry("a.png", "b", boxes=(ECHO,))),
        item(entry("b.png", boxes=(ECHO,)), entry("b.png", boxes=(ECHO, DOT))),
        item(None, entry("c.png")),
    )
    shown = {
        one["data-class"]: one["aria-label"]
        for one in Elements(b"".join(drift_page(drift(found))).decode()).of("button")
        if "data-class" in one
    }

    assert {"relabelled": "relabelled 1", "box_added": "box added 2", "unmanaged": "not in git 1"} == shown
    assert {kind: int(text.rpartition(" ")[2]) for kind, text in shown.items()} == {
        kind.value: number for kind, number in found.counts.items() if number
    }
    assert "2 of 100 images changed in AWS, outside git; 1 more is not in git." in page(*found.items)


def test_relabelled_images_are_a_table_from_git_to_aws():
    """A cell counts the images that a click on it leaves."""
    found = relabelled(
        dataset(
            item(entry("a", boxes=(ECHO,)), entry("a", boxes=(("Dot", *ECHO[1:]),))),
            item(entry("b", boxes=(ECHO, ECHO)), entry("b", boxes=(("Dot", *ECHO[1:]),) * 2)),
            item(entry("c", "rose"), entry("c", "tulip")),
        )
    )

    assert found is not None
    assert ("Dot", "tulip") == found.after
    assert [("Echo", [2, 0]), ("rose", [0, 1])] == [
        (before, [cell.number for cell in cells]) for before, cells in found.rows
    ]
    assert [4, 0, 0, 2] == [cell.shade for _, cells in found.rows for cell in cells]
    assert 0 == found.left_out
    assert relabelled(dataset(item(None, entry("c")))) is None


def test_a_large_table_of_relabelled_images_keeps_the_most_frequent():
    """Eight labels a side; what has no place is counted."""
    rare = [item(entry(f"r{n}", f"a{n}"), entry(f"r{n}", f"b{n}")) for n in range(20)]
    found = relabelled(dataset(*rare, *(item(entry(f"z{n}", "z"), entry(f"z{n}", "y")) for n in range(3))))

    assert found is not None
    assert (8, 8) == (len(found.rows), len(found.after))
    assert ("z", 3) == (found.rows[-1][0], found.rows[-1][1][-1].number)
    assert 21 - 8 == found.left_out


def test_all_labels_stand_in_one_table():
    """Those that are folded have the columns of the others."""
    many = [item(entry(f"{n}", f"a{n:02}"), entry(f"{n}", f"b{n:02}")) for n in range(10)]
    elements = Elements(page(*many))

    assert 1 == sum("labels" == table.get("class") for table in elements.of("table"))
    assert [{"class": "rest", "id": "rest0", "hidden": None}] == [
        body for body in elements.of("tbody") if body.get("class") == "rest"
    ]


def test_the_tables_of_many_datasets_are_folded():
    """The images are near the top of a page, also with a dozen datasets; up to three show their tables."""
    few, more = (
        b"".join(
            drift_page(
                drift(*(dataset(item(entry("a", "x"), entry("a", "y")), name=f"d{n}") for n in range(number)))
            )
        ).decode()
        for number in (3, 4)
    )

    assert [] == Elements(few).of("details")
    assert 4 == len([one for one in Elements(more).of("details") if "open" not in one])


def test_a_page_without_drift_has_no_tools():
    """Nothing to filter; the verdict is all that is said."""
    text = page()

    assert "97 images are as git desires" in text
    assert "<script" not in text


def test_readers_without_scripts_get_the_first_images_in_words():
    """And the number of the others."""
    many = [item(entry(f"{n:03}", "a"), entry(f"{n:03}", "b"), line=n + 1) for n in range(FIRST + 2)]
    inside = re.search(r"<noscript>(.*?)</noscript>", page(*many), re.DOTALL)

    assert inside is not None
    assert FIRST == inside[1].count("<li>")
    assert "“a” became “b”" in inside[1]
    assert "2 more images are shown where scripts may run." in inside[1]


@pytest.mark.parametrize(
    ("desired", "observed", "only"), [("x", None, "git"), (None, "x", "aws"), ("x", "y", None)]
)
def test_an_image_says_which_sides_have_it(desired, observed, only):
    """A frame shows it: solid for what git alone knows, dashed for what AWS alone holds."""
    sides = (entry("a", side) if side else None for side in (desired, observed))
    (image,) = images(item(*sides))

    assert only == image.get("only")


def test_a_picture_stands_in_the_page_once():
    """The whole, and its detail with its place."""
    moved = item(entry("a.png", boxes=(ECHO,)), entry("a.png", boxes=(("Echo", 88, 65, 220, 334),)))
    detail = Detail("data:image/webp;base64,BBBB", (1, 2, 30, 40))
    picture = Thumbnail("data:image/webp;base64,AAAA", 640, 480, detail)

    text = b"".join(drift_page(drift(dataset(moved)), {moved.source_ref: picture})).decode()

    assert 1 == text.count("base64,AAAA")
    (image,) = data(text)["images"]
    assert ["data:image/webp;base64,BBBB", 1, 2, 30, 40] == image["detail"]
