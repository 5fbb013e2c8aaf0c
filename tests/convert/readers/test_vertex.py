"""Vertex AI: JSON Lines with fractions of the image, labels of images, and splits."""

import json

import pytest

from tests.convert.inputs import boxes, convert, errors, fields, png, warnings


def note(label="bee", **edges):
    return {"displayName": label, "xMin": 0.25, "yMin": "0.5", "xMax": 0.75, "yMax": 1, **edges}


def image(name="a.png", split="training", **annotations):
    labels = {"aiplatform.googleapis.com/ml_use": split}
    return {"imageGcsUri": f"gs://acme/{name}", "dataItemResourceLabels": labels, **annotations}


def vertex(tmp_path, *images, **options):
    """Convert beside an image of 640 x 480."""
    (tmp_path / "a.png").write_bytes(png(640, 480))
    (tmp_path / "in.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in images))
    return convert("vertex", tmp_path / "in.jsonl", **options)


def test_fractions_become_pixels_and_an_empty_list_is_no_objects(tmp_path):
    (tmp_path / "b.png").write_bytes(png(64, 64))
    given = image(boundingBoxAnnotations=[note()]), image("b.png", boundingBoxAnnotations=[])
    done = vertex(tmp_path, *given)

    assert [[("bee", 160, 240, 320, 240)], []] == [boxes(line) for line in fields(done)]


@pytest.mark.parametrize(
    "annotations",
    [
        {"classificationAnnotation": {"displayName": "bee"}},
        {"classificationAnnotations": [{"displayName": "bee"}]},
    ],
)
def test_classes_are_labels_of_the_image_and_an_image_without_is_unlabelled(annotations, tmp_path):
    done = vertex(tmp_path, image(**annotations), image("b.png"))

    assert [["source-ref", "bee", "bee-metadata"], ["source-ref"]] == [list(line) for line in fields(done)]


def test_a_split_is_selected(tmp_path):
    given = image(), image("b.png", "test")

    assert ["RKD1606"] == [code for code in warnings(vertex(tmp_path, *given)) if code.startswith("RKD")]
    assert ["s3://b/p/b.png"] == list(vertex(tmp_path, *given, split="test").lines)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"image": "a.png"}, "RKD1602"),
        (image(boundingBoxAnnotations=[{}]), "RKD1602"),
        (image(boundingBoxAnnotations=[note(xMin=None)]), "RKD1602"),
        (image(segmentationAnnotation={"maskGcsUri": "gs://x/m.png"}), "RKD1605"),
        (image("c.png", boundingBoxAnnotations=[note()]), "RKD1503"),
    ],
)
def test_what_cannot_be_read_is_an_error(given, code, tmp_path):
    assert [("in.jsonl:1:1", code)] == errors(vertex(tmp_path, given))
