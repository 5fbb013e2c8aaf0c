"""labelme: a file an image, rectangles by two or four corners, flags."""

import json

import pytest

from tests.convert.inputs import boxes, convert, errors, fields

FOUR = [[10, 20], [110, 20], [110, 220.4], [10, 220.4]]


def shape(label, points, kind="rectangle"):
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}}


def file(tmp_path, name, *shapes, **more):
    content = {
        "version": "5.0.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{name}.jpg",
        "imageData": None,
    }
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps({**content, "imageHeight": 480, "imageWidth": 640, **more}))
    return path


def labelme(tmp_path, *shapes, more=(), **options):
    return convert("labelme", file(tmp_path, "a", *shapes, **dict(more)), **options)


@pytest.mark.parametrize("points", [[[10, 20], [110, 220.4]], [[110, 20], [10, 220.4]], FOUR])
def test_a_rectangle_has_corners_in_any_order(points, tmp_path):
    """Two opposite ones, or all four, as X-AnyLabeling writes them."""
    assert [("bee", 10, 20, 100, 200)] == boxes(*fields(labelme(tmp_path, shape("bee", points))))


def test_a_directory_is_read_whole_and_empty_shapes_are_no_objects(tmp_path):
    file(tmp_path, "a", shape("bee", [[10, 20], [110, 220]]))
    file(tmp_path, "b")

    assert [[("bee", 10, 20, 100, 200)], []] == [boxes(line) for line in fields(convert("labelme", tmp_path))]


def test_flags_that_are_set_are_labels_of_the_image(tmp_path):
    file(tmp_path, "a", flags={"bee": True, "ant": False})
    file(tmp_path, "b", flags={"bee": False, "ant": False})

    done = fields(convert("labelme", tmp_path))

    assert ["source-ref", "bee", "bee-metadata"] == list(done[0])
    assert {"source-ref": "s3://b/p/b.jpg"} == done[1]


@pytest.mark.parametrize(
    ("points", "kind", "expected"),
    [
        ([[10, 20], [50, 20], [30, 60]], "polygon", ("x", 10, 20, 40, 40)),
        ([[10, 20], [50, 20], [30, 60]], None, ("x", 10, 20, 40, 40)),
        ([[100, 100], [103, 104]], "circle", ("x", 95, 95, 10, 10)),
        ([[10, 20], [30, 10], [40, 30], [20, 40]], "rectangle", ("x", 10, 10, 30, 30)),
    ],
)
def test_other_shapes_are_errors_or_the_box_around_them(points, kind, expected, tmp_path):
    """Without a kind a shape is a polygon, as in the first versions; a rectangle may be turned."""
    assert ["RKD1605"] == [code for _, code in errors(labelme(tmp_path, shape("x", points, kind)))]
    assert [expected] == boxes(*fields(labelme(tmp_path, shape("x", points, kind), polygons=True)))


@pytest.mark.parametrize(
    ("shapes", "more", "code"),
    [
        ([shape("x", [[1, 2]], "point")], {}, "RKD1605"),
        ([shape("x", [[1, 2], [3, "y"]])], {}, "RKD1602"),
        ([{"label": 7}], {}, "RKD1602"),
        ([], {"shapes": None}, "RKD1601"),
        ([shape("x", [[1, 2], [30, 40]])], {"imageWidth": None}, "RKD1503"),
        ([], {"imagePath": "..\\a.jpg"}, "RKD1501"),
    ],
)
def test_what_cannot_be_read_is_an_error(shapes, more, code, tmp_path):
    assert [code] == [found for _, found in errors(labelme(tmp_path, *shapes, more=more))]


@pytest.mark.parametrize(("score", "expected"), [(0.43, ["RKD1605"]), (None, []), (1, []), (1.0, [])])
def test_a_shape_with_a_score_is_a_prediction(score, expected, tmp_path):
    """X-AnyLabeling writes the score of its models beside a shape, and null for one that a person drew."""
    scored = shape("bee", [[10, 20], [110, 220]]) | {"score": score}

    done = convert("labelme", file(tmp_path, "a", scored))

    assert expected == [code for _, code in errors(done)]
