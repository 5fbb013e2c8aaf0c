"""Supervisely: a file an image, called as the image is; rectangles, tags and splits."""

import json

import pytest

from reconciler.errors import UsageError
from tests.convert.inputs import boxes, convert, errors, fields, png


def thing(label="bee", kind="rectangle", points=((10, 20), (110, 220))):
    return {"classTitle": label, "geometryType": kind, "points": {"exterior": points, "interior": []}}


def write(place, name, *objects, tags=(), **more):
    place.mkdir(parents=True, exist_ok=True)
    content = {"description": "", "tags": [{"name": tag, "value": None} for tag in tags], "objects": objects}
    content |= {"size": {"height": 480, "width": 640}, **more}
    (place / f"{name}.json").write_text(json.dumps(content))


def test_the_only_data_set_of_a_project_is_read(tmp_path):
    """Names without an ending get that of the image; an image without objects is one in which nothing is."""
    place = tmp_path / "ds1" / "ann"
    write(place, "a.jpg", thing(), thing("ant", points=[[30, 40], [1.5, 2]]))
    write(place, "b")
    (place.parent / "img").mkdir()
    (place.parent / "img" / "b.png").write_bytes(png(640, 480))
    (tmp_path / "meta.json").write_text('{"classes": []}')

    done = convert("supervisely", tmp_path)

    assert ["s3://b/p/a.jpg", "s3://b/p/b.png"] == list(done.lines)
    assert [[("bee", 10, 20, 100, 200), ("ant", 2, 2, 28, 38)], []] == [boxes(line) for line in fields(done)]


def test_points_may_be_within_a_geometry(tmp_path):
    """As in annotations of videos, and as other tools write it."""
    geometry = {"points": {"exterior": [[10, 20], [110, 220]], "interior": []}}
    write(tmp_path, "a.jpg", {"classTitle": "bee", "geometryType": "rectangle", "geometry": geometry})

    assert [("bee", 10, 20, 100, 200)] == boxes(*fields(convert("supervisely", tmp_path / "a.jpg.json")))


def test_one_of_several_data_sets_is_named(tmp_path):
    write(tmp_path / "x" / "ann", "a.jpg")
    write(tmp_path / "y" / "ann", "b.jpg", thing())

    with pytest.raises(UsageError, match=r"/x, .*/y"):
        convert("supervisely", tmp_path)
    assert ["s3://b/p/b.jpg"] == list(convert("supervisely", tmp_path / "y").lines)


def test_tags_are_labels_or_splits(tmp_path):
    write(tmp_path / "ann", "a.jpg", tags=["sunny", "train"])
    write(tmp_path / "ann", "b.jpg", tags=["wet", "test"])

    done = convert("supervisely", tmp_path, split="test")

    assert [["source-ref", "wet", "wet-metadata"]] == [list(line) for line in fields(done)]


@pytest.mark.parametrize(
    ("objects", "more", "code"),
    [
        ([thing(kind="bitmap")], {}, "RKD1605"),
        ([thing(kind="polygon")], {}, "RKD1605"),
        ([thing(points=[[1, 2]])], {}, "RKD1602"),
        ([{}], {}, "RKD1602"),
        ([], {"size": None}, "RKD1601"),
    ],
)
def test_what_cannot_be_read_is_an_error(objects, more, code, tmp_path):
    write(tmp_path, "a.jpg", *objects, **more)

    assert [code] == [found for _, found in errors(convert("supervisely", tmp_path / "a.jpg.json"))]


def test_a_polygon_becomes_the_box_around_it_if_asked(tmp_path):
    write(tmp_path, "a.jpg", thing(kind="polygon", points=[[1, 2], [30, 2], [3, 40]]))

    assert [("bee", 1, 2, 29, 38)] == boxes(
        *fields(convert("supervisely", tmp_path / "a.jpg.json", polygons=True))
    )


def test_tags_of_the_first_versions_are_texts(tmp_path):
    """An image with nothing but such a tag is labelled, and not one in which nothing is."""
    content = {"tags": ["train", "broken"], "objects": [], "size": {"height": 480, "width": 640}}
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "a.jpg.json").write_text(json.dumps(content))

    (line,) = fields(convert("supervisely", tmp_path))

    assert "broken" == line["broken-metadata"]["class-name"]
    assert "bounding-box" not in line
