"""CreateML: coordinates are the centre and the size."""

import json

import pytest

from tests.convert.inputs import boxes, convert, errors, fields, png


def note(label="bee", x=60, y=120.5, width=100, height=200):
    return {"label": label, "coordinates": {"x": x, "y": y, "width": width, "height": height}}


def createml(tmp_path, *images):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png(640, 480))
    (tmp_path / "in.json").write_text(json.dumps(images, indent=0))
    return convert("createml", tmp_path / "in.json")


@pytest.mark.parametrize(("name", "notes"), [("image", "annotations"), ("imagefilename", "annotation")])
def test_boxes_are_given_by_their_centre(name, notes, tmp_path):
    """Edges at half a pixel go away from zero; the size comes from the image beside the file."""
    done = createml(
        tmp_path, {name: "a.png", notes: [note(), note("ant", 1.5, 2, 3, 4)]}, {name: "b.png", notes: []}
    )

    assert [[("bee", 10, 21, 100, 200), ("ant", 0, 0, 3, 4)], []] == [boxes(line) for line in fields(done)]


def test_numbers_below_two_are_fractions_of_the_image(tmp_path):
    done = createml(tmp_path, {"image": "a.png", "annotations": [note(x=0.5, y=0.5, width=0.25, height=1)]})

    assert [("bee", 240, 0, 160, 480)] == boxes(*fields(done))


def test_a_confidence_of_one_is_that_of_a_label(tmp_path):
    done = createml(tmp_path, {"image": "a.png", "annotations": [note() | {"confidence": 1.0}]})

    assert [("bee", 10, 21, 100, 200)] == boxes(*fields(done))


def test_the_file_of_roboflow_is_found_in_its_directory(tmp_path):
    (tmp_path / "a.png").write_bytes(png(640, 480))
    content = [{"image": "a.png", "annotations": [note()]}]
    (tmp_path / "_annotations.createml.json").write_text(json.dumps(content))

    assert [("bee", 10, 21, 100, 200)] == boxes(*fields(convert("createml", tmp_path)))


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"image": "c.jpg", "annotations": [note()]}, "RKD1503"),
        ({"image": "a.png"}, "RKD1602"),
        ({"image": "a.png", "annotations": ["bee"]}, "RKD1602"),
        ({"image": "a.png", "annotations": [note() | {"confidence": 0.9}]}, "RKD1605"),
        ({"image": "a.png", "annotations": [note(x="left")]}, "RKD1602"),
        (7, "RKD1602"),
    ],
)
def test_what_cannot_be_read_is_an_error(image, code, tmp_path):
    assert [("in.json:2:1", code)] == errors(createml(tmp_path, image))
