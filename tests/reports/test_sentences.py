"""What changes in an image, in sentences."""

import pytest

from reconciler.core.entries.equality import FieldChange, field_changes
from reconciler.core.entries.image_view import view_of
from reconciler.reports.sentences import ImageEvent, due_changes, field_name
from tests.reports.drift.builders import entry

ECHO = ("Echo", 86, 65, 220, 334)


def told(observed, desired) -> tuple[list[str], list[str]]:
    """Return the sentences, and the names of the fields that no sentence tells."""
    found = due_changes(field_changes(observed, desired), view_of(desired, observed))
    return list(map(str, found.events)), [field_name(field.path) for field in found.fields]


def test_a_moved_box_is_told_by_its_label_and_in_pixels():
    """No pointer: neither the attribute nor the number of the box."""
    before, after = entry("a.png", boxes=(("Echo", 91, 65, 220, 334),)), entry("a.png", boxes=(ECHO,))

    assert (["Box “Echo” will move (5 px left; IoU 0.96)"], []) == told(before, after)


def test_a_box_that_comes_brings_its_class_and_its_confidence():
    """One sentence, for what are three fields or more of the line."""
    before, after = entry("a.png", boxes=(ECHO,)), entry("a.png", boxes=(ECHO, ("Dot", 400, 10, 20, 20)))

    assert (["Box “Dot” will be added (20 by 20 px at 400, 10)"], []) == told(before, after)


def test_what_no_sentence_tells_is_named_beside_it():
    """A date is no label; it is neither lost nor taken for a change that training sees."""
    before, after = entry("a.png", "old"), entry("a.png", "new")
    after["label0-metadata"]["creation-date"] = "2027-01-01T00:00:00"

    assert (["“old” will become “new”"], ["creation-date of “label0”"]) == told(before, after)


def test_a_class_that_no_box_has_is_not_hidden_by_one_that_moves():
    """Only the classes of the image are told with its boxes."""
    before, after = entry("a.png", boxes=(("Echo", 91, 65, 220, 334),)), entry("a.png", boxes=(ECHO,))
    after["boxes-metadata"]["class-map"]["9"] = "unused"

    assert ["class 9 of “boxes”"] == told(before, after)[1]


def test_a_label_that_comes_in_an_attribute_of_its_own_is_one_sentence():
    """As the shorthand writes labels: the attribute is named for the label, and says no more than it."""
    before, after = entry("a.png", "rose"), entry("a.png", "rose", "leaf")

    assert (["“leaf” will be added"], []) == told(before, after)
    assert ["“leaf” will be removed"] == [
        str(one) for one in due_changes(field_changes(after, before)).events
    ]


def test_a_second_attribute_for_the_same_label_is_not_hidden():
    """Training sees no change in it, so that no sentence tells it."""
    before, after = entry("a.png", "rose", "old"), entry("a.png", "rose", "new", "rose")

    assert ["“label2”", "“label2-metadata”"] == told(before, after)[1]


def test_boxes_in_another_order_do_not_move():
    """Training sees the same: the fields are named as fields."""
    dot = ("Dot", 400, 10, 20, 20)
    before, after = entry("a.png", boxes=(ECHO, dot)), entry("a.png", boxes=(ECHO, dot))
    after["boxes"]["annotations"].reverse()

    events, fields = told(before, after)

    assert [] == events
    assert "left of box 1 of “boxes”" in fields


def test_without_the_lines_a_box_is_named_by_its_number():
    """A saved plan has the fields that differ, and not the lines."""
    fields = [
        FieldChange("/boxes/annotations/0/left", 811, 808),
        FieldChange("/boxes/annotations/0/width", 10, 12.5),
        FieldChange(
            "/boxes/annotations/2", None, {"class_id": 0, "left": 1, "top": 2, "width": 3, "height": 4}
        ),
        FieldChange("/boxes-metadata/objects/2", None, {"confidence": 1}),
        FieldChange("/label0-metadata/class-name", "old", "new"),
    ]
    found = due_changes(fields)

    assert [
        "A box of “boxes” will be added (3 by 4 px at 1, 2)",
        "“old” will become “new”",
        "Box 1 of “boxes” will move (3 px left, 2.5 px wider)",
    ] == list(map(str, found.events))
    assert () == found.fields


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/boxes-metadata/objects/0/confidence", "confidence of box 1 of “boxes”"),
        ("/boxes/image_size/0/width", "width of the image of “boxes”"),
        ("/boxes-metadata/class-map/3", "class 3 of “boxes”"),
        ("/weather", "“weather”"),
        ("/tags/3/a~1b", "a/b of item 4 of “tags”"),
        ("", "the whole line"),
    ],
)
def test_a_field_is_named_from_the_inside_out(path: str, name: str):
    """As people say it; the pointer itself is in the JSON."""
    assert name == field_name(path)


@pytest.mark.parametrize("content", [None, True, 3, "x", [], {}, [{}], {"left": "1"}, {"class-map": {}}])
def test_fields_of_any_shape_are_told(content: object):
    """What the service or a person may have written; each is told once, as a sentence or as a field."""
    for path in (
        "/b/annotations",
        "/b/annotations/0",
        "/b/annotations/x/left",
        "/b-metadata/class-map/0",
        "/b",
    ):
        for field in (FieldChange(path, content, 1), FieldChange(path, 1, content)):
            found = due_changes([field])
            assert len(found.events) + len(found.fields) >= 1
            assert all(isinstance(event, ImageEvent) and event.text for event in found.events)
