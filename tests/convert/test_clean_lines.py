"""Lines that are composed without asking the rules are those that the rules find nothing in."""

from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.convert.clean_lines import clean_line
from reconciler.convert.compose import convert
from reconciler.convert.record import LabelledBox, LabelledImage, Options
from reconciler.core.validation.line import check_line
from reconciler.core.validation.problem import Origin

BASE = "s3://acme/train/"
USUAL = LabelledImage(
    "x/a.jpg",
    Origin("a.json", 1),
    boxes=(),
    size=(640, 480),
    created_at="2026-03-01T12:00:00",
    rounded=(
        LabelledBox("bee", 1, 2, 30, 40),
        LabelledBox("queen", 5, 6, 70, 80),
        LabelledBox("bee", 0, 0, 640, 480),
    ),
)

labels = st.sampled_from(["bee", "queen", "é", "a\u200b", " bee", "", "x" * 256, '"', "“bee"]) | st.text(
    max_size=3
)
sides = st.sampled_from([3, 63, 64, 640, 1280, 1281, 4096, 4097, 8000])


@st.composite
def images(draw: st.DrawFn) -> LabelledImage:
    """Draw an image as readers promise it: boxes within the image and longer than a pixel."""
    size = (draw(sides), draw(sides), *draw(st.sampled_from([(), (1,), (3,)])))
    boxes = []
    for _ in range(draw(st.integers(0, 4)) or draw(st.sampled_from([0, 50, 51]))):
        (left, width), (top, height) = (
            (start, draw(st.integers(2, min(side - start, 20)) | st.just(side - start)))
            for side in size[:2]
            for start in [draw(st.integers(0, side - 2))]
        )
        boxes.append(LabelledBox(draw(labels), left, top, width, height))
    dates = st.sampled_from(["2026-03-01T12:00:00", "2026-03-01T12:00:00.5Z", "2026-03-01", "soon", None])
    names = st.sampled_from(["a.jpg", "x/b.PNG", "c", "../d.jpg", "é.jpg", "s3://b/e.jpg"])
    return replace(USUAL, name=draw(names), size=size, rounded=tuple(boxes), created_at=draw(dates))


@given(images(), st.sampled_from([BASE, "s3://acme", "s3://acme/a\\b/", "s3://acme/\u200b", None]))
@settings(max_examples=300)
def test_a_line_composed_without_the_rules_is_what_they_would_give(image, base):
    """Validation finds nothing in it, and the long way composes the same bytes."""
    options = Options(base=base, created_at="2026-01-01T00:00:00")
    line = clean_line(image, options)
    if line is None:
        return

    assert () == check_line(line.raw).problems
    with patch("reconciler.convert.compose.clean_line", return_value=None):
        done = convert([image], options)
    assert ({line.ref: line.raw}, len(image.rounded), []) == (dict(done.lines), done.boxes, done.problems)


def test_a_usual_image_needs_no_rules():
    assert clean_line(USUAL, Options(base=BASE))
    assert clean_line(replace(USUAL, created_at=None), Options(base=BASE, created_at="2026-03-01T12:00:00"))


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(replace(USUAL, rounded=()), id="no-box"),
        pytest.param(replace(USUAL, labels=("bee",)), id="label"),
        pytest.param(replace(USUAL, created_at=None), id="no-date"),
        pytest.param(replace(USUAL, size=(63, 640)), id="small"),
        pytest.param(replace(USUAL, size=(4097, 640)), id="large"),
        pytest.param(replace(USUAL, size=(4000, 480), rounded=(LabelledBox("bee", 0, 0, 2, 30),)), id="thin"),
        pytest.param(replace(USUAL, rounded=(LabelledBox("bee\u200b", 0, 0, 9, 9),)), id="odd-label"),
        pytest.param(replace(USUAL, rounded=USUAL.rounded * 17), id="51-boxes"),
        pytest.param(replace(USUAL, name="a.gif"), id="name"),
        pytest.param(replace(USUAL, created_at="soon"), id="date"),
    ],
)
def test_anything_else_is_left_to_the_rules(image):
    assert clean_line(image, Options(base=BASE)) is None


@pytest.mark.parametrize("base", ["s3://acme/a\\b/", "s3://acme/\u200b/", None])
def test_an_unusual_base_is_left_to_the_rules(base):
    assert clean_line(USUAL, Options(base=base)) is None


def test_an_image_that_is_there_again_is_an_error_at_both_places():
    """Also where the first, which is not converted, is not among the lines."""
    places = [Origin("b, c\n.json", number) for number in (1, 2, 3)]
    again = [replace(USUAL, origin=place) for place in places]
    done = convert(again, Options(base=BASE))
    assert (1, 2) == (len(done.lines), done.skipped)
    assert [(place, str(places[0])) for place in places[1:]] == [
        (problem.origin, str(places[0])) for problem in done.problems if str(places[0]) in problem.message
    ]

    beyond = replace(USUAL, origin=places[0], rounded=(), boxes=(), size=(10, 10))
    done = convert([beyond, *again[1:]], Options(base=BASE))
    assert (0, 3) == (len(done.lines), done.skipped)
    assert 2 == sum(str(places[0]) in problem.message for problem in done.problems)
