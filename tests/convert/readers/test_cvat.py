"""CVAT for images: boxes, tags, turned and other shapes, subsets."""

import pytest

from reconciler.convert.readers.cvat import read_cvat
from reconciler.convert.record import BadFile, Options
from reconciler.errors import UsageError
from tests.convert.inputs import boxes, convert, errors, fields, warnings

IMAGE = '<image id="0" name="{name}" width="640" height="480"{more}>\n{shapes}\n</image>\n'
BOX = '<box label="{label}" occluded="0" xtl="{0}" ytl="{1}" xbr="{2}" ybr="{3}" z_order="0"{more}></box>'


def image(*shapes, name="a.jpg", more=""):
    return IMAGE.format(name=name, shapes="\n".join(shapes), more=more)


def box(label, *edges, more=""):
    return BOX.format(*edges, label=label, more=more)


def cvat(tmp_path, *images, **options):
    file = tmp_path / "annotations.xml"
    file.write_text(f"<annotations>\n<version>1.1</version>\n<meta/>\n{''.join(images)}</annotations>")
    return convert("cvat", file, **options)


def test_edges_of_boxes_go_to_the_nearest_pixel(tmp_path):
    done = cvat(tmp_path, image(box("bee", "10.49", "20.5", "110.00", "220.51"), box("ant", 1, 2, 30, 40)))

    assert [("bee", 10, 21, 100, 200), ("ant", 1, 2, 29, 38)] == boxes(*fields(done))


def test_an_image_without_shapes_has_no_objects(tmp_path):
    done = cvat(tmp_path, image(box("bee", 1, 2, 30, 40)), image(name="b.jpg"))

    assert [] == boxes(fields(done)[1])


def test_tags_are_labels_of_the_whole_image(tmp_path):
    """In a file without shapes, an image without a tag is unlabelled; beside shapes it has no objects."""
    tag = '<tag label="sunny" source="manual"></tag>'
    only = cvat(tmp_path, image(tag), image(name="b.jpg"))
    mixed = cvat(tmp_path, image(tag), image(box("bee", 1, 2, 30, 40), name="b.jpg"))

    assert "sunny" == fields(only)[0]["sunny-metadata"]["class-name"]
    assert {"source-ref": "s3://b/p/b.jpg"} == fields(only)[1]
    assert [[], [("bee", 1, 2, 29, 38)]] == [boxes(line) for line in fields(mixed)]


def test_a_turned_box_is_an_error_or_the_box_around_it(tmp_path):
    """Turned by a quarter around its centre it is exact, and by 30 degrees cos 30 wide and sin 30 high."""
    quarter = image(box("bee", 100, 100, 200, 140, more=' rotation="90.00"'))
    third = image(box("bee", 100, 100, 200, 200, more=' rotation="30.00"'), name="b.jpg")

    assert [("annotations.xml:5:1", "RKD1605"), ("annotations.xml:8:1", "RKD1605")] == errors(
        cvat(tmp_path, quarter, third)
    )
    assert [[("bee", 130, 70, 40, 100)], [("bee", 82, 82, 136, 136)]] == [
        boxes(line) for line in fields(cvat(tmp_path, quarter, third, polygons=True))
    ]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ('<polygon label="x" points="10.2,20.0;30.0,20.0;30.0,44.6"/>', ("x", 10, 20, 20, 25)),
        ('<mask label="x" rle="1, 2" left="5" top="6" width="7" height="8"/>', ("x", 5, 6, 7, 8)),
        ('<ellipse label="x" cx="50" cy="60" rx="10" ry="20"/>', ("x", 40, 40, 20, 40)),
    ],
)
def test_other_shapes_are_errors_or_the_box_around_them(shape, expected, tmp_path):
    assert [("annotations.xml:5:1", "RKD1605")] == errors(cvat(tmp_path, image(shape)))
    assert [expected] == boxes(*fields(cvat(tmp_path, image(shape), polygons=True)))


def test_points_are_errors(tmp_path):
    """There is no box around a point, and without it the image would be one without objects."""
    done = cvat(tmp_path, image('<points label="x" points="1,2"/>'), polygons=True)

    assert [("annotations.xml:5:1", "RKD1605")] == errors(done)


def test_tracks_are_refused(tmp_path):
    """A video has no names of images."""
    done = cvat(tmp_path, '<track id="0" label="x"><box frame="0"/></track>')

    assert ["RKD1601"] == [code for _, code in errors(done)]
    assert "CVAT for images" in done.problems[0].message


def test_a_subset_of_a_project_is_a_split(tmp_path):
    train = image(box("bee", 1, 2, 30, 40), more=' subset="Train" task_id="1"')
    test = image(box("bee", 1, 2, 30, 40), name="b.jpg", more=' subset="Test" task_id="2"')

    assert ["RKD1606"] == warnings(cvat(tmp_path, train, test))
    assert ["s3://b/p/b.jpg"] == list(cvat(tmp_path, train, test, split="test").lines)
    with pytest.raises(UsageError, match="no part “val”"):
        cvat(tmp_path, train, split="val")


@pytest.mark.parametrize(
    ("content", "code"),
    [(image(box("bee", 1, "x", 30, 40)), "RKD1602"), (image(name=""), "RKD1602"), ("<image/>", "RKD1602")],
)
def test_what_cannot_be_read_is_an_error(content, code, tmp_path):
    assert [code] == [found for _, found in errors(cvat(tmp_path, content))]


def test_another_xml_file_is_refused(tmp_path):
    (tmp_path / "a.xml").write_text("<annotation/>")

    with pytest.raises(BadFile, match="<annotation>, not <annotations>"):
        list(read_cvat(tmp_path / "a.xml", Options()))


@pytest.mark.parametrize(
    "shape",
    [
        '<ellipse label="bee" cx="50" rx="20" ry="10"/>',
        '<ellipse label="bee" cx="50" cy="x" rx="20" ry="10"/>',
        box("bee", 1, 2, 30, 40, more=' rotation="x"'),
    ],
)
def test_a_number_that_is_none_is_not_taken_for_zero(shape, tmp_path):
    assert ["RKD1602"] == [code for _, code in errors(cvat(tmp_path, image(shape), polygons=True))]


def test_an_ellipse_has_its_article(tmp_path):
    (problem,) = cvat(tmp_path, image('<ellipse label="bee" cx="50" cy="60" rx="20" ry="10"/>')).errors

    assert problem.message.startswith("the object “bee” is an ellipse, which")
