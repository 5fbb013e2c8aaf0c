"""Azure: Custom Vision as its API lists images, and JSON Lines of Machine Learning."""

import json

import pytest

from tests.convert.inputs import boxes, convert, errors, fields

REGION = {"tagName": "bee", "left": 0.25, "top": 0.5, "width": 0.5, "height": 0.25}
BOX = {"label": "bee", "topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 0.75, "isCrowd": 0}
URL = "azureml://subscriptions/1/resourcegroups/g/workspaces/w/datastores/d/paths/x/"


def vision(name, **more):
    return {"id": name, "width": 640, "height": 480, "originalImageUri": "https://x/1", **more}


def learning(name, label):
    details = {"format": "jpg", "width": "640px", "height": "480px"}
    return {"image_url": f"{URL}{name}", "image_details": details, "label": label}


def azure(tmp_path, content, **options):
    (tmp_path / "in.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return convert("azure", tmp_path / "in.json", **options)


@pytest.mark.parametrize("outer", [list, lambda images: {"images": images}])
def test_regions_are_boxes_and_tags_are_labels(outer, tmp_path):
    """An image is called by its id, since the API does not keep names; with neither it is unlabelled."""
    tags = [{"tagName": "bee"}]
    images = [vision("a", regions=[REGION], tags=tags), vision("b", tags=tags), vision("c", tags=[])]
    done = fields(azure(tmp_path, outer(images), extension=".jpg"))

    assert [("bee", 160, 240, 320, 120)] == boxes(done[0])
    assert ["source-ref", "bounding-box", "bounding-box-metadata"] == list(done[0])
    assert [["source-ref", "bee", "bee-metadata"], ["source-ref"]] == [list(line) for line in done[1:]]


def test_lines_of_machine_learning_have_boxes_or_labels(tmp_path):
    """The path in the datastore is the name; an empty list is no objects."""
    lines = [
        learning("a.jpg", [BOX]),
        learning("b.jpg", []),
        learning("c.jpg", "wet"),
        learning("d.jpg", ["wet"]),
    ]
    done = fields(azure(tmp_path, "\n".join(map(json.dumps, lines))))

    assert [[("bee", 160, 240, 320, 120)], []] == [boxes(line) for line in done[:2]]
    assert "s3://b/p/x/a.jpg" == done[0]["source-ref"]
    assert [["source-ref", "wet", "wet-metadata"]] * 2 == [list(line) for line in done[2:]]


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"id": "a.jpg"}, "RKD1602"),
        (vision("a.jpg", regions=[{}]), "RKD1604"),
        (vision("a.jpg", regions=[{**REGION, "left": "x"}]), "RKD1602"),
        (learning("a.jpg", 7), "RKD1602"),
        (learning("a.jpg", [{"label": "x", "polygon": [[0, 0]]}]), "RKD1605"),
        (learning("a.jpg", [{"topX": 0}]), "RKD1604"),
    ],
)
def test_what_cannot_be_read_is_an_error(image, code, tmp_path):
    assert [("in.json:1:2", code)] == errors(azure(tmp_path, [image]))
