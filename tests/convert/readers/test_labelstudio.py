"""Label Studio: percentages become pixels, exports JSON and JSON-MIN, what counts as annotated."""

import json

import pytest

from tests.convert.inputs import boxes, convert, errors, fields, png, warnings

CREATED = "2024-05-06T07:08:09.123456Z"
SIZE = {"original_width": 800, "original_height": 600, "image_rotation": 0}


def result(label="bee", kind="rectanglelabels", **value):
    shape = {"x": 12.5, "y": 25, "width": 50, "height": 10, "rotation": 0, kind: [label], **value}
    return {**SIZE, "id": "r", "from_name": "label", "to_name": "image", "type": kind, "value": shape}


def annotation(*results, **more):
    return {"id": 1, "was_cancelled": False, "created_at": CREATED, "result": list(results), **more}


def task(*annotations, image="a.jpg", **more):
    return {"id": 1, "data": {"image": image}, "annotations": list(annotations), "predictions": [], **more}


def studio(tmp_path, *tasks, **options):
    """Convert beside an image of 640 x 480, since an empty annotation does not state the size."""
    (tmp_path / "b.png").write_bytes(png(640, 480))
    (tmp_path / "in.json").write_text(json.dumps(tasks, indent=0))
    return convert("labelstudio", tmp_path / "in.json", **options)


def test_percentages_become_pixels(tmp_path):
    """With the date of the annotation."""
    line = fields(studio(tmp_path, task(annotation(result(), result("ant", x=0.061))), created_at=None))[0]

    assert [("bee", 100, 150, 400, 60), ("ant", 0, 150, 400, 60)] == boxes(line)
    assert "2024-05-06T07:08:09.123456Z" == line["bounding-box-metadata"]["creation-date"]


def test_an_empty_annotation_is_no_objects_and_none_is_unlabelled(tmp_path):
    """A cancelled annotation counts as none."""
    done = studio(
        tmp_path,
        task(annotation(result())),
        task(annotation(), image="b.png"),
        task(image="c.jpg"),
        task(annotation(result(), was_cancelled=True), image="d.jpg"),
    )

    assert [] == boxes(fields(done)[1])
    assert [["source-ref"], ["source-ref"]] == [list(line) for line in fields(done)[2:]]


def test_a_task_to_be_imported_is_unlabelled(tmp_path):
    assert {"source-ref": "s3://b/p/a.jpg"} == fields(studio(tmp_path, {"data": {"image": "a.jpg"}}))[0]


def test_of_several_annotations_the_ground_truth_counts(tmp_path):
    first, second = annotation(result("ant")), annotation(result())

    assert [("in.json:2:1", "RKD1602")] == errors(studio(tmp_path, task(first, second)))
    done = studio(tmp_path, task(first, {**second, "ground_truth": True}))
    assert [("bee", 100, 150, 400, 60)] == boxes(*fields(done))


def test_a_region_may_have_its_label_in_a_result_of_its_own(tmp_path):
    """As of a Rectangle beside Labels in the configuration."""
    shape = {**result(), "type": "rectangle", "value": {"x": 12.5, "y": 25, "width": 50, "height": 10}}
    done = studio(tmp_path, task(annotation(shape, result(kind="labels"))))

    assert [("bee", 100, 150, 400, 60)] == boxes(*fields(done))
    assert ["RKD1604"] == [code for _, code in errors(studio(tmp_path, task(annotation(shape))))]


def test_choices_are_labels_of_the_whole_image(tmp_path):
    choice = {"type": "choices", "value": {"choices": ["sunny"]}, "from_name": "c", "to_name": "image"}
    done = studio(tmp_path, task(annotation(choice)), task(annotation(), image="b.jpg"))

    assert ["source-ref", "sunny", "sunny-metadata"] == list(fields(done)[0])
    assert ["source-ref"] == list(fields(done)[1])


def test_a_turned_box_is_an_error_or_the_box_around_it(tmp_path):
    """Turned clockwise around its upper left corner, as pixels: 400 x 60 by a quarter is 60 x 400 to its left."""
    turned = task(annotation(result(x=50, y=10, height=10, rotation=90)))

    assert ["RKD1605"] == [code for _, code in errors(studio(tmp_path, turned))]
    assert [("bee", 340, 60, 60, 400)] == boxes(*fields(studio(tmp_path, turned, polygons=True)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"points": [[10, 10], [20, 10], [20, 30.5]], "polygonlabels": ["x"]}, ("x", 80, 60, 80, 123)),
        ({"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "ellipselabels": ["x"]}, ("x", 320, 180, 160, 240)),
    ],
)
def test_other_shapes_are_errors_or_the_box_around_them(value, expected, tmp_path):
    kind = next(key for key in value if key.endswith("labels"))
    given = task(annotation({**SIZE, "type": kind, "value": value}))

    assert ["RKD1605"] == [code for _, code in errors(studio(tmp_path, given))]
    assert [expected] == boxes(*fields(studio(tmp_path, given, polygons=True)))


def test_a_mask_or_a_point_is_an_error(tmp_path):
    mask = {"type": "brushlabels", "value": {"format": "rle", "rle": [1], "brushlabels": ["x"]}}
    point = {"type": "keypointlabels", "value": {"x": 1, "y": 2, "width": 3, "keypointlabels": ["x"]}}

    done = studio(tmp_path, task(annotation(mask, point)), polygons=True)

    assert ["RKD1605", "RKD1605"] == [code for _, code in errors(done)]


def test_json_min_has_the_results_beside_the_data(tmp_path):
    """Boxes with their labels, choices, and an annotation that holds nothing."""
    shape = {**{key: value for key, value in SIZE.items() if key != "image_rotation"}, **result()["value"]}
    flat = {"id": 1, "annotator": 1, "annotation_id": 1, "created_at": CREATED}
    done = studio(tmp_path, {"image": "a.jpg", "label": [shape], **flat}, {"image": "b.png", **flat})

    assert [[("bee", 100, 150, 400, 60)], []] == [boxes(line) for line in fields(done)]
    done = studio(tmp_path, {"image": "a.jpg", "choice": {"choices": ["sunny", "wet"]}, **flat})
    assert ["source-ref", "sunny", "sunny-metadata", "wet", "wet-metadata"] == list(fields(done)[0])
    several = {"image": "a.jpg", "choice": "sunny", "note": "x", **flat}
    assert ["RKD1604"] == [code for _, code in errors(studio(tmp_path, several))]
    assert "sunny" in fields(studio(tmp_path, several, attributes=("choice",)))[0]


def test_sizes_that_are_not_stated_come_from_the_images(tmp_path):
    """As in files that are written to be imported."""
    bare = {key: value for key, value in result().items() if key not in SIZE}
    (tmp_path / "a.png").write_bytes(png(1000, 500))

    done = studio(tmp_path, task(annotation(bare), image="/data/local-files/?d=a.png"))

    assert [("bee", 125, 125, 500, 50)] == boxes(*fields(done))


def test_predictions_are_no_labels(tmp_path):
    done = studio(tmp_path, task(predictions=[annotation(result())]))

    assert ["source-ref"] == list(fields(done)[0])
    assert ["RKD1606", "WARNING_UNANNOTATED_RECORD"] == sorted(warnings(done))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"id": 1, "text": "x"}, "RKD1602"),
        ({"data": {"text": "x"}, "annotations": []}, "RKD1602"),
        (task(annotation({**result(), "image_rotation": 90})), "RKD1605"),
        (task(annotation(result(), {**result(), "original_width": 801})), "RKD1602"),
        (task(annotation(result(x="a"))), "RKD1602"),
        (task(annotation({**result(rectanglelabels=[]), "id": []})), "RKD1604"),
        (7, "RKD1602"),
    ],
)
def test_what_cannot_be_read_is_an_error(given, code, tmp_path):
    assert [code] == [found for _, found in errors(studio(tmp_path, given))]
